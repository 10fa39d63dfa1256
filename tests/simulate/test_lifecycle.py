from __future__ import annotations

from itertools import pairwise

from detector.simulate.call import Action, Call, Context
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Habitat, Holding, Principal
from detector.simulate.formats.use import Identity
from detector.simulate.habits import Rhythm
from detector.simulate.lifecycle import desk, keys, lease, lifetimes, state, tokens
from detector.simulate.products import SAAS
from detector.simulate.teams import team
from detector.simulate.world import DAY, HOUR
from tests.simulate.tenants import empty_tenant

RENEW = Action("token", "renew", read_only=False)
REVOKE = Action("keys", "revoke", read_only=False)
DESK = Context("245.0.0.1", "curl/8.10.1")


def worker(per_day: float = 200.0, **chosen: float) -> tuple[Fleet, Principal, Habitat]:
    """A busy principal at one address, in a fleet without backfills."""
    fleet, _ = empty_tenant(1, "ordinary", **{"backfill": 0.0, "days": 8, **chosen})
    of = team(fleet, "here", "/", "api-key", SAAS)
    return fleet, Principal("worker", of, Rhythm(per_day)), Habitat(Egress.of("us-east-1", ["241.0.0.1"]), of.releases)


def identity(fleet: Fleet, owner: Principal, at: int) -> Identity:
    return Identity(owner.realm, owner.name, fleet.key("key-"), "api-key", issued_at=at)


def stated(fleet: Fleet, activity: str) -> list[tuple[Call, Identity]]:
    pairs = [(call, call.caller) for call in fleet.calls if isinstance(call.caller, Identity)]
    return [(call, caller) for call, caller in pairs if caller.activity == activity]


def test_a_token_is_fetched_when_there_is_work_and_kept_until_it_is_old() -> None:
    fleet, owner, habitat = worker()
    tokens(fleet, owner, habitat, (fleet.start, fleet.end), HOUR, lambda at: identity(fleet, owner, at))
    by = {held.credential: held for held in fleet.holdings}
    used = [(call.second, by[caller.credential]) for call, caller in stated(fleet, "use")]
    assert len(used) > 1_000
    assert all(held.start < second < held.end for second, held in used)
    assert all(later.start > before.end - 15 for before, later in pairwise(fleet.holdings))


def test_a_lease_is_renewed_until_its_workload_ends() -> None:
    fleet, owner, habitat = worker()
    end = fleet.start + 3 * DAY
    held = lease(fleet, owner, habitat, identity(fleet, owner, 1), (fleet.start, end), 3 * HOUR, RENEW)
    renewals = stated(fleet, "renew")
    assert [call.second for call, _ in renewals] == list(range(fleet.start + 2 * HOUR, end, 2 * HOUR))
    assert all(caller.expires_at == call.second + 3 * HOUR for call, caller in renewals)
    assert held.end == renewals[-1][1].expires_at
    assert max(call.second for call in fleet.calls) < end


def _keys_of_a_month(part: str) -> tuple[Fleet, list[Holding]]:
    fleet, owner, habitat = worker(20.0, days=30)
    with fleet.chance(part):
        return fleet, keys(fleet, owner, habitat, lambda at: identity(fleet, owner, at), withdraw=REVOKE, desk=DESK)


def test_a_rotated_key_is_withdrawn_after_an_overlap_and_its_successor_is_news_for_a_day() -> None:
    rotated = 0
    for part in range(60):
        fleet, made = _keys_of_a_month(f"part-{part}")
        if len(made) == 1:
            continue
        rotated += 1
        first, second = made
        assert second.start == first.until <= first.end
        assert first.credential != second.credential
        for call, caller in stated(fleet, "use"):
            assert caller.credential == (first if call.second < first.until else second).credential
            if "rotation" in call.churn:
                assert first.until <= call.second < first.until + DAY
        assert all(call.second == first.end and call.action is REVOKE for call, _ in stated(fleet, "revoke"))
    assert rotated > 1


def test_a_shared_key_is_used_from_every_place_it_is_held_in() -> None:
    fleet, owner, habitat = worker()
    others = [Egress.of("us-east-1", [f"243.0.{at}.1"]) for at in range(3)]
    made = keys(fleet, owner, habitat, lambda at: identity(fleet, owner, at), withdraw=REVOKE, desk=DESK, shared=others)
    addresses = {
        call.context.address for call, caller in stated(fleet, "use") if caller.credential == made[-1].credential
    }
    assert addresses == {"241.0.0.1", "243.0.0.1", "243.0.1.1", "243.0.2.1"}


def test_workloads_follow_each_other_and_none_lives_before_its_service() -> None:
    fleet, owner, _ = worker()
    owner.since = fleet.start + 2 * DAY
    spans = list(lifetimes(fleet, owner, 0.5))
    assert spans[0][0] == owner.since
    assert spans[-1][1] >= fleet.end
    assert all(before[1] - 60 <= later[0] <= before[1] for before, later in pairwise(spans))


def test_a_silenced_owner_states_nothing() -> None:
    fleet, owner, _ = worker()
    said = identity(fleet, owner, 1)
    for second in (fleet.start - 1, fleet.start, fleet.start + 100):
        state(fleet, owner, second, said, REVOKE, DESK, activity="revoke")
    assert [call.second for call, _ in stated(fleet, "revoke")] == [fleet.start, fleet.start + 100]
    fleet.silence(owner, fleet.start + 50, fleet.end)
    fleet.finish()
    assert [call.second for call in fleet.calls] == [fleet.start]


def test_a_desk_is_behind_its_offices_addresses() -> None:
    fleet, _, habitat = worker()
    assert desk(fleet, habitat.egress, "curl/8.10.1") == Context("241.0.0.1", "curl/8.10.1")
