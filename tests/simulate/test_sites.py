from __future__ import annotations

from detector.simulate.sites import Sites, moments
from detector.simulate.world import DAY
from tests.simulate.tenants import empty_tenant


def causes(sites: Sites) -> set[str]:
    return {span.churn for egress in sites.nats.values() for span in egress.spans} - {""}


def test_every_account_and_cluster_has_gateways_of_its_own_in_every_region() -> None:
    fleet, sites = empty_tenant(accounts=3, clusters=2, regions=3)
    assert set(sites.nats) == {
        (place, region) for place in (*sites.accounts, *sites.clusters) for region in fleet.regions
    }
    pools = [egress.spans[0].addresses for egress in sites.nats.values()]
    assert len({address for pool in pools for address in pool}) == sum(map(len, pools))
    assert all(len(account) == 12 and account.isdigit() for account in sites.accounts)


def test_without_churn_nothing_happens_to_a_place() -> None:
    _, sites = empty_tenant(nat_rotation=0.0, failover=0.0, isp_failover=0.0)
    assert causes(sites) == set()
    assert all(len(office.spans) == 1 for office in sites.offices)


def test_a_failover_moves_a_whole_region_at_the_same_instant_and_back() -> None:
    fleet, sites = empty_tenant(nat_rotation=0.0, failover=0.1, days=10, regions=2, seed=2)
    assert fleet.story["region failovers"] > 0
    begun: dict[str, set[tuple[int, ...]]] = {}
    for (_, region), egress in sites.nats.items():
        begun.setdefault(region, set()).add(tuple(span.start for span in egress.spans))
        assert egress.at(fleet.end + 7 * DAY).addresses == egress.spans[0].addresses
    assert all(len(instants) == 1 for instants in begun.values())
    assert any(len(next(iter(instants))) > 1 for instants in begun.values())


def test_gateways_are_replaced_at_the_rate_of_the_tenant() -> None:
    fleet, sites = empty_tenant(nat_rotation=0.3, failover=0.0, days=30)
    assert abs(fleet.story["NAT rotations"] / (0.3 * 30 * len(sites.nats)) - 1) < 0.4
    assert causes(sites) == {"nat_rotation"}


def test_offices_leave_by_another_provider_in_the_hard_tier_only() -> None:
    _, ordinary = empty_tenant()
    fleet, hard = empty_tenant(tier="hard", isp_failover=0.3)
    assert not [office for office in ordinary.offices if len(office.spans) > 1]
    assert fleet.story["ISP failovers"] > 0
    assert {span.churn for office in hard.offices for span in office.spans} >= {"isp_failover"}


def test_moments_keep_their_rate() -> None:
    fleet, _ = empty_tenant(days=50)
    assert 400 < len(moments(fleet, 10.0)) < 600
