"""R14: a Vault token, or the secret id that logs in for one, is replayed."""

from __future__ import annotations

from typing import ClassVar, Literal

from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth


class VaultToken(Scenario):
    """What an agent wrote to a file, or what was wrapped for somebody else, is used elsewhere."""

    name: ClassVar[str] = "r14_vault_token"
    title: ClassVar[str] = "Vault token or secret id replayed"
    description: ClassVar[str] = (
        "A token is read from an agent's sink file, or a secret id from a deployment's variables, and used "
        "from the cloud (S1, S2) or from another workload (S3)."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1552.001", "T1550.001")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S1", "S2", "S3")
    kinds: ClassVar[tuple[str, ...]] = ("vault.",)

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        play.uses(play.while_valid(), play.context())
