"""R12: an assertion that is good for one exchange is traded a second time."""

from __future__ import annotations

import re
from typing import ClassVar, Final, Literal

from detector.simulate.call import stamp
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.formats.use import Identity
from detector.simulate.minted import lookalike
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario, moment
from detector.simulate.truth import Stealth
from detector.simulate.withdrawal import as_used, credential_of, succeeded

_ASSERTION_LIFE: Final = 290
_EXPIRES: Final = re.compile(r'("expiration":")[^"]+')


class AssertionReuse(Scenario):
    """A job's or pod's assertion leaks from a log and is traded again before it expires."""

    name: ClassVar[str] = "r12_assertion_reuse"
    title: ClassVar[str] = "One-time assertion traded twice"
    description: ClassVar[str] = (
        "The assertion that a workload traded for a session is traded again within its five minutes, from "
        "elsewhere (S0 to S2) or from beside the workload (S3); then the second session is used. Where "
        "nothing is issued for it, the assertion itself is shown again."
    )
    family: ClassVar[Literal["replay", "scope"]] = "replay"
    techniques: ClassVar[tuple[str, ...]] = ("T1550.001", "T1528")
    stealths: ClassVar[tuple[Stealth, ...]] = ("S0", "S1", "S2", "S3")
    kinds: ClassVar[tuple[str, ...]] = (
        "aws.session/web-identity",
        "github.oidc",
        "spiffe.jwt-svid",
        "gcp.federated",
        "entra.federated",
        "oauth.refresh-token",
    )

    def begin(self, fleet: Fleet, holding: Holding) -> int | None:
        """Within the life of an assertion that was traded once, for the holding or itself the holding."""
        traded = fleet.surroundings.exchanges.get(holding.credential, [])
        if len(traded) != 1:  # what its owner trades again and again is no assertion
            return None
        return moment(fleet, traded[0].second + 5, traded[0].second + _ASSERTION_LIFE)

    def play(self, play: Play) -> None:
        """See `Scenario.play`."""
        play.goes_on = True  # by the first session
        context, (exchange,) = play.context(), play.fleet.surroundings.exchanges[play.victim.credential]
        issue = play.fleet.surroundings.issues.get(play.victim.credential)
        if isinstance(exchange.caller, Identity) and issue is None:
            for second in play.times(min(play.count, 3), span=_ASSERTION_LIFE):
                play.use(second, context, exchange.action, caller=exchange.caller)
            return
        old = issue.caller if issue else play.victim.caller
        credential = lookalike(play.fleet, credential_of(old))
        session = succeeded(old, credential, play.begin)
        later = stamp(play.begin + play.victim.end - exchange.second)
        answer = _EXPIRES.sub(rf"\g<1>{later}", exchange.response.replace(credential_of(old), credential))
        play.use(
            play.begin, context, exchange.action, caller=exchange.caller, request=exchange.request, response=answer
        )
        if issue:
            play.use(play.begin, context, issue.action, caller=session)
            session = as_used(session)
        seconds = [second for second in play.while_valid(play.count + 1) if second > play.begin]
        play.uses(seconds, context, caller=session)
