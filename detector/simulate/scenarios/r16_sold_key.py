"""R16: a credential is sold to several buyers who know nothing of each other."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from detector.domain import KINDS
from detector.simulate.disguise import Place
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.truth import Stealth
from detector.simulate.world import DAY

_SALE: Final = 3 * DAY
_PLACES: Final[tuple[Place, ...]] = ("hosting", "hosting", "residential", "other-cloud", "cloud")


class SoldKey(Scenario):
    """Two to five buyers, each with a place, a client and a time of his own."""

    name: ClassVar[str] = "r16_sold_key"
    title: ClassVar[str] = "Credential sold and used by unrelated buyers"
    description: ClassVar[str] = (
        "A broker sells a stolen credential to two to five buyers, who use it from rented machines, homes and "
        "clouds within three days, each with his own tool (S0) or SDK (S1)."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1078.004", "T1650")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1")
    kinds: ClassVar[tuple[str, ...]] = (
        *(kind.label for kind in KINDS if kind.static),
        "oauth.refresh-token",
        "vault.token",
    )

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        buyers = play.fleet.between(2, 6)
        later = sorted(play.fleet.between(0, _SALE) for _ in range(buyers - 1))
        latest = min(play.fleet.end, play.victim.end) - 2
        for wait in (0, *later):
            place = _PLACES[play.fleet.between(0, len(_PLACES))]
            share = max(1, play.count // buyers)
            play.uses(play.while_valid(share, begin=min(play.begin + wait, latest)), play.context(place))
