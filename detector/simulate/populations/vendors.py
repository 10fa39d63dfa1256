"""SaaS vendors that look into the tenant's accounts: with a user's key, or by assuming a role with an external id.

They live at hosting providers or in the tenant's own cloud, behind an address or three, a fifth of them behind a pool
of fifty; now and then one moves its work to another region, or leaves by another provider for some hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from detector.simulate import sessions
from detector.simulate.addresses import HOSTING_PROVIDERS
from detector.simulate.call import Action, Caller
from detector.simulate.catalogue import AWS_ENUMERATION, AWS_WORK
from detector.simulate.clients import SDKS, Sdk, updated
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding, Principal
from detector.simulate.formats.cloudtrail import Role, user
from detector.simulate.populations.base import Population, group, live, principal
from detector.simulate.sites import Sites, moments
from detector.simulate.world import DAY, HOUR, MINUTE

_BY_KEY: Final = 0.4  # of vendors; the others assume a role
_POOL: Final = 0.2
_POOL_SIZE: Final = 50
_IN_THE_CLOUD: Final = 0.3  # of vendors run in the cloud that the tenant is in
_REGION_HOPS: Final = 1 / 60  # per vendor and day
_LIBRARIES: Final = ("python-requests/2.32.3", "Go-http-client/2.0")
_MONITORING: Final = (
    *AWS_ENUMERATION,
    Action("cloudwatch", "GetMetricData"), Action("cloudwatch", "ListMetrics"), Action("ec2", "DescribeVolumes"),
    Action("logs", "FilterLogEvents"), Action("tagging", "GetResources"), Action("ce", "GetCostAndUsage"),
)  # fmt: skip
_DATA: Final = tuple(action for action in AWS_WORK if action.service in {"s3", "sqs", "kinesis", "athena", "glue"})


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor: its account and role id as the tenant's log shows them, and what it leaves by."""

    name: str
    account: str
    role_id: str
    egress: Egress


class Vendors(Population):
    """`aws.access-key` and `aws.session/assumed` in the hands of other companies."""

    name: ClassVar[str] = "vendors"
    title: ClassVar[str] = "SaaS vendors"
    share: ClassVar[float] = 0.05

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        left, number = principals, 0
        while left > 0:
            size = min(left, fleet.between(1, 6))
            self._vendor(fleet, sites, number, size)
            left, number = left - size, number + 1

    def _vendor(self, fleet: Fleet, sites: Sites, number: int, size: int) -> None:
        """One vendor with `size` integrations, all in one account of the tenant."""
        account = sites.accounts[fleet.between(0, len(sites.accounts))]
        vendor = Vendor(
            f"vendor-{number}", f"{fleet.between(10**11, 10**12)}", fleet.key("AROA"), _egress(fleet)
        )  # fmt: skip
        by_key = fleet.rng.random() < _BY_KEY
        made = _integrations(fleet, account, vendor.name, by_key=by_key)
        habitat = Habitat(vendor.egress, made.releases)
        for member in range(size):
            name = f"{vendor.name}-{member}"
            if by_key:
                caller = user(account, made.path, name, fleet.key("AIDA"), fleet.key("AKIA"))
                owner = principal(fleet, made, caller.arn)
                start = owner.since or fleet.start - fleet.between(DAY, 700 * DAY)
                live(fleet, Holding(owner, caller, caller.key, made.kind, start, fleet.end + 400 * DAY, habitat))
            else:
                role = Role(account, made.path, name, fleet.key("AROA"))
                self._poll(fleet, vendor, principal(fleet, made, f"{role.arn}#assumed"), role, habitat)

    def _poll(self, fleet: Fleet, vendor: Vendor, owner: Principal, role: Role, habitat: Habitat) -> None:
        """Assume the role, work for some minutes, let the session lapse; again and again."""
        parent = sessions.other_account(role.account, vendor.account, vendor.role_id, vendor.name)
        external_id, per_session = fleet.hex(32), fleet.between(2, 14)
        by_run = fleet.rng.random() < 0.5
        begins = _polls(fleet, owner, owner.rhythm.per_day / per_session)
        for begin in begins:
            name = f"{vendor.name}-{begin}" if by_run else vendor.name
            self._session(fleet, parent, owner, role, name, begin, external_id, habitat, per_session)

    def _session(
        self,
        fleet: Fleet,
        parent: Caller,
        owner: Principal,
        role: Role,
        name: str,
        begin: int,
        external_id: str,
        habitat: Habitat,
        uses: int,
    ) -> None:
        """One session and what is done in it."""
        ((context, moved),) = habitat.contexts(fleet, [begin])
        caller = sessions.assumed(fleet, parent, role, name, begin, context, external_id=external_id, churn=moved)
        count = 1 + int(fleet.rng.poisson(uses - 1))
        seconds = (begin + 1 + fleet.rng.exponential(25.0, count).cumsum().astype(int)).tolist()
        seconds = [second for second in seconds if second < min(begin + HOUR, fleet.end)]
        holding = Holding(
            owner, caller, caller.key, owner.group.kind, begin, begin + HOUR, habitat,
            until=begin + 20 * MINUTE, session=name,
        )  # fmt: skip
        fleet.hold(holding)
        new = "new_service" if owner.since and begin - owner.since < DAY else ""
        fleet.work(holding, seconds, churn=new)


def _polls(fleet: Fleet, owner: Principal, per_day: float) -> list[int]:
    """When sessions begin: by a clock, as most integrations poll, or when somebody looks at a page of the vendor's."""
    start = max(fleet.start, owner.since)
    if fleet.rng.random() < 0.3:
        return fleet.arrivals(start, fleet.end, per_day, owner.rhythm.amplitude)
    period = max(10 * MINUTE, int(DAY / max(per_day, 0.15)))
    begins = range(start + fleet.between(0, period), fleet.end, period)
    return [begin + late for begin, late in zip(begins, fleet.rng.integers(0, 90, len(begins)).tolist(), strict=True)]


def _integrations(fleet: Fleet, account: str, name: str, *, by_key: bool) -> Group:
    """What a vendor's integrations have in common: most look, some move data."""
    pool = _DATA if fleet.rng.random() < 0.3 else _MONITORING
    library = _LIBRARIES[fleet.between(0, len(_LIBRARIES))]
    plain = fleet.rng.random() < 0.4
    kind = "aws.access-key" if by_key else "aws.session/assumed"
    path = f"/{name}/" if fleet.rng.random() < 0.5 else "/"
    made = group(
        fleet, account, path, kind, pool, families=SDKS, agent=lambda sdk: _agent(sdk, library if plain else "")
    )  # fmt: skip
    made.owner = name
    return made


def _agent(sdk: Sdk, library: str) -> str:
    return updated(library, sdk.minor - Sdk.first(sdk.family).minor) if library else sdk.agent()


def _egress(fleet: Fleet) -> Egress:
    """What one vendor leaves by, and what befalls it."""
    region = fleet.regions[0]
    provider, in_cloud = fleet.between(0, HOSTING_PROVIDERS), fleet.rng.random() < _IN_THE_CLOUD
    count = _POOL_SIZE if fleet.rng.random() < _POOL else fleet.between(1, 4)

    def pool(of: int) -> list[str]:
        return [fleet.plan.instance(region) if in_cloud else fleet.plan.hosting(of) for _ in range(count)]

    egress = Egress.of(region, pool(provider), connection=3)
    for second in moments(fleet, _REGION_HOPS):
        fleet.story["vendor region hops"] += 1
        if fleet.rng.random() < 0.5:
            egress.change(second, pool(provider), "vendor_region_hop")
        else:
            egress.detour(second, second + fleet.between(HOUR, 2 * DAY), pool(provider), "vendor_region_hop")
    for second in moments(fleet, fleet.parameters.isp_failover):
        fleet.story["ISP failovers"] += 1
        other = [fleet.plan.hosting() for _ in range(fleet.between(1, 3))]
        egress.detour(second, second + fleet.between(HOUR, DAY), other, "isp_failover")
    return egress
