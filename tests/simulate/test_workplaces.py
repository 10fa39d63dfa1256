from __future__ import annotations

from detector.simulate import workplaces
from detector.simulate.egress import Egress
from tests.simulate.tenants import empty_tenant


def seen(egress: Egress) -> set[str]:
    return {address for span in egress.spans for address in span.addresses}


def test_a_place_of_the_tenant_is_everybodys_there() -> None:
    fleet, sites = empty_tenant()
    nats = list(sites.nats.values())
    assert any(workplaces.cloud(fleet, sites) is egress for egress in nats)
    assert any(workplaces.cluster(fleet, sites) is egress for egress in nats)
    assert workplaces.premises(fleet, sites) in sites.offices


def test_a_fifth_of_vendors_leaves_by_a_pool_and_the_others_by_three_addresses_at_most() -> None:
    fleet, sites = empty_tenant()
    sizes = [len(workplaces.vendor(fleet, sites).at(fleet.start).addresses) for _ in range(400)]
    assert set(sizes) == {1, 2, 3, 50}
    assert 0.12 < sizes.count(50) / len(sizes) < 0.28


def test_a_vendor_is_now_and_then_elsewhere_and_says_why() -> None:
    fleet, sites = empty_tenant(tier="hard")
    vendors = [workplaces.vendor(fleet, sites) for _ in range(200)]
    causes = {span.churn for egress in vendors for span in egress.spans}
    assert causes == {"", "vendor_renumbered", "vendor_region_hop", "isp_failover"}
    assert all(address.startswith("243.") for egress in vendors for address in seen(egress))


def test_functions_and_the_other_cloud_have_addresses_of_their_own_ranges() -> None:
    fleet, sites = empty_tenant()
    assert all(address.startswith("241.") for address in seen(workplaces.functions(fleet, sites)))
    assert all(address.startswith("242.") for address in seen(workplaces.other_cloud(fleet, sites)))


def test_a_group_migrates_only_in_the_hard_tier() -> None:
    fleet, sites = empty_tenant(tier="hard", migration=1.0)
    moved = workplaces.cloud(fleet, sites)
    assert "migration" in {span.churn for span in moved.spans}
    assert all(moved is not egress for egress in sites.nats.values())
