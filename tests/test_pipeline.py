from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import msgspec
import pytest

from detector.bundle import Bundle
from detector.control import Config, Control, ControlSource, Feedback, Model, Revoked, encode
from detector.decision.incidents import Tolerance
from detector.detections.base import load_detections
from detector.domain import DAY, HOUR, SECOND, Activity, ActorClass, Flag, Outcome, UseRow
from detector.pipeline import Configuration, Counts, Emission, Pipeline
from detector.state.epochs import Timing
from detector.state.shard import Limits
from tests.streams import random_rows
from tests.uses import BUNDLE, CLI, MINUTE, START, batch_of, history, instance, use, varied

DAY_EIGHT = START + 7 * DAY
THIEF = {"address": "192.0.2.66", "client": CLI}


def pipeline(limits: Limits | None = None) -> Pipeline:
    return Pipeline(BUNDLE, Configuration.of(load_detections(), "config-digest"), limits=limits)


def numbered(rows: Sequence[UseRow]) -> list[UseRow]:
    """Rows as a stream brings them: each with its own id and position."""
    return [
        varied(row, native_id=f"event-{at}", raw_partition=3, raw_offset=100 + at, ref_stream="log", ref_offset=at)
        for at, row in enumerate(rows)
    ]


def week() -> list[UseRow]:
    """A principal and three peers at home for a week."""
    peers = [varied(row, principal=f"peer-{peer}", credential=f"K{peer}") for peer in range(3) for row in history()]
    return sorted([*history(), *peers], key=lambda row: row.time)


def stolen(times: int = 5) -> list[UseRow]:
    """The owner and a thief in turn, for a while after the week."""
    return numbered([
        *week(),
        *(row for turn in range(times) for row in (
            use(DAY_EIGHT + 4 * turn * MINUTE), use(DAY_EIGHT + (4 * turn + 2) * MINUTE, **THIEF)
        )),
    ])  # fmt: skip


def run(rows: Sequence[UseRow], size: int = 4096) -> tuple[list[Emission], Pipeline]:
    one = pipeline()
    pieces = [batch_of(list(rows[at : at + size])) for at in range(0, len(rows), size)]
    return [emission for piece in pieces for emission in one.process(piece)], one


# --- what comes out ------------------------------------------------------------------------------------------------


def test_a_theft_is_one_incident_and_pages_once_for_each_severity() -> None:
    emissions, one = run(stolen(50))
    assert one.counts.incidents == 1
    assert len({emission.alert.incident_id for emission in emissions}) == 1
    pages = [emission.alert.severity for emission in emissions if emission.alert.is_alert]
    assert pages
    assert len(pages) == len(set(pages))


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_an_alert_is_decided_by_the_last_row_it_names(size: int) -> None:
    rows = stolen()
    places = {row.native_id: at for at, row in enumerate(rows)}
    emissions, _ = run(rows, size)
    assert emissions
    decided = [places[emission.alert.evidence.event_ids[-1]] for emission in emissions]
    assert decided == sorted(decided)
    assert all(emission.alert.detected_time == emission.alert.time for emission in emissions)


def test_alerts_of_detections_in_shadow_are_told_apart() -> None:
    quiet = Pipeline(BUNDLE, Configuration(load_detections(), frozenset(load_detections()), frozenset()))
    emissions = quiet.process(batch_of(stolen()))
    assert [one.alert.incident_id for one in emissions] == [one.alert.incident_id for one in run(stolen())[0]]
    assert not any(emission.sends for emission in emissions)
    assert all(emission.sends for emission in run(stolen())[0])


def test_alerts_of_tolerated_credentials_are_decided_and_withheld_until_the_exception_ends() -> None:
    rows = stolen()
    keys = {row.credential for row in rows}
    first, last = rows[0].time, max(row.time for row in rows)

    def withheld(until: int) -> list[str]:
        chosen = replace(Configuration.of(load_detections()), tolerated=dict.fromkeys(keys, Tolerance(until, "known")))
        return [one.withheld for one in Pipeline(BUNDLE, chosen).process(batch_of(rows))]

    sent = [emission.withheld for emission in run(rows)[0]]
    assert set(sent) == {""}
    assert withheld(last + 1) == ["tolerated"] * len(sent)
    assert withheld(first) == sent


def test_an_incident_closes_once_a_day_has_passed() -> None:
    later = numbered([*stolen(), use(DAY_EIGHT + DAY), use(DAY_EIGHT + 2 * DAY), use(DAY_EIGHT + 3 * DAY)])
    last = run(later)[0][-1].alert
    assert (last.status, last.close_reason) == ("closed", "inactive for 24 h")
    assert run(later[:-2])[0][-1].alert.status != "closed"


# --- ticks ---------------------------------------------------------------------------------------------------------


def tick(time: int, **columns: object) -> UseRow:
    return varied(use(time, native_id="", source="", credential="", principal="", realm="", address="", client=""),
                  activity=Activity.TICK, raw_partition=3, **columns)  # fmt: skip


@pytest.mark.parametrize("size", [1, 4096])
def test_ticks_close_an_incident_when_nothing_else_comes(size: int) -> None:
    rows = stolen()
    idle = [tick(DAY_EIGHT + hours * HOUR, raw_offset=rows[-1].raw_offset + 1) for hours in range(1, 30)]
    emissions, one = run([*rows, *idle], size)
    assert [emission.alert.status for emission in emissions][-1] == "closed"
    assert (one.counts.ticks, one.counts.rows) == (len(idle), len(rows))


def test_a_short_inactivity_and_lateness_close_within_seconds() -> None:
    timing = Timing(lateness=SECOND, inactivity=5 * SECOND)
    one = Pipeline(BUNDLE, Configuration.of(load_detections()), timing=timing)
    rows = stolen()
    last = rows[-1].time
    one.process(batch_of(rows))
    assert one.process(batch_of([tick(last + 5 * SECOND)])) == []
    (closed,) = one.process(batch_of([tick(last + 8 * SECOND)]))
    assert (closed.alert.status, closed.alert.close_reason) == ("closed", "inactive for 5 s")


def test_a_tick_is_never_a_repeat_and_drops_no_row_behind_it() -> None:
    rows = stolen()
    at = len(rows) // 2
    ticks = [tick(rows[at].time, raw_offset=rows[at].raw_offset)] * 3
    emissions, one = run([*rows[:at], *ticks, *rows[at:]])
    assert [emission.alert.id for emission in emissions] == [emission.alert.id for emission in run(rows)[0]]
    assert (one.counts.resent, one.counts.redelivered, one.counts.ticks) == (0, 0, 3)


# --- control rows --------------------------------------------------------------------------------------------------


def said(record: Control, at: int = 0) -> UseRow:
    row = ControlSource().read([encode(record)], "").rows[0]
    return row._replace(native_id=f"control-{at}", raw_partition=9, raw_offset=at)


def feedback(incident: str, verdict: Literal["confirm", "benign"]) -> Feedback:
    return Feedback(
        time="2026-01-13T00:00:00Z", incident_id=incident, verdict=verdict, reason="a new host", author="ann"
    )


def test_a_confirmed_incident_says_so_and_stays_open() -> None:
    rows = stolen()
    opened = run(rows)[0][0].alert
    emissions, one = run([*rows, said(feedback(opened.incident_id, "confirm"))])
    last = emissions[-1].alert
    assert (last.status, last.verdict, last.incident_id) == ("update", "confirmed", opened.incident_id)
    assert not last.is_alert
    assert one._incidents.open


def test_a_benign_incident_closes_and_what_it_saw_is_normal_from_then_on() -> None:
    rows = stolen()
    opened = run(rows)[0][0].alert
    verdict = said(feedback(opened.incident_id, "benign"))
    again = [varied(row, native_id=f"again-{at}", raw_offset=10_000 + at, time=row.time + 2 * HOUR)
             for at, row in enumerate(rows[-10:])]  # fmt: skip
    emissions, one = run([*rows, verdict, *again])
    last = emissions[-1].alert
    assert (last.status, last.verdict, last.close_reason) == ("closed", "benign", "benign, says ann: a new host")
    assert not one._incidents.open
    assert len(run([*rows, *again])[1]._incidents.open) == 1, "without the verdict it stays an incident"


def test_a_verdict_on_an_incident_that_is_not_open_changes_nothing() -> None:
    emissions, one = run([*week(), said(feedback("a" * 26, "benign"))])
    assert emissions == []
    assert one.counts.controls == 1


def test_a_control_row_that_is_sent_again_is_obeyed_once() -> None:
    rows = stolen()
    verdict = said(feedback(run(rows)[0][0].alert.incident_id, "confirm"))
    assert len(run([*rows, verdict, verdict])[0]) == len(run([*rows, verdict])[0])


def test_a_revoked_credential_is_not_to_be_used_again() -> None:
    calm = week()
    key = calm[0]
    revoked = Revoked(time="2026-01-12T00:00:00Z", realm=key.realm, principal=key.principal, credential=key.credential)
    after = [use(DAY_EIGHT + hours * HOUR) for hours in range(1, 4)]
    emissions, _ = run(numbered([*calm, *after]))
    assert emissions == []
    rows = numbered([*calm, *after])
    emissions, _ = run([*rows[: len(calm)], said(revoked), *rows[len(calm) :]])
    assert emissions[0].alert.detection == "replay.after_revocation"


class Elsewhere:
    """What a control row can switch to."""

    def bundle(self, name: str, digest: str) -> Bundle:
        return msgspec.structs.replace(BUNDLE, name=name, digest=digest)

    def configuration(self, modes: Mapping[str, str]) -> Configuration:
        known = load_detections()
        active = frozenset(name for name in known if modes.get(name) != "off")
        return Configuration(known, active, active, "switched")


def test_model_and_configuration_change_at_the_row_that_says_so() -> None:
    rows = stolen()
    model = said(Model(time="2026-01-13T00:00:00Z", bundle="other", digest="ab" * 32))
    modes = said(Config(time="2026-01-13T00:00:00Z", detections={"replay.concurrent_use": "off"}, author="ann"), 1)
    one = Pipeline(BUNDLE, Configuration.of(load_detections(), "first"), switches=Elsewhere())
    before = one.process(batch_of(rows))
    again = [
        varied(use(DAY_EIGHT + days * DAY), native_id=f"more-{days}", raw_partition=3, raw_offset=10_000 + days)
        for days in (2, 3)
    ]
    after = one.process(batch_of([model, modes, *again]))
    assert {emission.alert.detector.config for emission in before} == {"first"}
    assert {emission.alert.detector.bundle for emission in before} == {f"{BUNDLE.name}@{BUNDLE.digest[:12]}"}
    assert {emission.alert.detector.config for emission in after} == {"switched"}
    assert {emission.alert.detector.bundle for emission in after} == {f"other@{'ab' * 6}"}
    (closed,) = [emission.alert for emission in after]
    assert "replay.concurrent_use" in closed.detections, "what has fired stays told"


def test_a_detection_that_a_control_row_switches_off_fires_no_more() -> None:
    modes = said(Config(time="2026-01-13T00:00:00Z", detections={"replay.concurrent_use": "off"}, author="ann"))
    one = Pipeline(BUNDLE, Configuration.of(load_detections(), "first"), switches=Elsewhere())
    assert "replay.concurrent_use" in run(stolen())[0][-1].alert.detections
    fired = {name for emission in one.process(batch_of([modes, *stolen()])) for name in emission.alert.detections}
    assert fired == {"replay.new_origin"}


def test_alerts_know_the_configuration_and_the_active_credentials() -> None:
    second = numbered([*week(), use(DAY_EIGHT, credential="AKIASECOND"), *stolen()[-10:]])
    alert = run(second)[0][-1].alert
    assert alert.detector.config == "config-digest"
    assert alert.detector.bundle.startswith("by-hand@")
    assert alert.response.active_credentials == 2


def test_the_end_of_the_input_closes_nothing() -> None:
    assert {emission.alert.status for emission in run(stolen())[0]} <= {"new", "update"}


# --- what is not scored --------------------------------------------------------------------------------------------


def whatever(seed: int, **columns: object) -> list[UseRow]:
    """A random stream that is full of evidence, on behalf of somebody who is not scored."""
    return [varied(row, **columns) for row in random_rows(seed, 600)]


@pytest.mark.parametrize("seed", range(3))
def test_humans_raise_nothing_whatever_they_do(seed: int) -> None:
    emissions, one = run(whatever(seed, actor_class=ActorClass.HUMAN))
    assert emissions == []
    assert (one.counts.scored, one.counts.candidates, one.principals) == (0, 0, 0)
    assert one.credentials > 0


@pytest.mark.parametrize("seed", range(3))
def test_services_on_behalf_raise_nothing_whatever_they_do(seed: int) -> None:
    emissions, one = run(whatever(seed, flags=Flag.ON_BEHALF))
    assert emissions == []
    assert (one.counts.scored, one.counts.candidates, one.principals) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_stream_raises_incidents_when_workloads_do_it(seed: int) -> None:
    """Otherwise the two laws above would hold for a detector that does nothing."""
    assert run(whatever(seed, actor_class=ActorClass.WORKLOAD, flags=0))[0]


@pytest.mark.parametrize("columns", [{"principal": ""}, {"credential": ""}])
def test_uses_of_nobody_raise_nothing(columns: dict[str, object]) -> None:
    assert run(whatever(1, **columns))[0] == []


def test_refused_noise_of_a_stranger_raises_nothing() -> None:
    """A scanner that tries a known key from everywhere and is refused every time."""
    noise = [
        use(DAY_EIGHT + at * MINUTE, address=f"203.0.{at}.9", client="", outcome=Outcome.DENIED) for at in range(60)
    ]
    assert run(numbered([*week(), *noise]))[0] == []


# --- counts --------------------------------------------------------------------------------------------------------


def test_rows_are_counted_by_what_became_of_them() -> None:
    rows = numbered([
        *week(),
        use(DAY_EIGHT, actor_class=ActorClass.HUMAN, principal="alice", credential="ASIAALICE"),
        use(DAY_EIGHT, activity=Activity.REVOKE, credential="AKIAOLD"),
        use(DAY_EIGHT + MINUTE, **THIEF),
    ])  # fmt: skip
    _, one = run(rows)
    counts = one.counts
    assert (counts.rows, counts.accepted, counts.resent, counts.redelivered) == (len(rows), len(rows), 0, 0)
    assert counts.scored == len(rows) - 2
    assert (counts.candidates, counts.incidents) == (1, 1)
    assert (one.principals, one.credentials) == (4, 6)


def test_rows_sent_again_are_dropped_and_counted() -> None:
    rows = stolen()
    once, first = run(rows)
    twice, second = run([*rows[:100], *rows[50:100], *rows[90:]])
    assert [emission.alert for emission in twice] == [emission.alert for emission in once]
    assert second.counts.resent == 60
    assert second.counts.accepted == first.counts.accepted == len(rows)
    assert second.digest() == first.digest()


def test_records_delivered_twice_are_dropped_and_counted() -> None:
    """Upstream wrote them again, further on in the partition."""
    rows = stolen()
    again = [varied(row, raw_offset=row.raw_offset + 10_000) for row in rows[-10:]]
    once, _ = run(rows)
    twice, second = run([*rows, *again])
    assert [emission.alert for emission in twice] == [emission.alert for emission in once]
    assert (second.counts.redelivered, second.counts.resent) == (10, 0)


def test_uses_of_one_record_are_told_apart() -> None:
    both = [varied(use(START), native_id="one", raw_offset=1, row=at, use_index=at) for at in range(2)]
    assert run(both)[1].counts.accepted == 2


def test_epochs_close_with_the_rows_and_with_the_time() -> None:
    fast = numbered([instance(START + at) for at in range(10_000)])
    assert run(fast)[1].counts.epochs == 2  # 4,096 rows each
    slow = numbered([instance(START + at * 10 * MINUTE) for at in range(10)])
    assert run(slow)[1].counts.epochs == 9  # each row but the first enters a new bucket of ten minutes


def test_what_is_remembered_is_bounded() -> None:
    limits = Limits(principals=64, credentials=64, holders=64, peers=64, rates=64)
    one = pipeline(limits)
    rows = numbered([
        use(START + at * MINUTE, principal=f"p-{at}", credential=f"K{at}", address=f"198.51.{at % 250}.1")
        for at in range(1000)
    ])  # fmt: skip
    one.process(batch_of(rows))
    one.process(batch_of([varied(rows[-1], native_id="last", time=START + 2 * DAY, raw_offset=99_999)]))
    assert one.counts.evicted > 800
    assert max(one.principals, one.credentials) <= 64


# --- nothing, and the digest ---------------------------------------------------------------------------------------


def test_an_empty_batch_changes_nothing() -> None:
    one = pipeline()
    before = one.digest()
    assert one.process(batch_of([])) == []
    assert one.counts == Counts()
    assert one.digest() == before


def test_empty_batches_between_others_change_nothing() -> None:
    rows = stolen()
    one, other = pipeline(), pipeline()
    emissions = [*one.process(batch_of(rows[:150])), *one.process(batch_of(rows[150:]))]
    with_empty = []
    for part in ([], rows[:150], [], rows[150:], []):
        with_empty += other.process(batch_of(part))
    assert with_empty == emissions
    assert other.digest() == one.digest()


def test_the_digest_tells_states_apart() -> None:
    rows = stolen()
    assert run(rows)[1].digest() == run(rows)[1].digest()
    assert run(rows)[1].digest() != run(rows[:-1])[1].digest()
