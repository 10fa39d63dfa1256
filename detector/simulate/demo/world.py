"""The two accounts of the demo, and the keys that workloads hold in them."""

from __future__ import annotations

from dataclasses import dataclass, field

from detector.simulate.formats.cloudtrail import Identity, Role
from detector.simulate.world import World

PRODUCTION = "111122223333"
SHARED = "444455556666"  # build pipelines and the data platform


@dataclass(frozen=True, slots=True)
class Lease:
    """One key of one workload session: who holds it, from when until when (seconds), and where it calls."""

    role: Role
    session: str
    identity: Identity
    region: str
    start: int
    end: int


@dataclass(slots=True)
class DemoWorld(World):
    """A world that knows who holds which key."""

    leases: list[Lease] = field(default_factory=list)

    def role(self, account: str, path: str, name: str) -> Role:
        """A role with a fresh role id."""
        return Role(account, path, name, self.key("AROA"))
