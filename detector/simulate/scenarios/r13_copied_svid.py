"""R13: the private key of a certificate is copied to another machine."""

from __future__ import annotations

from typing import ClassVar, Literal

from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR


class CopiedSvid(Scenario):
    """A workload's key never leaves the workload; now two machines have it, and both renew."""

    name: ClassVar[str] = "r13_copied_svid"
    title: ClassVar[str] = "Certificate's private key used on another machine"
    description: ClassVar[str] = (
        "The key of an X.509-SVID or a client certificate is read from a disk or from memory and used on "
        "another machine in the cloud (S2) or in the tenant (S3), with the workload's client. Where the owner "
        "renews by it, the thief renews too."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1552.004", "T1550")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S2", "S3")
    kinds: ClassVar[tuple[str, ...]] = ("spiffe.x509-svid", "mtls.cert", "k8s.client-cert")

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        context = play.context()
        play.uses(play.while_valid(), context)
        renewal = play.fleet.surroundings.renewals.get(play.victim.credential)
        if renewal is not None:
            last = min(play.victim.end, play.fleet.end, play.begin + HOUR)
            second = play.fleet.between(play.begin, last)
            play.use(second, context, renewal.action, caller=renewal.caller)
