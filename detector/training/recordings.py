"""Recorded attacks as scenarios, for victims that have the history which published detonations lack.

Of the recording only the sequence of operations, the gaps between them, error codes and the shape of requests are
kept. Account, caller, key, address, client and time are those of a holding of a fleet and of a thief who has a place.
What his tool polls is his doing as well. A session that the recording assumes with the first key is assumed in the
fleet, of a role that exists there.

| stealth | the thief |
|---|---|
| S0 | a rented machine or a home, with a tool |
| S1 | the victim's cloud and region, with an SDK |
| S3 | the victim's own workload and its client: only what is done gives it away |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Literal

import msgspec
import numpy as np

from detector.simulate import minted
from detector.simulate.call import Action
from detector.simulate.fleet import Fleet, Holding
from detector.simulate.misuse import InPlace
from detector.simulate.parameters import draw
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario, moment
from detector.simulate.tenant import simulate
from detector.simulate.truth import Stealth
from detector.training.corpora import CLOUDTRAIL, Case

PLACES: Final[dict[Stealth, str]] = {"S0": "rented machine", "S1": "victim's cloud", "S3": "victim's workload"}

VICTIMS: Final = 2  # of each recording and place in one fleet

_SEED: Final = 0x6772_6166  # "graf": fleets that nothing else is measured on
_TOOL: Final = "stratus-red-team"  # in the names of what it set up before
_DATES: Final = datetime.fromisoformat


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded call, `after` seconds after the first, by key number `key`; `assumes` = the key it hands out."""

    after: int
    key: int
    action: Action
    error: str
    assumes: int = 0


@dataclass(frozen=True, slots=True)
class Recording:
    """The steps of one technique, in order of time; `account` is where they were recorded."""

    technique: str
    account: str
    steps: tuple[Step, ...]

    @property
    def span(self) -> int:
        """Seconds from the first step to the last."""
        return self.steps[-1].after

    @property
    def assumes(self) -> bool:
        """Whether a role is assumed on the way."""
        return any(step.assumes for step in self.steps)


def recording_of(case: Case) -> Recording | None:
    """The recording of a CloudTrail case; None where a call was made without a key, which nobody can steal."""
    calls: list[dict[str, Any]] = [msgspec.json.decode(one.data) for one in case.records if one.log == CLOUDTRAIL]
    calls.sort(key=lambda call: str(call["eventTime"]))
    keys = [str((call.get("userIdentity") or {}).get("accessKeyId", "")) for call in calls]
    used = list(dict.fromkeys(keys))
    if not calls or "" in used:
        return None
    first, account = _DATES(calls[0]["eventTime"]), str(calls[0]["recipientAccountId"])
    steps = []
    for call, key in zip(calls, keys, strict=True):
        request = msgspec.json.encode(call.get("requestParameters")).decode().replace(_TOOL, "app")
        service = str(call["eventSource"]).removesuffix(".amazonaws.com")
        issued = ((call.get("responseElements") or {}).get("credentials") or {}).get("accessKeyId", "")
        steps.append(
            Step(
                int((_DATES(call["eventTime"]) - first).total_seconds()),
                used.index(key),
                Action(service, str(call["eventName"]), bool(call.get("readOnly")), request),
                str(call.get("errorCode", "")),
                used.index(issued) if issued in used else 0,
            )
        )
    return Recording(case.name, account, tuple(steps))


def graft(recording: Recording) -> Scenario:
    """The recording as a scenario, which is played on CloudTrail credentials that have a week of history."""
    technique = recording.technique

    class Graft(Scenario):
        """See the module."""

        name: ClassVar[str] = technique
        title: ClassVar[str] = technique
        description: ClassVar[str] = "A recorded detonation on a simulated victim."
        family: ClassVar[Literal["replay", "scope"]] = "scope"
        techniques: ClassVar[tuple[str, ...]] = ()
        stealths: ClassVar[tuple[Stealth, ...]] = tuple(PLACES)
        kinds: ClassVar[tuple[str, ...]] = ("aws.access-key", "aws.session")

        def begin(self, fleet: Fleet, holding: Holding) -> int | None:
            """See `Scenario.begin`; the credential is good until the last step."""
            if recording.assumes and not minted.can_assume(fleet, holding, elsewhere=False):
                return None
            return moment(fleet, max(holding.start, holding.principal.since), holding.last - recording.span)

        def play(self, play: Play) -> None:
            """See `Scenario.play`."""
            _play(play, recording)

    return Graft()


def _play(play: Play, recording: Recording) -> None:
    victim = play.victim
    workload = InPlace.of(play, agent="") if play.stealth == "S3" else None
    outside = play.context()
    held = {0: victim}
    for step in recording.steps:
        second = play.begin + step.after
        request = step.action.request.replace(recording.account, victim.principal.realm)
        action = step.action._replace(request=request)
        context = workload.context(victim, second, action) if workload else outside
        if step.assumes:
            held[step.assumes] = minted.assume(play, held[step.key], second, context)
        else:
            play.use(second, context, action, step.error, holding=held[step.key])


def fleet_of(recordings: Sequence[Recording], number: int, **chosen: float) -> Fleet:
    """Fleet `number` (0 and up), in which each recording is played on `VICTIMS` from each place."""
    seeds = (_SEED, number)
    parameters = draw("test", "ordinary", np.random.default_rng(seeds), **chosen)
    return simulate(parameters, seeds, VICTIMS, name=f"g{number:02}", scenarios=[graft(one) for one in recordings])
