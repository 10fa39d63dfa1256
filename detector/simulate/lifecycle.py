"""How credentials live: workloads come and go, leases are renewed, keys rotated, tokens fetched when there is work.

Each function lets one principal work with credentials of one kind through the simulated time, remembers every holding
so that it can be stolen, and logs what is said about the credential itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from detector.simulate.call import Action, Context
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Habitat, Holding, Principal
from detector.simulate.formats.use import Identity, Statement
from detector.simulate.populations.base import schedule
from detector.simulate.world import DAY, HOUR

Mint = Callable[[int], Identity]  # a fresh credential, issued at a second
Obtained = Callable[[Holding, Context], None]  # says in the log how a token was got
_ROTATED: Final = 0.25 / 90  # of keys, a day
_KEPT: Final = 0.1  # of rotated keys, that nobody withdraws
_NEW_MEMBER: Final = 0.3  # of shared keys: a workload begins to share it in the middle of the run
_LONG: Final = 400 * DAY


def holding(owner: Principal, identity: Identity, start: int, end: int, habitat: Habitat, **times: int) -> Holding:
    """A holding of what `identity` calls by; `times` are `until` and `workload_end`."""
    return Holding(
        owner, identity, identity.credential, identity.kind, start, end, habitat, workload=identity.session,
        session=identity.session, **times,
    )  # fmt: skip


def state(
    fleet: Fleet,
    owner: Principal,
    second: int,
    said: Identity,
    action: Action,
    context: Context,
    *,
    activity: Statement | None = None,
    churn: str = "",
) -> None:
    """A row that states something about a credential of `owner`; a silenced owner does not state it."""
    caller = said if activity is None else said.stating(activity)
    if fleet.start <= second < fleet.end:
        fleet.callers[id(caller)] = owner  # the logged call keeps the caller alive, and its id taken
        fleet.call(second, caller, action, context, churn=churn)


def lifetimes(fleet: Fleet, owner: Principal, days: float, sigma: float = 0.8) -> Iterator[tuple[int, int]]:
    """(start, end) of an owner's workloads, one after another, of `days` in the median."""
    start = max(fleet.start - fleet.between(0, days * DAY), owner.since)
    while start < fleet.end:
        end = start + max(int(HOUR / 2), int(days * DAY * fleet.rng.lognormal(0.0, sigma)))
        yield start, end
        start = end - fleet.between(0, 60)


def serve(fleet: Fleet, held: Holding, *, news: str = "", news_until: int = 0, share: float = 1.0) -> Holding:
    """Remember a holding and let its holder do `share` of the work; it is unusual by `news` until `news_until`."""
    fleet.hold(held)
    for seconds, churn in schedule(fleet, held.principal, held.start, held.last, share):
        cut = 0 if churn else bisect_left(seconds, news_until)
        fleet.work(held, seconds[:cut], churn=news)
        fleet.work(held, seconds[cut:], churn=churn)
    return held


def tokens(
    fleet: Fleet,
    owner: Principal,
    habitat: Habitat,
    span: tuple[int, int],
    life: int,
    mint: Mint,
    *,
    obtained: Obtained | None = None,
    workload_end: int = 0,
) -> None:
    """Tokens good for `life` seconds, fetched when there is work in `span` and kept until they are old."""
    for seconds, churn in schedule(fleet, owner, *span):
        contexts = habitat.contexts(fleet, seconds)
        done = owner.group.repertoire.done(fleet.rng, seconds)
        held: Holding | None = None
        for second, (context, moved), one in zip(seconds, contexts, done, strict=True):
            if held is None or second >= held.end - 10:
                begin = second - fleet.between(1, 4)
                held = fleet.hold(holding(owner, mint(begin), begin, begin + life, habitat, workload_end=workload_end))
                if obtained:
                    obtained(held, context)
            fleet.call(second, held.caller, one.action, context, error=one.error, churn=churn or moved or one.churn)


def lease(
    fleet: Fleet,
    owner: Principal,
    habitat: Habitat,
    identity: Identity,
    span: tuple[int, int],
    life: int,
    renew: Action,
) -> Holding:
    """One token that its workload renews at two thirds of its `life`, from `span`'s beginning to its end."""
    start, end = span
    step = 2 * life // 3
    first = start + step * max(1, (fleet.start - start) // step)
    moments = range(first, min(end, fleet.end), step)
    for second, (context, churn) in zip(moments, habitat.contexts(fleet, moments), strict=True):
        longer = identity.stating("renew", expires_at=second + life)
        state(fleet, owner, second, longer, renew, context, churn=churn)
    ends = start + step * ((end - start - 1) // step) + life
    return serve(fleet, holding(owner, identity, start, ends, habitat, until=end, workload_end=end))


def keys(
    fleet: Fleet,
    owner: Principal,
    habitat: Habitat,
    mint: Mint,
    *,
    withdraw: Action,
    desk: Context,
    shared: Sequence[Egress] = (),
) -> list[Holding]:
    """A key without an end: now and then rotated with an overlap, and sometimes shared by further workloads."""
    start = max(fleet.start - fleet.between(DAY, _LONG), owner.since)
    rotations = fleet.arrivals(max(start, fleet.start), fleet.end, _ROTATED)[:1]
    made: list[Holding] = []
    share = 1 / (1 + len(shared))
    for until in (*rotations, 0):
        identity = mint(start)
        end = fleet.end + _LONG
        if until and fleet.rng.random() > _KEPT:
            end = until + fleet.between(HOUR, 7 * DAY)
            state(fleet, owner, end, identity, withdraw, desk, activity="revoke")
        held = holding(owner, identity, start, end, habitat, until=until)
        made.append(serve(fleet, held, news="rotation", news_until=start + DAY if made else 0, share=share))
        start = until
    for egress in shared:
        _share(fleet, made[-1], egress, share)
    return made


def _share(fleet: Fleet, held: Holding, egress: Egress, share: float) -> None:
    """Another workload uses the same key, from another place."""
    begins = held.start
    if fleet.rng.random() < _NEW_MEMBER:
        begins = fleet.between(max(fleet.start, held.start), fleet.end)
    fleet.story["keys shared"] += 1
    serve(
        fleet,
        replace(held, habitat=replace(held.habitat, egress=egress), start=begins),
        news="new_member",
        news_until=begins + DAY,
        share=share,
    )


def desk(fleet: Fleet, egress: Egress, agent: str) -> Context:
    """Somebody at a desk behind `egress`, with a tool."""
    addresses = egress.at(fleet.start).addresses
    return Context(addresses[fleet.between(0, len(addresses))], agent, egress.region, egress.endpoint)
