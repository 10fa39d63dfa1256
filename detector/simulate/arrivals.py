"""The log layer: a fleet's calls in the order, and in the state, in which a detector gets them.

Logs are late, each by its own delay, so records pass each other; some are very late, some come twice, and some have
lost a field. Where a workload writes its own log (`use` JSON), its clock is wrong by some seconds, always the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from detector.simulate.call import Call
from detector.simulate.fleet import Fleet
from detector.simulate.world import HOUR, MINUTE

CLIENT_CLOCK: Final = "use"  # the log whose times are those of the workload's own clock
_SECOND: Final = 1_000_000  # microseconds
_CLOUDTRAIL_SIGMA: Final = 0.5
_LATE: Final = 15 * MINUTE  # beyond this a record is very late,
_LATER: Final = HOUR  # by so much more in the mean
_REDELIVERED: Final = 5 * MINUTE  # median time until a record comes again
_LOST_ENDPOINT: Final = 0.1  # of records that came through an endpoint

Floats = npt.NDArray[np.float64]


class Delivery(NamedTuple):
    """A call as its log shows it. `arrival` is microseconds since 1970."""

    arrival: int
    call: Call


class Record(NamedTuple):
    """One record as it arrives: the log (`SOURCE` or `SOURCE.REALM`), microseconds since 1970, and its bytes."""

    log: str
    arrival: int
    data: bytes


def deliver(fleet: Fleet) -> list[Delivery]:
    """Every call of a finished fleet in order of arrival; those that come again come as they came before."""
    with fleet.chance("arrivals"):
        shown = _logged(fleet)
        arrival = _times(fleet, shown)
        again = np.flatnonzero(fleet.rng.random(len(shown)) < fleet.parameters.duplicates)
        pauses = _REDELIVERED * _SECOND * fleet.rng.lognormal(0.0, 1.0, len(again))
    which = np.concatenate([np.arange(len(shown)), again])
    when = np.concatenate([arrival, arrival[again] + 1 + pauses.astype(np.int64)])
    order = np.lexsort((which, when))
    return [Delivery(time, shown[at]) for time, at in zip(when[order].tolist(), which[order].tolist(), strict=True)]


def records(deliveries: Iterable[Delivery]) -> Iterator[Record]:
    """Deliveries as bytes."""
    for arrival, call in deliveries:
        caller = call.caller
        yield Record(caller.log, arrival, caller.render(call))


def _times(fleet: Fleet, calls: Sequence[Call]) -> npt.NDArray[np.int64]:
    """When each call's record arrives, in microseconds: after its time, by the delay of its log."""
    rng, parameters, count = fleet.rng, fleet.parameters, len(calls)
    happened = np.fromiter((call.second for call in fleet.calls), np.int64, count) * _SECOND
    by_cloudtrail = np.fromiter((call.caller.log == "cloudtrail" for call in calls), np.bool_, count)
    median = np.where(by_cloudtrail, parameters.cloudtrail_delay, parameters.delay_median)
    sigma = np.where(by_cloudtrail, _CLOUDTRAIL_SIGMA, parameters.delay_sigma)
    delay: Floats = median * np.exp(sigma * rng.standard_normal(count))
    late = rng.random(count) < parameters.late
    delay[late] = _LATE + rng.exponential(_LATER, int(late.sum()))
    return happened + (delay * _SECOND).astype(np.int64)


def _logged(fleet: Fleet) -> list[Call]:
    """The calls as their logs write them: some without their client or endpoint, some by a clock that is wrong."""
    rng, calls = fleet.rng, list(fleet.calls)
    for at in np.flatnonzero(rng.random(len(calls)) < fleet.parameters.dropped_client).tolist():
        calls[at] = calls[at]._replace(context=calls[at].context._replace(client=""))
    for at in np.flatnonzero(rng.random(len(calls)) < _LOST_ENDPOINT).tolist():
        if calls[at].context.endpoint:
            calls[at] = calls[at]._replace(context=calls[at].context._replace(endpoint=""))
    clocks = [at for at, call in enumerate(calls) if call.caller.log == CLIENT_CLOCK]
    for at, wrong in zip(clocks, _errors(fleet, [calls[at] for at in clocks]), strict=True):
        calls[at] = calls[at]._replace(second=calls[at].second + wrong)
    return calls


def _errors(fleet: Fleet, calls: Sequence[Call]) -> list[int]:
    """By how many seconds the clock behind each call is wrong: one clock a caller, or all callers of a principal."""
    clocks: dict[int, int] = {}
    whose = [clocks.setdefault(id(fleet.callers.get(id(call.caller), call.caller)), len(clocks)) for call in calls]
    wrong = fleet.rng.normal(0.0, fleet.parameters.skew, len(clocks))
    return [math.trunc(wrong[at]) for at in whose]
