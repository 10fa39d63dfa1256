"""R20: a vendor's key is used from the hosting provider that the vendor is at."""

from __future__ import annotations

from typing import ClassVar, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth


class VendorNeighbour(Scenario):
    """The network is the vendor's, the machine is not."""

    name: ClassVar[str] = "r20_vendor_neighbour"
    title: ClassVar[str] = "Vendor's key used from the vendor's own hosting provider"
    description: ClassVar[str] = (
        "A token or key held by a SaaS vendor is used from another machine of the same hosting provider, with "
        "an SDK (S1) or the vendor's client (S2, S3): its network alone says nothing."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1199", "T1078.004")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S1", "S2", "S3")
    kinds: ClassVar[tuple[str, ...]] = (
        "github.",
        "api-key",
        "oauth.",
        "okta.",
        "snowflake.",
        "aws.access-key",
        "aws.session/assumed",
    )

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """Only where the owner leaves by a hosting provider."""
        begin = super().begin(fleet, holding)
        return begin if begin is not None and _provider(holding, begin) is not None else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        provider = _provider(play.victim, play.begin)
        play.uses(play.while_valid(), play.at(play.fleet.plan.hosting(provider)))


def _provider(holding: Holding, second: int) -> int | None:
    """The hosting provider that the owner leaves by, if it does."""
    network, provider, *_ = (*holding.habitat.egress.at(second).addresses[0].split("."), "")
    return int(provider) if network == "243" else None
