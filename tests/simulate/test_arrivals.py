from __future__ import annotations

import dataclasses
import statistics
from itertools import pairwise

import pytest

from detector.simulate.arrivals import Delivery, deliver, records
from detector.simulate.call import Call
from detector.simulate.fleet import Fleet
from detector.simulate.parameters import Parameters
from tests.simulate.scenarios.scope_fleets import tenant

SECOND = 1_000_000


def shown(seed: int = 1, **changed: float) -> tuple[Fleet, list[Delivery]]:
    """A finished tenant with some parameters changed, and what is delivered of it."""
    fleet, _ = tenant(seed, days=7)
    quiet = {"duplicates": 0.0, "late": 0.0, "dropped_client": 0.0, "skew": 0.0}
    fleet.parameters = dataclasses.replace(Parameters(principals=40, days=7), **{**quiet, **changed})  # type: ignore[arg-type]
    fleet.finish()
    return fleet, deliver(fleet)


def delays(fleet: Fleet, deliveries: list[Delivery], log: str) -> list[float]:
    """Seconds between a call of `log` and its arrival."""
    happened = {call.event_id: call.second for call in fleet.calls}
    ours = [one for one in deliveries if one.call.caller.log.startswith(log)]
    return [one.arrival / SECOND - happened[one.call.event_id] for one in ours]


def test_everything_arrives_once_and_in_order_of_arrival() -> None:
    fleet, deliveries = shown()

    assert sorted(one.call.event_id for one in deliveries) == sorted(call.event_id for call in fleet.calls)
    assert all(before.arrival <= after.arrival for before, after in pairwise(deliveries))


@pytest.mark.parametrize(("log", "median"), [("cloudtrail", 240), ("kubernetes", 90), ("use", 90)])
def test_each_log_has_a_delay_of_its_own(log: str, median: float) -> None:
    fleet, deliveries = shown()

    found = delays(fleet, deliveries, log)
    assert median * 0.85 < statistics.median(found) < median * 1.15
    assert min(found) > 0


def test_a_few_records_are_so_late_that_others_pass_them() -> None:
    fleet, deliveries = shown(late=0.05)

    late = [delay for delay in delays(fleet, deliveries, "") if delay > 900]
    assert 0.03 < len(late) / len(deliveries) < 0.08
    assert any(before.call.second > after.call.second for before, after in pairwise(deliveries))


def test_some_come_again_later_with_the_same_bytes() -> None:
    fleet, deliveries = shown(duplicates=0.1, dropped_client=0.5)

    by_id: dict[str, list[bytes]] = {}
    for delivery, record in zip(deliveries, records(deliveries), strict=True):
        by_id.setdefault(delivery.call.event_id, []).append(record.data)
    again = [found for found in by_id.values() if len(found) > 1]
    assert 0.05 < len(again) / len(fleet.calls) < 0.15
    assert all(len(found) == 2 and found[0] == found[1] for found in again)


def test_some_have_lost_their_client() -> None:
    _, deliveries = shown(dropped_client=0.2)

    lost = [one for one in deliveries if not one.call.context.client]
    assert 0.15 < len(lost) / len(deliveries) < 0.25


def test_a_workload_that_logs_its_own_time_is_always_wrong_by_the_same() -> None:
    fleet, deliveries = shown(skew=20.0)

    happened = {call.event_id: call for call in fleet.calls}
    wrong: dict[str, set[int]] = {}
    for _, call in deliveries:
        wrong.setdefault(_holder(call), set()).add(call.second - happened[call.event_id].second)
    clocks = {holder: found for holder, found in wrong.items() if holder.startswith("use")}
    assert all(len(found) == 1 for found in wrong.values())
    assert len(set.union(*clocks.values())) > 1
    assert all(found == {0} for holder, found in wrong.items() if holder not in clocks)


def test_the_same_fleet_arrives_in_the_same_way() -> None:
    first, second = (list(records(shown(seed=3, duplicates=0.01)[1])) for _ in range(2))

    assert first == second
    assert first != list(records(shown(seed=4, duplicates=0.01)[1]))


def _holder(call: Call) -> str:
    return f"{call.caller.log} {getattr(call.caller, 'principal', '')}"
