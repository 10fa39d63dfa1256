"""O08: every secret in reach is read."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.simulate.fleet import Fleet, Holding
from detector.simulate.misuse import LOOKING, SECRETS, InPlace, chosen, tried, woven
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import HOUR

_LEAST: Final = 3  # different secrets, or ways to read them


class SecretsSweep(Scenario):
    """From one foothold to all others: the passwords, keys and tokens that the credential may read."""

    name: ClassVar[str] = "o08_secrets_sweep"
    title: ClassVar[str] = "Secrets sweep"
    description: ClassVar[str] = (
        "From the victim's own workload secrets are listed and read one after the other: at once and with a tool (S0), "
        "or with the victim's client among its own work, down to a few an hour (S3)."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1555.006", "T1552.007")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2", "S3")

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """See `Scenario.begin`; only where the log knows enough secrets."""
        return super().begin(fleet, holding) if len(SECRETS.operations(holding)) >= _LEAST else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        fleet, victim = play.fleet, play.victim
        secrets = SECRETS.operations(victim)
        count = min(max(play.count, len(secrets)), 4 * len(secrets))
        looked = (
            chosen(fleet, LOOKING.operations(victim), 2) if play.stealth == "S0" and LOOKING.operations(victim) else []
        )
        operations = woven(play, tried(play, [*looked, *chosen(fleet, secrets, count)]))
        workload = InPlace.of(play)
        if play.stealth == "S3":
            workload.do(play.times(len(operations), span=12 * HOUR), operations)
        else:
            workload.do(workload.burst(len(operations), 6 * HOUR), operations)
