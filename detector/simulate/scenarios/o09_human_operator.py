"""O09: a person types with a workload's credential."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from detector.simulate.call import Action
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.misuse import LOOKING, SECRETS, InPlace, Operation, tried
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import MINUTE

_TYPED: Final = (9.0, 0.9)  # seconds between two commands: median, sigma of the logarithm
_THINKS: Final = 0.12  # of commands that are followed by a pause,
_PAUSE: Final = (4.0 * MINUTE, 0.8)  # such as this
_COMMANDS: Final = (6, 90)
_REPEATS: Final = 0.2  # of commands that are the last one again, with other options
_INTERACTIVE: Final = re.compile(
    r"^(aws-cli|kubectl|gcloud|google-cloud-sdk|azure-cli|Vault/|GitHub CLI|SnowSQL|python-requests|curl)"
)


class HumanOperator(Scenario):
    """Commands with the gaps of typing and thinking, repeated with other options, from an interactive client."""

    name: ClassVar[str] = "o09_human_operator"
    title: ClassVar[str] = "Human operator with a workload's credential"
    description: ClassVar[str] = (
        "Somebody has a shell in the victim's workload and types: at a command line tool (S0), a few lines in an "
        "interpreter (S1), or the victim's own client driven by hand (S2). The pace is a person's."
    )
    family: ClassVar[Literal["replay", "scope"]] = "scope"
    techniques: ClassVar[tuple[str, ...]] = ("T1059.009", "T1078.004")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2")

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """See `Scenario.begin`; only where there is something to look at."""
        return super().begin(fleet, holding) if LOOKING.operations(holding) else None

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        least, most = _COMMANDS
        commands = _session(play, max(least, min(play.count, most)))
        agent = _tool(play) if play.stealth == "S0" else None
        InPlace.of(play, agent=agent).do(_typing(play, len(commands)), commands)


def _session(play: Play, count: int) -> list[Operation]:
    """What is typed: looking around, reading, what the victim does; some commands once more."""
    rng = play.fleet.rng
    pool = (*LOOKING.operations(play.victim), *SECRETS.operations(play.victim))
    own = play.in_profile(count)
    typed: list[Action] = []
    for number in range(count):
        if typed and rng.random() < _REPEATS:
            typed.append(typed[-1])
        elif play.style == "mimic" or (play.style == "mixed" and rng.random() < 0.5):
            typed.append(own[number])
        else:
            typed.append(pool[int(rng.integers(len(pool)))])
    return tried(play, typed)


def _typing(play: Play, count: int) -> Sequence[int]:
    """Seconds at which somebody who types and thinks sends `count` commands."""
    rng = play.fleet.rng
    gaps = _TYPED[0] * rng.lognormal(0.0, _TYPED[1], count)
    gaps += (rng.random(count) < _THINKS) * _PAUSE[0] * rng.lognormal(0.0, _PAUSE[1], count)
    gaps[0] = 0.0
    seconds: list[int] = (play.begin + gaps.cumsum()).astype(int).tolist()
    return seconds


def _tool(play: Play) -> str:
    """A client that people type at, of those seen with such credentials; else whatever tool a stranger has."""
    fleet = play.fleet
    seen = [one for one in fleet.surroundings.clients_of(play.victim.kind, play.begin) if _INTERACTIVE.match(one)]
    return seen[fleet.between(0, len(seen))] if seen else play.client()
