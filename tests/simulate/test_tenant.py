from __future__ import annotations

import pytest

from detector.simulate.call import BENIGN, Call
from detector.simulate.fleet import Fleet
from detector.simulate.tenant import Dataset, truth_of


@pytest.fixture(scope="module")
def tenant() -> Fleet:
    return Dataset("dev", "ordinary", seed=11, thefts=1).tenant(0, principals=300)


def test_a_dataset_names_its_bytes() -> None:
    def drawn(number: int, split: str = "dev") -> list[bytes]:
        fleet = Dataset(split, "ordinary", seed=3, thefts=1).tenant(number, principals=40, days=9)  # type: ignore[arg-type]
        return [call.caller.render(call) for call in fleet.calls]

    first = drawn(0)
    assert first == drawn(0)
    assert first != drawn(1)
    assert first != drawn(0, "test")


def test_without_thefts_nothing_is_malicious() -> None:
    fleet = Dataset("dev", "hard", seed=3, thefts=0).tenant(0, principals=40, days=9)
    assert fleet.calls
    assert fleet.thefts == []
    assert all(call.theft == BENIGN for call in fleet.calls)


def test_calls_are_in_order_of_time(tenant: Fleet) -> None:
    seconds = [call.second for call in tenant.calls]
    assert seconds == sorted(seconds)
    assert tenant.start <= seconds[0] <= seconds[-1] < tenant.end


def test_the_truth_and_the_calls_say_the_same_is_malicious(tenant: Fleet) -> None:
    truth = truth_of(tenant)
    assert truth.malicious == {call.event_id: call.theft for call in tenant.calls if call.theft != BENIGN}
    seconds = {call.event_id: call.second for call in tenant.calls}
    for theft in truth.thefts:
        assert theft.seconds == tuple(seconds[event_id] for event_id in theft.event_ids)
        assert list(theft.seconds) == sorted(theft.seconds)
        assert 0 <= theft.opening < len(theft.seconds)


def test_nobody_is_stolen_from_twice(tenant: Fleet) -> None:
    victims = [theft.principals[0] for theft in tenant.thefts if len(theft.principals) == 1]
    assert len(victims) == len(set(victims))
    assert len(victims) > 60


def test_only_what_is_malicious_lacks_a_benign_cause(tenant: Fleet) -> None:
    assert not set(truth_of(tenant).churn) & set(truth_of(tenant).malicious)


def test_victims_are_of_all_kinds_and_not_of_those_with_many_short_keys(tenant: Fleet) -> None:
    kinds = [theft.kind for theft in tenant.thefts]
    assert len(set(kinds)) > 12
    assert max(kinds.count(kind) for kind in kinds) < len(kinds) / 4


def test_no_client_and_no_network_is_only_an_attackers(tenant: Fleet) -> None:
    def network(address: str) -> str:
        return address.partition(":")[0] if ":" in address else ".".join(address.split(".")[:1])

    def family(call: Call) -> str:
        return call.caller.log.partition(".")[0] + call.context.client.partition("/")[0]

    benign = [call for call in tenant.calls if call.theft == BENIGN]
    stolen = [call for call in tenant.calls if call.theft != BENIGN]
    assert {family(call) for call in stolen} <= {family(call) for call in benign}
    assert {network(call.context.address) for call in stolen} <= {network(call.context.address) for call in benign}
    assert {call.context.region for call in stolen} <= {call.context.region for call in benign}
