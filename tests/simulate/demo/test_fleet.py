from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest

from detector.errors import UsageError
from detector.simulate.demo.fleet import Simulation, fleet
from detector.simulate.world import START


@pytest.fixture(scope="module")
def week() -> Simulation:
    return fleet(3, days=7, events_per_day=2_000)


@pytest.fixture(scope="module")
def records(week: Simulation) -> list[dict[str, Any]]:
    return [json.loads(record) for record in week.records]


def test_a_seed_fixes_every_byte(week: Simulation) -> None:
    again, other = fleet(3, events_per_day=2_000), fleet(4, events_per_day=2_000)
    digests = [hashlib.sha256(b"\n".join(sim.records)).digest() for sim in (week, again, other)]
    assert digests[0] == digests[1] != digests[2]
    assert week.truth == again.truth


def test_records_are_in_the_order_a_scan_reads_them(records: list[dict[str, Any]]) -> None:
    keys = [(record["eventTime"], record["eventID"]) for record in records]
    assert keys == sorted(keys)
    assert len({event_id for _, event_id in keys}) == len(keys)


def test_seconds_are_the_event_times_and_stay_inside_the_run(week: Simulation, records: list[dict[str, Any]]) -> None:
    logged = np.array([record["eventTime"].rstrip("Z") for record in records], "datetime64[s]").astype(np.int64)
    assert np.array_equal(logged, week.seconds)
    assert week.seconds[0] >= START
    assert week.seconds[-1] < START + 7 * 86_400


def test_the_rate_is_about_what_was_asked_for() -> None:
    for rate in (1_500, 6_000):
        count = len(fleet(1, days=2, events_per_day=rate).records)
        assert 0.7 * 2 * rate < count < 1.4 * 2 * rate


def test_no_label_enters_a_record(week: Simulation) -> None:
    (theft,) = week.truth.thefts
    words = (theft.scenario, "malicious", "attack", "simulat", "stolen", *theft.techniques)
    assert not [word for word in words if word.encode() in b"\n".join(week.records)]


def test_the_truth_names_uses_of_the_victims_key_from_one_new_address(
    week: Simulation, records: list[dict[str, Any]]
) -> None:
    (theft,) = week.truth.thefts
    malicious = [record for record in records if record["eventID"] in week.truth.malicious]
    assert [record["eventID"] for record in malicious] == list(theft.event_ids)
    assert {record["userIdentity"]["accessKeyId"] for record in malicious} == {theft.credential}
    assert {record["sourceIPAddress"] for record in malicious} == {theft.address}
    benign = [record for record in records if record["eventID"] not in week.truth.malicious]
    assert theft.address not in {record["sourceIPAddress"] for record in benign}
    assert malicious[0]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == theft.principal


def test_the_thief_works_from_a_prefix_that_the_fleets_own_jobs_use() -> None:
    shared = 0
    for seed in range(3):
        simulated = fleet(seed, events_per_day=1_500)
        (theft,) = simulated.truth.thefts
        prefix = theft.address.rpartition(".")[0] + "."
        sources = {json.loads(record)["sourceIPAddress"] for record in simulated.records} - {theft.address}
        shared += any(source.startswith(prefix) for source in sources)
    assert shared


def test_without_an_attack_there_is_nothing_to_find() -> None:
    simulated = fleet(3, days=1, events_per_day=2_000, attack=False)
    assert simulated.truth.thefts == ()
    assert simulated.truth.malicious == frozenset()


def test_the_fleet_has_some_forty_principals_in_two_accounts(records: list[dict[str, Any]]) -> None:
    principals = set()
    for record in records:
        identity = record["userIdentity"]
        issuer = identity.get("sessionContext", {}).get("sessionIssuer", {})
        principals.add(issuer.get("arn") or identity.get("arn"))
    assert 36 <= len(principals - {None}) <= 44
    assert {record["recipientAccountId"] for record in records} == {"111122223333", "444455556666"}


def test_key_ids_cannot_be_taken_for_live_ones(records: list[dict[str, Any]]) -> None:
    keys = {record["userIdentity"].get("accessKeyId", "EXAMPLE") for record in records}
    assert all(key.endswith("EXAMPLE") for key in keys)


@pytest.mark.parametrize(("days", "rate"), [(0, 2_000), (3, 10)], ids=["no day", "too few events"])
def test_a_fleet_too_small_to_live_is_refused_with_what_was_expected(days: int, rate: int) -> None:
    with pytest.raises(UsageError, match="expected days >= 1"):
        fleet(1, days=days, events_per_day=rate)
