from __future__ import annotations

import pytest

from detector.errors import UsageError
from detector.simulate.demo import attacks
from detector.simulate.demo.fleet import fleet
from tests.simulate.worlds import empty_world


def test_the_victim_goes_on_working_during_the_theft() -> None:
    simulated = fleet(7)
    (theft,) = simulated.truth.thefts
    used = [record for record in simulated.records if theft.credential.encode() in record]
    stolen = [any(event_id.encode() in record for event_id in theft.event_ids) for record in used]
    first, last = stolen.index(True), len(stolen) - stolen[::-1].index(True)
    assert stolen[:first].count(False) >= 5
    assert stolen[first:last].count(False) >= 2


def test_the_malicious_uses_lie_within_an_hour_and_in_order() -> None:
    for seed in range(3):
        (theft,) = fleet(seed, events_per_day=1_000).truth.thefts
        assert list(theft.seconds) == sorted(theft.seconds)
        assert 0 < theft.seconds[-1] - theft.first_malicious <= 3_000
        assert len(theft.seconds) == len(theft.event_ids) == len(set(theft.event_ids))


def test_one_day_is_enough_for_a_theft_that_is_logged_in_full() -> None:
    for seed in range(5):
        simulated = fleet(seed, days=1, events_per_day=1_000)
        log = b"\n".join(simulated.records)
        assert simulated.truth.malicious
        assert all(event_id.encode() in log for event_id in simulated.truth.malicious)


def test_without_a_victim_the_attack_says_what_it_needs() -> None:
    with pytest.raises(UsageError, match="expected a web instance whose key outlives the theft"):
        attacks.imds_replay(empty_world())
