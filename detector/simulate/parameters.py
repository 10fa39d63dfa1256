"""How a simulated tenant behaves: the ranges of a fleet's churn, and what is drawn from them.

`dev` (G-dev: tuning and training) has one set of values. `test` (G-test: never tuned on) draws each tenant's from
brackets around them, with seeds that dev never uses. The *ordinary* tier has the churn of every week; the *hard* tier
adds what looks like theft and is not: migrations, ISP failover, engineers who borrow a workload's credential.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

import numpy as np

from detector.errors import UsageError

Split = Literal["dev", "test"]
Tier = Literal["ordinary", "hard"]
SPLITS: tuple[Split, ...] = get_args(Split)
TIERS: tuple[Tier, ...] = get_args(Tier)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Rates are per day and principal, group or tenant as said; lives in days; shares are probabilities."""

    principals: int = 1200
    days: int = 21
    uses_per_day: float = 1.6  # median of a principal: thinned, so that many principals can be afforded
    uses_sigma: float = 1.0  # of its logarithm
    group_size: float = 25.0
    regions: int = 2
    accounts: int = 3
    clusters: int = 2
    nat_gateways: int = 3  # of each region and account
    nat_rotation: float = 0.03  # per gateway pool
    failover: float = 0.004  # per region: traffic leaves through another one for hours
    endpoint_share: float = 0.3  # of groups that reach some services through a VPC endpoint
    own_address_share: float = 0.15  # of instance groups with public addresses
    instance_life: float = 1.5
    pod_life: float = 0.8
    node_life: float = 10.0
    spot_share: float = 0.3
    releases: float = 0.15  # per group: a deploy that changes client or actions
    new_action_share: float = 0.3  # of releases that bring a new action
    sdk_migration: float = 0.004  # per group: another SDK family
    new_service: float = 0.006  # per group: another principal of it appears
    hosted_ci: float = 0.7
    extended_tokens: float = 0.5  # of clusters that accept a pod token for a year
    shared_keys: float = 0.05  # of static keys that several workloads use
    backfill: float = 0.007  # per principal: two hours at forty times the rate
    trips: float = 0.05  # per person with a laptop
    incidents: float = 1 / 28  # per tenant: people respond to something, at odd hours and with all rights
    drills: float = 1 / 90  # per tenant: platform tools rehearse the loss of a region
    pentests: float = 0.0  # per tenant: hired testers use what they find
    migration: float = 0.0  # per group: moves to another account's network, for good
    isp_failover: float = 0.0  # per office or vendor: hours on another provider
    local_debugging: float = 0.0  # per principal: an engineer uses its credential from a desk for an hour
    delay_median: float = 90.0  # seconds until a log is delivered
    delay_sigma: float = 0.7
    cloudtrail_delay: float = 240.0
    duplicates: float = 0.002
    late: float = 0.001  # more than 15 minutes
    dropped_client: float = 0.01
    skew: float = 20.0  # seconds, standard deviation of a workload's clock where the source logs the client's time

    def __post_init__(self) -> None:
        """Raises UsageError for a fleet that cannot live."""
        if self.principals < 40 or self.days < 2:
            raise UsageError(f"expected at least 40 principals and 2 days, found {self.principals} and {self.days}")


_DEFAULT = Parameters()
HARD = {"migration": 0.1 / 28, "isp_failover": 0.02, "local_debugging": 0.04 / 28, "pentests": 1 / 365}
_BRACKETS: dict[str, tuple[float, float]] = {  # factors on the values above
    "uses_per_day": (0.6, 1.6), "uses_sigma": (0.9, 1.2), "group_size": (0.4, 2.4), "nat_rotation": (0.4, 2.0),
    "failover": (0.0, 3.0), "endpoint_share": (0.3, 1.8), "instance_life": (0.2, 6.0), "pod_life": (0.25, 3.5),
    "releases": (0.4, 3.0), "new_service": (0.5, 2.0), "hosted_ci": (0.5, 1.3), "backfill": (0.5, 1.6),
    "migration": (0.5, 1.5), "isp_failover": (0.3, 3.0), "local_debugging": (0.7, 1.3),
}  # fmt: skip
_COUNTS: dict[str, tuple[int, int]] = {
    "nat_gateways": (1, 8),
    "clusters": (1, 4),
    "regions": (2, 4),
    "accounts": (2, 5),
}


def draw(split: Split, tier: Tier, rng: np.random.Generator, **chosen: float) -> Parameters:
    """Parameters of one tenant; `chosen` are fixed whatever the split draws.

    Raises UsageError for a name that is no parameter.
    """
    unknown = set(chosen) - {field.name for field in fields(Parameters)}
    if unknown:
        raise UsageError(f"expected parameters of a fleet, found {', '.join(sorted(unknown))}")
    values: dict[str, float] = dict(HARD) if tier == "hard" else {}
    if split == "test":
        drawn = replace(Parameters(), **values)  # type: ignore[arg-type]
        for name, (low, high) in _BRACKETS.items():
            values[name] = getattr(drawn, name) * float(rng.uniform(low, high))
        for name, (least, most) in _COUNTS.items():
            values[name] = int(rng.integers(least, most + 1))
        values["hosted_ci"] = min(1.0, values["hosted_ci"])
    values |= {name: type(getattr(_DEFAULT, name))(value) for name, value in chosen.items()}
    return replace(Parameters(), **values)  # type: ignore[arg-type]
