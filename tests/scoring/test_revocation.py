from __future__ import annotations

import numpy as np
import pytest

from detector.domain import DAY, HOUR, KIND_CODE, MINUTE, SECOND, Activity, ActorClass, Flag, Outcome, UseRow
from detector.scoring.evidence import PARENTAGE, REVOCATION
from detector.scoring.revocation import Revocation
from detector.state.credentials import Lifecycle
from tests.uses import BUNDLE, NAT, START, Mind, fingerprint, use

END = START + DAY
OVERRUNS = [
    (-HOUR, 0.0), (0, 0.0), (119 * SECOND, 0.0), (120 * SECOND, 0.0), (599 * SECOND, 0.0), (10 * MINUTE, 4.0),
    (HOUR - SECOND, 4.0), (HOUR, 10.5), (DAY - SECOND, 10.5), (DAY, 13.0), (300 * DAY, 13.0),
]  # fmt: skip
SESSION = KIND_CODE["aws.session/assumed"]
ORPHANED = [
    (-HOUR, 0.0), (HOUR, 0.0), (12 * HOUR - SECOND, 0.0), (12 * HOUR, 3.0), (36 * HOUR - SECOND, 3.0), (36 * HOUR, 6.0)
]  # fmt: skip


def score(
    *rows: UseRow, expires: int = 0, revoked: int = 0, parent_revoked: int = 0
) -> tuple[list[float], list[float]]:
    """Nats after the credential's own end and after its parent's; ends in microseconds, 0 = never."""

    def column(time: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.full(len(rows), time // SECOND, np.int64)

    known = Lifecycle(column(0), column(expires), column(revoked), column(parent_revoked))
    own, parent = Revocation(BUNDLE.revocation).score(*fingerprint(rows), known)
    return (own / NAT).tolist(), (parent / NAT).tolist()


@pytest.mark.parametrize(("overrun", "nats"), OVERRUNS)
def test_use_after_expiry_counts_in_steps_with_the_time_since(overrun: int, nats: float) -> None:
    assert score(use(END + overrun), expires=END) == ([nats], [0])


@pytest.mark.parametrize(("overrun", "nats"), OVERRUNS)
def test_use_after_revocation_counts_as_use_after_expiry(overrun: int, nats: float) -> None:
    assert score(use(END + overrun), revoked=END) == ([nats], [0])


@pytest.mark.parametrize(("overrun", "nats"), ORPHANED)
def test_use_after_the_parents_end_counts_later_and_less(overrun: int, nats: float) -> None:
    assert score(use(END + overrun, kind=SESSION), parent_revoked=END) == ([0], [nats])


def test_a_static_key_outlives_the_one_that_created_it() -> None:
    static = use(END + 2 * DAY, kind=KIND_CODE["aws.access-key"])
    assert score(static, parent_revoked=END) == ([0], [0])
    assert score(static, revoked=END) == ([13.0], [0])


def test_the_earlier_of_two_ends_counts() -> None:
    assert score(use(END), expires=END - 2 * HOUR, revoked=END - MINUTE) == ([10.5], [0])
    assert score(use(END), expires=END - MINUTE, revoked=END - 2 * HOUR) == ([10.5], [0])


def test_a_credential_without_an_end_has_none() -> None:
    assert score(use(END + 1000 * DAY)) == ([0], [0])


@pytest.mark.parametrize(
    ("outcome", "nats"), [(Outcome.ALLOWED, 13), (Outcome.UNKNOWN, 13), (Outcome.DENIED, 0), (Outcome.FAILED, 0)]
)
def test_a_refused_use_is_no_evidence(outcome: Outcome, nats: float) -> None:
    row = use(END + 2 * DAY, outcome=outcome, kind=SESSION)
    assert score(row, expires=END) == ([nats], [0])
    assert score(row, parent_revoked=END)[1] == ([6] if nats else [0])


@pytest.mark.parametrize(
    "columns",
    [{"actor_class": ActorClass.HUMAN}, {"flags": Flag.ON_BEHALF}, {"activity": Activity.REVOKE}],
)
def test_a_row_that_is_not_scored_is_no_evidence(columns: dict[str, object]) -> None:
    assert score(use(END + 2 * DAY, **columns), expires=END, parent_revoked=END) == ([0], [0])


# --- with the lifecycle as the shard knows it --------------------------------------------------------------------


def revoke(at: int, **columns: object) -> UseRow:
    return use(at, activity=Activity.REVOKE, **columns)


def test_a_revocation_counts_for_the_rows_after_it_in_the_same_batch() -> None:
    rows = [use(START), revoke(START + MINUTE), use(START + MINUTE + HOUR), use(START + MINUTE + 2 * DAY)]
    assert Mind().nats(REVOCATION, *rows) == [0, 0, 10.5, 13]


def test_an_expiry_stated_at_issue_counts() -> None:
    issued = use(START, activity=Activity.ISSUE, issued_at=START, expires_at=START + HOUR)
    assert Mind().nats(REVOCATION, issued, use(START + HOUR), use(START + 3 * HOUR)) == [0, 0, 10.5]


def test_a_renewal_moves_the_end() -> None:
    issued = use(START, activity=Activity.ISSUE, expires_at=START + HOUR)
    renewed = use(START + 50 * MINUTE, activity=Activity.RENEW, expires_at=START + 5 * HOUR)
    assert Mind().nats(REVOCATION, issued, renewed, use(START + 3 * HOUR), use(START + 6 * HOUR)) == [0, 0, 0, 10.5]


def test_a_key_that_is_switched_on_again_has_no_end() -> None:
    again = use(START + HOUR, activity=Activity.DECLARE, flags=Flag.REACTIVATED)
    assert Mind().nats(REVOCATION, revoke(START), again, use(START + DAY)) == [0, 0, 0]


def test_a_child_outlives_its_revoked_parent_by_a_normal_life_before_it_counts() -> None:
    mind = Mind()
    child = {"credential": "ASIACHILD", "parent": "AKIAEXAMPLE0000000", "kind": SESSION}
    mind.learn([use(START), use(START, activity=Activity.ISSUE, **child), revoke(START + HOUR)])
    hours = (2, 12, 13, 36, 37)
    assert mind.nats(PARENTAGE, *(use(START + hour * HOUR, **child) for hour in hours)) == [0, 0, 3, 3, 6]
