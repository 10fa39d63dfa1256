from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.domain import DAY, HOUR, SECOND, Activity, Flag, UseRow
from detector.fingerprint.facets import Fingerprinter
from detector.state.credentials import CredentialTable
from tests.rows import START, batch_of, fingerprint, row

NOW = START // SECOND
HOURS, DAYS = HOUR // SECOND, DAY // SECOND


def table(*rows: UseRow, limit: int = 100) -> CredentialTable:
    """A table that took in these rows as one epoch."""
    credentials = CredentialTable(limit)
    advance(credentials, *rows)
    close(credentials)
    return credentials


def advance(credentials: CredentialTable, *rows: UseRow) -> list[tuple[int, int, int, int]]:
    """What was known of the credential at each row: issued, expires, revoked, revoked at the parent."""
    known = credentials.advance(*fingerprint(*rows))
    columns = (known.issued, known.expires, known.revoked, known.parent_revoked)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def close(credentials: CredentialTable) -> None:
    credentials.orphan()
    credentials.settle()


def active(credentials: CredentialTable, now: int, principal: str = "svc/backup") -> int:
    """Credentials of a principal that stand at `now` (seconds)."""
    return credentials.active(int(fingerprint(row(principal=principal))[1].principal[0]), now)


def stand_at(credentials: CredentialTable, now: int) -> set[str]:
    """Credentials of the plain principal that are kept at a close at `now`."""
    credentials.release(credentials.ended(now))
    names = ["KEY", *(f"K{number}" for number in range(10))]
    keys = fingerprint(*(row(credential=name) for name in names))[1].credential
    return {name for name, slot in zip(names, credentials.find(keys).tolist(), strict=True) if slot >= 0}


# --- the lifecycle of one credential, row by row ---------------------------------------------------------------------


@dataclass
class Life:
    """A credential as a plain object."""

    issued: int
    expires: int
    revoked: int = 0

    def state(self, one: UseRow) -> None:
        if one.activity in {Activity.ISSUE, Activity.RENEW}:
            self.issued, self.expires = one.issued_at // SECOND or self.issued, one.expires_at // SECOND or self.expires
        elif one.activity == Activity.REVOKE:
            at = one.time // SECOND
            self.revoked = min(self.revoked, at) if self.revoked else at
        elif one.activity == Activity.DECLARE and one.flags & Flag.REACTIVATED:
            self.revoked = 0


def told(columns: dict[str, Any]) -> UseRow:
    return row()._replace(**columns)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "time": st.integers(START // SECOND, START // SECOND + 9).map(lambda seconds: seconds * SECOND),
            "credential": st.sampled_from(["", "K1", "K2"]),
            "principal": st.sampled_from(["one", "two"]),
            "activity": st.sampled_from(list(Activity)),
            "flags": st.sampled_from([0, 0, Flag.REACTIVATED, Flag.TS_SUSPECT, Flag.ON_BEHALF]),
            "issued_at": st.sampled_from([0, START]),
            "expires_at": st.sampled_from([0, START + HOUR, START + 2 * HOUR]),
        }
    ).map(told),
    max_size=20,
)


@given(ROWS)
def test_at_each_row_is_known_what_the_rows_up_to_it_stated(rows: list[UseRow]) -> None:
    lives: dict[tuple[str, str], Life] = {}
    expected = []
    for one in rows:
        if not one.credential or one.flags & Flag.TS_SUSPECT:
            expected.append((0, 0, 0, 0))
            continue
        new = Life(one.issued_at // SECOND, one.expires_at // SECOND)
        life = lives.setdefault((one.principal, one.credential), new)
        life.state(one)
        expected.append((life.issued, life.expires, life.revoked, 0))

    assert advance(CredentialTable(100), *rows) == expected


@given(ROWS, st.integers(0, 20))
@settings(max_examples=50)
def test_cutting_an_epoch_elsewhere_changes_nothing(rows: list[UseRow], cut: int) -> None:
    batch = batch_of(*rows)
    digests = []
    for parts in ([slice(0, None)], [slice(0, cut), slice(cut, None)], [slice(at, at + 1) for at in range(len(rows))]):
        credentials = CredentialTable(100)
        for part in parts:
            piece = batch.take(part)
            credentials.advance(piece, Fingerprinter().facets(piece))
        close(credentials)
        digests.append(credentials.digest())

    assert len(set(digests)) == 1


def test_an_expiry_that_a_use_mentions_counts_as_stated() -> None:
    credentials = CredentialTable(100)

    assert advance(credentials, row(issued_at=START, expires_at=START + HOUR))[0][:2] == (NOW, NOW + HOURS)
    assert advance(credentials, row(HOUR))[0][:2] == (NOW, NOW + HOURS)


def test_a_renewal_moves_the_expiry_and_keeps_what_it_does_not_say() -> None:
    issue = row(activity=Activity.ISSUE, issued_at=START, expires_at=START + HOUR)
    renew = row(HOUR, activity=Activity.RENEW, expires_at=START + 3 * HOUR)
    silent = row(2 * HOUR, activity=Activity.RENEW)

    assert [known[:2] for known in advance(CredentialTable(100), issue, renew, silent)] == [
        (NOW, NOW + HOURS),
        (NOW, NOW + 3 * HOURS),
        (NOW, NOW + 3 * HOURS),
    ]


def test_the_earliest_revocation_counts_also_when_it_arrives_late() -> None:
    rows = [row(at, activity=Activity.REVOKE) for at in (10 * SECOND, 5 * SECOND, 20 * SECOND)]

    assert [known[2] for known in advance(CredentialTable(100), *rows)] == [NOW + 10, NOW + 5, NOW + 5]


def test_switching_a_key_on_again_undoes_its_revocation() -> None:
    revoke = row(activity=Activity.REVOKE)
    again = row(HOUR, activity=Activity.DECLARE, flags=Flag.REACTIVATED)
    credentials = CredentialTable(100)

    assert [known[2] for known in advance(credentials, revoke, again, row(2 * HOUR))] == [NOW, 0, 0]
    close(credentials)
    assert active(credentials, NOW + 2 * HOURS) == 1


def test_a_stamp_that_is_not_believed_moves_nothing() -> None:
    credentials = table(row(expires_at=START + HOUR))
    before = credentials.digest()
    absurd = {"flags": Flag.TS_SUSPECT, "expires_at": START + 9_000 * DAY}
    advance(credentials, row(9_000 * DAY, activity=Activity.RENEW, **absurd))
    advance(credentials, row(9_000 * DAY, activity=Activity.REVOKE, **absurd))
    close(credentials)

    assert credentials.digest() == before


# --- parents, and how many stand -------------------------------------------------------------------------------------


def child(name: str = "K1", at: int = 0, parent: str = "KEY") -> UseRow:
    return row(at, activity=Activity.ISSUE, credential=name, principal="role", parent=parent)


def use_of_child(at: int, name: str = "K1") -> UseRow:
    return row(at, credential=name, principal="role")


def test_children_learn_at_the_close_that_their_parent_was_revoked() -> None:
    credentials = CredentialTable(100)
    known = advance(credentials, row(), child(), child("K2", parent="OTHER"), row(HOUR, activity=Activity.REVOKE))
    assert [one[3] for one in known] == [0, 0, 0, 0]
    assert advance(credentials, use_of_child(2 * HOUR))[0][3] == 0, "frozen until the close"
    close(credentials)

    assert advance(credentials, use_of_child(3 * HOUR))[0][3] == NOW + HOURS
    assert advance(credentials, use_of_child(3 * HOUR, "K2"))[0][3] == 0, "the child of another"


def test_a_parent_that_is_on_again_at_the_close_orphans_nobody() -> None:
    again = row(2, activity=Activity.DECLARE, flags=Flag.REACTIVATED)
    credentials = table(row(), child(), row(1, activity=Activity.REVOKE), again)

    assert advance(credentials, use_of_child(HOUR))[0][3] == 0


def test_many_parents_orphan_each_their_own_children() -> None:
    parents = [f"K{number}" for number in range(5)]
    rows = [row(credential=parent) for parent in parents]
    rows += [child(f"{parent}-{at}", parent=parent) for parent in parents for at in range(3)]
    rows += [row(number * HOUR, credential=f"K{number}", activity=Activity.REVOKE) for number in (3, 1, 4)]
    credentials = table(*rows)

    found = advance(credentials, *(use_of_child(DAY, f"{parent}-{at}") for parent in parents for at in range(3)))
    ends = {1: NOW + HOURS, 3: NOW + 3 * HOURS, 4: NOW + 4 * HOURS}
    assert [one[3] for one in found] == [ends.get(number, 0) for number in range(5) for _ in range(3)]


def test_active_credentials_are_those_that_neither_expired_nor_were_revoked() -> None:
    credentials = table(
        row(credential="K1"),
        row(credential="K2", expires_at=START + HOUR),
        row(credential="K3"),
        row(10 * SECOND, credential="K3", activity=Activity.REVOKE),
        row(credential="K4", principal="another"),
    )

    assert [active(credentials, now) for now in (NOW, NOW + 10, NOW + HOURS)] == [3, 2, 1]
    assert active(credentials, NOW, "another") == 1
    assert active(credentials, NOW, "nobody") == 0


def test_a_credential_of_the_running_epoch_is_not_counted_yet() -> None:
    credentials = table(row(credential="K1"))
    advance(credentials, row(credential="K2"), row(credential="K1", activity=Activity.REVOKE))

    assert active(credentials, NOW + 1) == 1
    close(credentials)
    assert active(credentials, NOW + 1) == 1


# --- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [{"expires_at": START + DAY}, {"activity": Activity.REVOKE}])
def test_an_ended_credential_is_known_for_a_week(ending: dict[str, Any]) -> None:
    credentials = table(row(DAY, **ending))

    assert stand_at(credentials, NOW + 8 * DAYS) == {"KEY"}
    assert stand_at(credentials, NOW + 8 * DAYS + 1) == set()


def test_use_after_the_end_keeps_it_known_for_another_week() -> None:
    credentials = table(row(expires_at=START + HOUR), row(5 * DAY))

    assert stand_at(credentials, NOW + 12 * DAYS) == {"KEY"}
    assert stand_at(credentials, NOW + 12 * DAYS + 1) == set()


def test_a_credential_without_an_end_is_kept_for_years() -> None:
    assert stand_at(table(row()), NOW + 3_000 * DAYS) == {"KEY"}


def test_over_the_limit_the_longest_unused_go_after_those_that_ended() -> None:
    rows = [row(number * SECOND, credential=f"K{number}") for number in range(9)]
    ended = row(8 * SECOND, credential="K8", expires_at=START + 9 * SECOND)
    credentials = table(*rows[:8], ended, limit=7)

    assert stand_at(credentials, NOW + 30 * DAYS) == {f"K{number}" for number in range(1, 8)}


def test_the_order_of_first_uses_decides_nothing() -> None:
    rows = [row(number * SECOND, credential=f"K{number}") for number in range(9)]
    backwards = table(*reversed(rows), limit=5)

    assert stand_at(backwards, NOW) == {"K4", "K5", "K6", "K7", "K8"}
    assert np.all(backwards.last[backwards.index.slots()] >= NOW + 4)
