"""Misuse in place: the thief is in the victim's workload, and what its credential may do is turned against its owner.

He came in through a request forgery or remote code execution, so he calls from where the workload calls, by whatever
credential it holds at the time, and the workload goes on. What gives him away is what he does: the operations of a
`Purpose`, in order, among operations of the victim's own, as many as his style and his stealth have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from detector.simulate.call import Action, Context
from detector.simulate.catalogue import (
    AWS_COMPUTE,
    AWS_ENUMERATION,
    AWS_PERSISTENCE,
    AWS_PRIVILEGED,
    AWS_SECRETS,
    AWS_TAMPERING,
    CLUSTER_ENUMERATION,
    CLUSTER_PERSISTENCE,
    CLUSTER_PRIVILEGED,
    CLUSTER_SECRETS,
    CLUSTER_TAMPERING,
)
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.play import Play
from detector.simulate.world import MINUTE

Operation = tuple[Action, str]  # what is done, and its error

_COVER: Final = {"noisy": 0.0, "mixed": 0.35, "mimic": 0.7}  # share of uses that the victim might have made
_HIDING: Final = {"S0": 0.0, "S1": 0.15, "S2": 0.4, "S3": 0.7, "S4": 1.0}
_REFUSED: Final = {"S0": 0.35, "S1": 0.25, "S2": 0.1, "S3": 0.05, "S4": 0.0}  # who looks first is refused less
_MOST_COVER: Final = 60  # uses


@dataclass(frozen=True, slots=True)
class Purpose:
    """What operations are for: by name in CloudTrail and in clusters, by their words in logs of other products.

    `changes` says that the operations change something. Products whose log has none of them have none to misuse.
    """

    aws: tuple[Action, ...]
    cluster: tuple[Action, ...]
    words: re.Pattern[str]
    changes: bool = False

    def operations(self, holding: Holding) -> tuple[Action, ...]:
        """The operations that serve the purpose with this credential; each only once."""
        log = holding.caller.log.partition(".")[0]
        if log == "cloudtrail":
            return self.aws
        if log == "kubernetes":
            return self.cluster
        known = dict.fromkeys((*holding.principal.group.unusual, *holding.principal.group.repertoire.rare))
        return tuple(one for one in known if one.read_only != self.changes and self.words.search(one.name))


def _words(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


LOOKING: Final = Purpose(
    AWS_ENUMERATION, CLUSTER_ENUMERATION, _words("list|describe|search|enumerate|whoami|lookup|get|read|query|show")
)
SECRETS: Final = Purpose(
    AWS_SECRETS, CLUSTER_SECRETS, _words("secret|password|credential|kv|decrypt|private|key|token")
)
GRANTING: Final = Purpose(
    AWS_PRIVILEGED,
    CLUSTER_PRIVILEGED,
    _words("polic|role|binding|grant|permission|member|owner|admin|trust|consent|scope|collaborator|acl|assign"),
    changes=True,
)
COMPUTE: Final = Purpose(AWS_COMPUTE, (), _words("$^"), changes=True)
STAYING: Final = Purpose(
    AWS_PERSISTENCE,
    CLUSTER_PERSISTENCE,
    _words("key|token|password|secret|credential|login|cert|user|member|account|invit|trust|role|polic|binding|hook"),
    changes=True,
)
ISSUING: Final = Purpose(
    tuple(one for one in AWS_PRIVILEGED if one.name == "CreateAccessKey"),
    tuple(one for one in CLUSTER_PRIVILEGED if one.name == "create serviceaccounts/token"),
    _words("key|token|password|secret|credential|login|cert"),
    changes=True,
)
TAMPERING: Final = Purpose(
    AWS_TAMPERING,
    CLUSTER_TAMPERING,
    _words("log|audit|alert|monitor|retention|webhook|hook|protection|rule"),
    changes=True,
)


@dataclass(slots=True)
class InPlace:
    """The victim's workload in a thief's hands. `agent` is the user agent of his tool, "" = what the workload sends."""

    play: Play
    agent: str
    _theirs: list[Holding] = field(default_factory=list)

    @classmethod
    def of(cls, play: Play, *, agent: str | None = None) -> InPlace:
        """The workload `play` is about; without an `agent` the tool is what the thief's stealth says."""
        owner = play.victim.principal
        hidden = play.stealth not in {"S0", "S1"}
        play.goes_on = True  # nobody notices a workload that works
        tool = agent if agent is not None else "" if hidden else play.client()
        return cls(play, tool, [one for one in play.fleet.holdings if one.principal is owner])

    def held(self, second: int) -> tuple[int, Holding] | None:
        """The credential the workload holds at `second`; between two of them the moment is moved to the next one's."""
        victim = self.play.victim
        if victim.start <= second < victim.last:
            return second, victim
        now = [one for one in self._theirs if one.start <= second < one.last]
        if now:
            return second, next((one for one in now if one.workload == victim.workload), now[0])
        later = min((one for one in self._theirs if one.start > second), key=lambda one: one.start, default=None)
        if later is None:
            return None
        moved = min(later.start + self.play.fleet.between(1, 5 * MINUTE), later.last - 1)
        return (moved, later) if moved > second else None

    def context(self, holding: Holding, second: int, action: Action) -> Context:
        """What the log shows of a call from the workload."""
        ((outside, _),) = holding.habitat.contexts(self.play.fleet, [second])
        context = holding.habitat.context_of(action, outside)
        return context._replace(client=self.agent) if self.agent else context

    def do(self, seconds: Sequence[int], operations: Sequence[Operation], *, region: str = "") -> list[int]:
        """Each operation at its second; nothing once the workload is gone. The seconds at which it happened."""
        happened = []
        for second, (action, error) in zip(seconds, operations, strict=True):
            found = self.held(second)
            if found is not None:
                at, holding = found
                context = self.context(holding, at, action)
                self.play.use(
                    at, context._replace(region=region) if region else context, action, error, holding=holding
                )
                happened.append(at)
        return happened

    def do_with(self, made: Holding, seconds: Sequence[int], operations: Sequence[Operation]) -> None:
        """Each operation at its second by `made`, another credential, from where the workload calls."""
        for second, (action, error) in zip(seconds, operations, strict=True):
            if made.start <= second < made.end:
                found = self.held(second)
                where = found[1] if found else self.play.victim
                self.play.use(second, self.context(where, second, action), action, error, holding=made)

    def burst(self, count: int, longest: int) -> list[int]:
        """Seconds of `count` uses within `longest` at most, while the workload lasts."""
        play = self.play
        left = (play.victim.workload_end or play.fleet.end) - play.begin
        return play.times(count, span=max(1, min(play.span, longest, left)))


def chosen(fleet: Fleet, pool: Sequence[Action], count: int) -> list[Action]:
    """`count` of `pool` in random order, all of them before any comes again."""
    found: list[Action] = []
    while len(found) < count:
        found += [pool[at] for at in fleet.rng.permutation(len(pool)).tolist()]
    return found[:count]


def tried(play: Play, actions: Sequence[Action], *, refused: float | None = None) -> list[Operation]:
    """Actions with their outcome: a share of them is refused, less the better the thief knows the place."""
    rng, share = play.fleet.rng, _REFUSED[play.stealth] if refused is None else refused
    error = play.victim.principal.group.repertoire.denied_error
    return [
        (action, error if chance < share else "")
        for action, chance in zip(actions, rng.random(len(actions)), strict=True)
    ]


def woven(play: Play, core: Sequence[Operation]) -> list[Operation]:
    """`core` in its order, among as many of the victim's own operations as style and stealth have."""
    share = max(_COVER[play.style], _HIDING[play.stealth])
    extra = min(_MOST_COVER, round(len(core) * share / (1 - share))) if share < 1 else _MOST_COVER
    own = [(action, "") for action in play.in_profile(extra)]
    places = set(play.fleet.rng.permutation(len(core) + extra)[: len(core)].tolist())
    misuse, cover = iter(core), iter(own)
    return [next(misuse) if at in places else next(cover) for at in range(len(core) + extra)]


def issuing(play: Play) -> Action:
    """What the victim's log calls the making of a credential; only where `ISSUING` has operations for the victim."""
    return chosen(play.fleet, ISSUING.operations(play.victim), 1)[0]
