from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.bundle import load_bundle
from detector.detections.base import load_detections
from detector.domain import DAY, HOUR, SECOND, Activity, ActorClass, Outcome, UseBatch, UseRow
from detector.fingerprint.facets import ADDRESS, FAMILY, LEVELS, PREFIX, Facets, Fingerprinter
from detector.pipeline import Configuration, Pipeline
from detector.resources import models_dir
from detector.scoring.evidence import COMPONENTS, Denied, Evidence
from detector.scoring.fixed import CELL
from detector.state import peers
from detector.state.epochs import EPOCH_ROWS
from detector.state.shard import Limits, Shard
from detector.state.table import Table
from tests.rows import START, batch_of, fingerprint, row

ELSEWHERE: dict[str, Any] = {"address": "203.0.113.66", "client": "aws-cli/2.15.0", "action": "iam:CreateUser"}


class Mind:
    """A shard that is taught epoch by epoch: who is suspected at the close is said."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.shard = Shard(limits or Limits())
        self._fingerprinter = Fingerprinter()

    def take(self, batch: UseBatch, returns: int = 0, *, opened: bool = True) -> Facets:
        """Rows of the running epoch. `returns` of each row are of known clients; `opened`: each opens a context."""
        facets = self._fingerprinter.facets(batch)
        slot = self.shard.admit(batch, facets)
        lifecycle = self.shard.credentials.advance(batch, facets)
        n = len(batch)
        none = np.zeros(n, np.int64)
        evidence = Evidence(
            quanta=np.zeros((n, len(COMPONENTS)), np.int64),
            lifecycle=lifecycle,
            contexts={},
            opened=np.full(n, opened),
            returns=np.tile([returns, 0], (n, 1)),
            cold=np.zeros(n, np.bool_),
            baseline=none,
            denied=Denied(self.shard.denials.advance(batch, facets, slot, self.shard.principals), none),
        )
        self.shard.note(batch, facets, evidence)
        return facets

    def epoch(self, *rows: UseRow, suspected: Sequence[UseRow] = (), returns: int = 0) -> None:
        """Take in rows and close, with the watermark at the last of them."""
        self.take(batch_of(*rows), returns)
        self.shard.close({int(fingerprint(one)[1].principal[0]) for one in suspected}, rows[-1].time)

    def hours(self, one: UseRow, level: int = PREFIX) -> float:
        """Hour cells of a use's value in the profile of its principal, as of the use."""
        facets = fingerprint(one)[1]
        slot = self.shard.principals.find(facets.principal)
        count, _ = self.shard.principals.seen(slot, level, facets.value[:, level], facets.hour)
        return float(count[0]) / CELL if slot[0] >= 0 else 0.0

    def users(self, one: UseRow, level: int = PREFIX) -> tuple[int, int]:
        """How many principals of its peer group, and of its realm, used a use's value."""
        facets = fingerprint(one)[1]
        value = facets.value[:, level]
        keys = [peers.members_key(scope, value) for scope in (facets.group, facets.realm)]
        group, realm = (round(float(self.shard.peers.estimate(key)[0]) / peers.UNIT) for key in keys)
        return group, realm

    def holders(self, one: UseRow) -> int:
        """How many holders used a use's address in its realm."""
        facets = fingerprint(one)[1]
        key = peers.origin_key(facets.realm, facets.value[:, ADDRESS])
        return round(float(self.shard.peers.estimate(key)[0]) / peers.UNIT)

    def rate(self, one: UseRow) -> tuple[float, float]:
        """Rate of returns learnt for a use's principal, and for its peer group; 1/2 where nothing was."""
        facets = fingerprint(one)[1]
        kind, prior = np.zeros(1, np.int64), np.array([0.5])
        principal, group = (
            float(self.shard.rates.rate(key, kind, prior, 1)[0]) for key in (facets.principal, facets.group)
        )
        return principal, group


# --- what a close teaches --------------------------------------------------------------------------------------------


def test_nothing_is_learnt_before_the_close() -> None:
    mind = Mind()
    mind.take(batch_of(row(), row(HOUR)))
    assert (mind.hours(row()), mind.users(row())) == (0, (0, 0))
    mind.shard.close(set(), START)

    assert (mind.hours(row(HOUR)), mind.users(row())) == (2, (1, 1))


def test_a_profile_begins_with_its_first_row_and_remembers_its_last() -> None:
    mind = Mind()
    mind.take(batch_of(row(HOUR), row(5 * HOUR), row(2 * HOUR), row(principal="another")))
    table = mind.shard.principals
    slot = int(table.find(fingerprint(row())[1].principal)[0])

    assert (table.first[slot], table.last[slot]) == ((START + HOUR) // SECOND, (START + 5 * HOUR) // SECOND)
    assert len(table) == 2


@pytest.mark.parametrize("columns", [{"actor_class": ActorClass.HUMAN}, {"activity": Activity.ISSUE}, {"flags": 2}])
def test_who_is_not_scored_is_not_profiled(columns: dict[str, Any]) -> None:
    mind = Mind()
    mind.epoch(row(**columns))

    assert len(mind.shard.principals) == len(mind.shard.peers) == len(mind.shard.rates) == 0


def test_every_level_of_the_ladders_is_learnt() -> None:
    mind = Mind()
    mind.epoch(row(provider="cloud"), row(HOUR, provider="cloud"))

    last = row(HOUR, provider="cloud")
    assert [mind.hours(last, level) for level in range(len(LEVELS))] == [2] * len(LEVELS)
    assert [mind.users(last, level) for level in range(len(LEVELS))] == [(1, 1)] * len(LEVELS)


def test_hours_before_and_after_a_close_are_one_hour() -> None:
    mind = Mind()
    for second in range(5):
        mind.epoch(row(second * SECOND))

    assert mind.hours(row()) == 1


def test_the_group_and_the_realm_count_principals_and_not_uses() -> None:
    mind = Mind()
    mind.epoch(*(row(minute * HOUR // 60) for minute in range(600)))
    mind.epoch(row(11 * HOUR, principal="peer"), row(11 * HOUR, principal="stranger", peer_group="other"))

    assert mind.users(row()) == (2, 3)
    assert mind.users(row(peer_group="other")) == (1, 3)
    assert mind.users(row(realm="elsewhere")) == (0, 0)
    assert mind.users(row(address="203.0.113.1")) == (0, 0)


def test_who_keeps_using_a_value_is_counted_for_ever_and_who_stopped_for_two_generations() -> None:
    mind = Mind()
    mind.epoch(row(principal="stopped"))
    for day in range(100):
        mind.epoch(row(day * DAY))

    assert mind.users(row(), FAMILY) == (1, 1)


def test_refused_uses_teach_nothing() -> None:
    mind = Mind()
    mind.epoch(row(), row(outcome=Outcome.DENIED, **ELSEWHERE))
    mind.epoch(row(HOUR, outcome=Outcome.FAILED, address="192.0.2.1"))

    assert mind.hours(row(**ELSEWHERE)) == 0
    assert mind.users(row(**ELSEWHERE)) == (0, 0)
    assert mind.hours(row(HOUR, address="192.0.2.1")) == 1, "a failure of the service says nothing about rights"


def test_returns_are_learnt_for_the_principal_and_its_group() -> None:
    mind = Mind()
    mind.epoch(row(), row(1), returns=1)
    mind.epoch(row(2), row(3, principal="peer"))

    assert mind.rate(row()) == (2.5 / 4, 2.5 / 5)
    assert mind.rate(row(principal="peer")) == (0.5 / 2, 2.5 / 5)


def test_an_address_is_known_to_serve_the_holders_that_were_seen_there() -> None:
    mind = Mind()
    mind.epoch(row(credential="K1"), row(credential="K1"), row(credential="K2"))

    assert mind.holders(row()) == 2
    assert mind.holders(row(realm="elsewhere")) == 0


def test_an_address_in_daily_use_is_known_for_as_long_as_it_is_used() -> None:
    mind = Mind()
    mind.epoch(row())
    for day in range(100):
        batch = batch_of(row(day * DAY))
        mind.take(batch, opened=False)
        mind.shard.close(set(), int(batch.time[0]))

    assert mind.holders(row()) == 1


# --- quarantine ------------------------------------------------------------------------------------------------------


def days_of_theft(mind: Mind, days: int, *, suspected: bool) -> UseRow:
    """A thief's uses in five hours of each of some days; the last of them."""
    mind.epoch(row())
    last = row()
    for day in range(days):
        uses = [row(day * DAY + hour * HOUR, **ELSEWHERE) for hour in (3, 4, 5, 6, 7)]
        mind.epoch(*uses, suspected=[row()] if suspected else [], returns=1)
        last = uses[-1]
    return last


def test_a_suspected_context_is_taught_one_cell_a_day() -> None:
    mind = Mind()
    last = days_of_theft(mind, 3, suspected=True)
    assert mind.hours(last) == pytest.approx(3, rel=0.1)

    trusting = Mind()
    last = days_of_theft(trusting, 3, suspected=False)
    assert trusting.hours(last) == pytest.approx(15, rel=0.1)


def test_a_suspected_context_teaches_nothing_upstairs() -> None:
    mind = Mind()
    last = days_of_theft(mind, 3, suspected=True)

    assert [mind.users(last, level) for level in range(len(LEVELS))] == [(0, 0)] * len(LEVELS)
    assert mind.holders(last) == 0
    assert mind.users(row()) == (1, 1), "what it did before stays"


def probe(mind: Mind, *, suspected: bool) -> float:
    """Three hours in use, in two of which an action was refused; how many are usual in an hour then."""
    refused = [row(hour * HOUR, action=f"iam:List{hour}", outcome=Outcome.DENIED) for hour in (1, 2)]
    mind.epoch(row(), *refused, suspected=[row()] if suspected else [])
    facets = fingerprint(row())[1]
    return float(mind.shard.denial_rates.rate(facets.principal, np.array([0.5]), 1)[0])


def test_refused_actions_are_usual_for_a_principal_and_its_group_once_the_epoch_closes() -> None:
    mind = Mind()
    mind.take(batch_of(row(action="iam:ListUsers", outcome=Outcome.DENIED)))
    assert len(mind.shard.denial_rates) == 0
    assert probe(mind, suspected=False) == pytest.approx((3 + 0.5) / (3 + 1))
    assert len(mind.shard.denial_rates) == 2


def test_what_is_refused_to_a_suspected_principal_is_never_usual() -> None:
    assert probe(Mind(), suspected=True) == 0.5


def test_while_a_principal_is_suspected_none_of_its_returns_is_called_benign() -> None:
    mind = Mind()
    days_of_theft(mind, 3, suspected=True)

    assert mind.rate(row()) == (0.5 / 2, 0.5 / 2), "one use, before the theft"


def test_other_principals_are_learnt_as_ever() -> None:
    mind = Mind()
    mind.epoch(row(), row(**ELSEWHERE), row(principal="peer", **ELSEWHERE), suspected=[row()])

    assert mind.hours(row(principal="peer", **ELSEWHERE)) == 1
    assert mind.users(row(**ELSEWHERE)) == (1, 1), "the peer"
    assert mind.users(row()) == (0, 0), "while it is suspected, nothing of a principal goes upstairs"


def test_the_day_after_the_incident_the_context_is_learnt_hour_by_hour() -> None:
    mind = Mind()
    last = days_of_theft(mind, 1, suspected=True)
    mind.epoch(*(row(DAY + hour * HOUR, **ELSEWHERE) for hour in (1, 2)))

    assert mind.hours(row(DAY + 2 * HOUR, **ELSEWHERE)) == pytest.approx(3, rel=0.1)
    assert mind.users(last) == (1, 1)


# --- the rest of a close ---------------------------------------------------------------------------------------------


def test_children_of_a_revoked_credential_are_orphaned_at_the_close() -> None:
    mind = Mind()
    child = row(activity=Activity.ISSUE, credential="CHILD", principal="role", parent="KEY")
    mind.epoch(row(), child, row(SECOND, activity=Activity.REVOKE))
    table = mind.shard.credentials
    slot = table.find(fingerprint(child)[1].credential)

    assert table.parent_revoked[slot].tolist() == [START // SECOND + 1]


def test_credentials_of_the_epoch_count_as_active_from_its_close() -> None:
    mind = Mind()
    principal = int(mind.take(batch_of(row(), row(credential="K2"))).principal[0])
    assert mind.shard.credentials.active(principal, START // SECOND) == 0
    mind.shard.close(set(), START)

    assert mind.shard.credentials.active(principal, START // SECOND) == 2


def test_a_close_ends_the_count_of_rows_and_keeps_the_texts() -> None:
    mind = Mind()
    batch = batch_of(row(), row(address="203.0.113.1"))
    facets = mind.take(batch)
    mind.shard.lexicon.note(facets.value[:, ADDRESS], batch.address, batch.strings, 0)
    key = int(facets.value[1, ADDRESS])
    assert (mind.shard.row, mind.shard.lexicon.text(key, 0)) == (2, "")
    mind.shard.close(set(), START)

    assert (mind.shard.row, mind.shard.lexicon.text(key, 0)) == (0, "203.0.113.1")


def test_tables_are_swept_when_event_time_enters_another_hour() -> None:
    mind = Mind()
    mind.epoch(row(), row(activity=Activity.REVOKE, credential="ENDED"))
    mind.epoch(row(7 * DAY))
    assert len(mind.shard.credentials) == 2, "its week is not over"
    mind.epoch(row(7 * DAY + HOUR - 1))
    assert len(mind.shard.credentials) == 2, "the same hour"
    mind.epoch(row(7 * DAY + HOUR))

    assert len(mind.shard.credentials) == 1
    assert mind.shard.evicted == 1


def test_a_full_table_is_evicted_at_once_and_the_longest_unused_principals_go() -> None:
    mind = Mind(Limits(principals=16))
    mind.epoch(*(row(at * SECOND, principal=f"p{at}") for at in range(16)))
    mind.epoch(row(20 * SECOND, principal="p0"), row(20 * SECOND, principal="new"))
    kept = [name for name in (*(f"p{at}" for at in range(16)), "new") if mind.hours(row(principal=name))]

    assert mind.shard.evicted == 2
    assert kept == ["p0", *(f"p{at}" for at in range(3, 16)), "new"]


USES = st.lists(
    st.builds(
        lambda at, who, where, outcome: row(
            at * HOUR // 4, principal=who, credential=f"{who}-key", address=f"198.51.{where}.1", outcome=outcome
        ),
        st.integers(0, 60),
        st.sampled_from(["one", "two", "three"]),
        st.integers(0, 3),
        st.sampled_from([Outcome.ALLOWED, Outcome.ALLOWED, Outcome.DENIED]),
    ),
    min_size=1,
    max_size=25,
)


@given(USES, st.integers(0, 25), st.sets(st.sampled_from(["one", "two"])))
def test_how_the_rows_of_an_epoch_came_changes_nothing_that_is_learnt(
    uses: list[UseRow], cut: int, suspected: set[str]
) -> None:
    guilty = {int(fingerprint(row(principal=who))[1].principal[0]) for who in suspected}
    digests = []
    for parts in ([slice(0, len(uses))], [slice(0, cut), slice(cut, len(uses))]):
        mind, batch = Mind(), batch_of(*uses)
        for part in parts:
            mind.take(batch.take(part))
        before = mind.shard.digest()
        mind.shard.close(guilty, START + DAY)
        digests.append((before, mind.shard.digest()))

    assert digests[0] == digests[1]
    assert digests[0][0] != digests[0][1]


# --- memory ----------------------------------------------------------------------------------------------------------

LIMIT = 10_000


def minted(start: int, rows: int) -> UseBatch:
    """Uses by as many new principals, each with a peer group, a session and a credential of its own."""
    batch = batch_of(row()).take(np.zeros(rows, np.intp))
    numbers = range(start, start + rows)
    for name in ("principal", "session", "credential", "peer_group"):
        setattr(batch, name, np.array(batch.strings.codes([f"{name}-{at}" for at in numbers]), np.int32))
    addresses = [f"10.{at >> 16}.{at >> 8 & 255}.{at >> 4 & 15}" for at in numbers]
    batch.address = np.array(batch.strings.codes(addresses), np.int32)
    batch.native_id[:] = [str(at) for at in numbers]
    batch.raw_offset[:] = numbers
    batch.time += np.arange(start, start + rows) * SECOND // 10
    return batch


def held(table: Table) -> int:
    """Bytes of a table."""
    return sum(table.column(name).nbytes for name in table.layout) + table.index._cells.nbytes


def test_whoever_mints_two_hundred_thousand_identities_takes_no_more_memory_than_the_limits_allow() -> None:
    limits = Limits(principals=LIMIT, credentials=LIMIT, holders=LIMIT, peers=LIMIT, rates=LIMIT)
    pipeline = Pipeline(load_bundle(models_dir() / "default"), Configuration.of(load_detections()), limits=limits)
    shard = pipeline._shard
    tables = (shard.principals, shard.credentials, shard.contexts, shard.rates)
    sizes = []
    for start in range(0, 200_000, 20_000):
        pipeline.process(minted(start, 20_000))
        assert all(len(table) <= LIMIT + 2 * EPOCH_ROWS for table in tables)
        assert len(shard.peers) <= LIMIT + 25 * EPOCH_ROWS
        sizes.append(sum(held(table) for table in (*tables, shard.peers)))

    assert sizes[2:] == [sizes[2]] * 8
    assert len(shard.redeliveries._now) + len(shard.redeliveries._before) <= 2 * (65_536 + EPOCH_ROWS)
    assert len(shard.lexicon._epoch) <= len(LEVELS) * EPOCH_ROWS
    assert pipeline.counts.accepted == 200_000
    assert pipeline.counts.evicted >= 4 * (200_000 - LIMIT - EPOCH_ROWS)
