from __future__ import annotations

import msgspec
import numpy as np
import pytest

from detector.domain import DAY, HOUR, MINUTE, Outcome, UseRow
from detector.scoring.evidence import ACTION, SWEEP
from detector.scoring.scope import Scope
from tests.detections.scenario import bundle
from tests.uses import BUNDLE, MINIMUM, NAT, START, Mind, fingerprint, history, use

DAY_EIGHT = START + 7 * DAY
NEVER = ("iam:ListUsers", "ec2:DescribeInstances", "rds:DescribeDBInstances", "sqs:ListQueues", "sns:ListTopics")


def known(*more: UseRow) -> Mind:
    """A mind that knows a principal for a week, and three of its peers for a day."""
    peers = [row._replace(principal=f"peer-{peer}", credential=f"K{peer}") for peer in range(3) for row in history(1)]
    mind = Mind()
    mind.learn(sorted([*history(), *peers, *more], key=lambda row: row.time))
    return mind


def refused(at: int, action: str, **columns: object) -> UseRow:
    return use(at, action=action, outcome=Outcome.DENIED, **columns)


# --- new actions ---------------------------------------------------------------------------------------------------


def weighed(novelty: float, action: str) -> float:
    """Nats of a use of an action with this novelty."""
    facets = fingerprint([use(DAY_EIGHT, action=action)])[1]
    scope = Scope(BUNDLE.action, BUNDLE.sweep, MINIMUM)
    return float(scope.new_actions(np.array([round(novelty * NAT)]), facets)[0]) / NAT


@pytest.mark.parametrize(
    ("novelty", "action", "nats"),
    [
        (4.5, "s3:GetObject", 2.25),
        (4.5, "s3:PutObject", 4.5),
        (3, "iam:CreateUser", 4.5),
        (3, "kms:Decrypt", 4.5),
        (3, "", 3),
    ],
)
def test_novelty_weighs_what_the_action_lets_a_thief_do(novelty: float, action: str, nats: float) -> None:
    assert weighed(novelty, action) == nats


def test_one_action_has_a_ceiling() -> None:
    assert weighed(14, "iam:CreateUser") == round(4.9 * NAT) / NAT


def test_what_is_below_the_minimum_is_nothing() -> None:
    assert weighed(3.99, "s3:GetObject") == 0
    assert weighed(4, "s3:GetObject") == 2


def test_it_takes_three_privileged_actions_to_open_an_incident_and_no_number_of_others() -> None:
    """Of the shipped bundle: two of them stay below, and one together with any number of reads and writes."""
    shipped, needed = bundle().action, -bundle().decision.prior
    assert max(shipped.cap.read, shipped.cap.write) + shipped.most < needed
    assert 2 * shipped.most < needed < 3 * shipped.most
    assert needed < shipped.cap.privileged


def test_the_first_day_is_not_judged() -> None:
    row = use(DAY_EIGHT, action="iam:CreateUser")
    assert known().nats(ACTION, row)[0] > 4
    assert known().nats(ACTION, row._replace(principal="newcomer")) == [0]


# --- sweeps --------------------------------------------------------------------------------------------------------


def test_a_sweep_worked_by_hand() -> None:
    """λ_a = 8, λ = 0.1: k·ln 80 - 7.9, with ln 80 = 4.382; no more than 12 nats."""
    found = known().nats(SWEEP, *(refused(DAY_EIGHT + at * MINUTE, action) for at, action in enumerate(NEVER)))
    assert found == [0, pytest.approx(0.864, abs=0.005), pytest.approx(5.246, abs=0.005), *found[3:]]
    assert found[3:] == [pytest.approx(9.628, abs=0.005), 12]


def test_a_repeat_in_the_hour_adds_nothing_and_the_next_hour_begins_anew() -> None:
    rows = [refused(DAY_EIGHT + at, NEVER[at % 3]) for at in range(9)]
    rows += [refused(DAY_EIGHT + HOUR + at, NEVER[at]) for at in range(3)]
    found = known().nats(SWEEP, *rows)
    assert found[3:9] == [0] * 6
    assert found[9:] == found[:3]


def test_the_first_day_is_capped_below_an_incident() -> None:
    rows = [refused(START + at * MINUTE, action) for at, action in enumerate(NEVER)]
    assert max(Mind().nats(SWEEP, *rows)) == BUNDLE.sweep.cold


def scanner(hours: int, **columns: object) -> list[UseRow]:
    """Four listings that are refused every hour."""
    return [refused(START + hour * HOUR, action, **columns) for hour in range(hours) for action in NEVER[:4]]


def test_what_is_usual_for_the_principal_or_its_peers_is_no_sweep() -> None:
    rows = [refused(DAY_EIGHT, action) for action in NEVER]
    peers = {"principal": "peer-0", "credential": "K0"}
    strange, among, used = (max(known(*more).nats(SWEEP, *rows)) for more in ([], scanner(48, **peers), scanner(48)))
    assert strange == 12
    assert used < among < strange


def test_who_is_refused_more_than_a_thief_is_no_thief() -> None:
    """The test is one-sided: few refusals, where many are usual, are no evidence either."""
    priors = msgspec.structs.replace(BUNDLE.sweep, attack_rate=1.0)
    batch, facets = fingerprint([refused(DAY_EIGHT, action) for action in NEVER])
    mind = known(*scanner(160))
    slot = mind.shard.admit(batch, facets)
    cold = np.zeros(len(batch), np.bool_)
    quanta, denied = Scope(BUNDLE.action, priors, MINIMUM).sweep(batch, facets, slot, cold, mind.shard)
    assert denied.usual[0] == 100
    assert not quanta.any()


def test_calm_rows_have_nothing_to_count() -> None:
    found = known().judge(*(use(DAY_EIGHT + at * HOUR) for at in range(5)))
    assert not found.denied.count.any()
    assert not found.denied.usual.any()
