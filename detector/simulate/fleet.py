"""The labelled fleet of one tenant while it is simulated: who works in it, who holds which credential, what was stolen.

| word | meaning |
|---|---|
| group | workloads that do the same job: an owner path, a repertoire, a client that moves on with releases |
| principal | one workload identity of a group, with its own rhythm |
| habitat | where a workload's uses come from: a way out, and the client of the release it runs |
| holding | one credential in the hands of one workload, from when until when: the thing that can be stolen |
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from detector.simulate.addresses import REGIONS, AddressPlan
from detector.simulate.call import BENIGN, Action, Call, Caller, Context
from detector.simulate.egress import Egress
from detector.simulate.habits import Releases, Repertoire, Rhythm
from detector.simulate.parameters import Parameters
from detector.simulate.surroundings import Surroundings, observe
from detector.simulate.truth import Theft
from detector.simulate.world import World

_THROUGH_GATEWAYS = frozenset({"s3", "dynamodb"})  # the services that have gateway endpoints
_KEY_LETTERS = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
_KEYS_AT_ONCE = 1024


@dataclass(slots=True, eq=False)
class Group:
    """Workloads that do the same job. `path` is the owner path, such as `/payments/`."""

    realm: str
    path: str
    kind: str
    repertoire: Repertoire
    releases: Releases
    owner: str = ""
    environment: str = "production"
    unusual: tuple[Action, ...] = ()  # what a stranger tries, in the words of the group's log; empty = as in AWS
    tools: tuple[str, ...] = ()  # user agents of what people run there; empty = as in AWS
    sdks: tuple[str, ...] = ()  # and of what workloads run there


@dataclass(slots=True, eq=False)
class Principal:
    """One workload identity. `name` is what the detector calls the principal; `since` (seconds) when it appeared."""

    name: str
    group: Group
    rhythm: Rhythm
    since: int = 0

    @property
    def realm(self) -> str:
        """Home scope of the principal."""
        return self.group.realm


@dataclass(frozen=True, slots=True, eq=False)
class Habitat:
    """Where a workload's uses come from. `release` (seconds) pins the client to what was current then; 0 = follows."""

    egress: Egress
    releases: Releases
    release: int = 0
    marker: str = ""  # what the environment appends to the user agent, such as ` exec-env/AWS_Lambda_python3.12`
    inside: Egress | None = None  # the way to storage through a gateway endpoint, where there is one

    def contexts(self, fleet: World, seconds: Sequence[int]) -> list[tuple[Context, str]]:
        """Context and benign cause of uses at `seconds`, which are in order."""
        egress = self.egress
        agent, news = self.releases.at(self.release)
        found = []
        for second, (address, churn) in zip(seconds, egress.addresses(fleet.rng, seconds), strict=True):
            if not self.release:
                agent, news = self.releases.at(second)
            context = Context(address, agent + self.marker, egress.region, egress.endpoint)
            found.append((context, churn or news))
        return found

    def context_of(self, action: Action, context: Context) -> Context:
        """`context`, or that of the gateway endpoint for what goes through it."""
        if self.inside is None or action.service not in _THROUGH_GATEWAYS:
            return context
        return context._replace(address=self.inside.spans[0].addresses[0], endpoint=self.inside.endpoint)


@dataclass(frozen=True, slots=True, eq=False)
class Holding:
    """One credential in the hands of one workload, good in [start, end). Times in seconds.

    Its holder uses it until `until` (0 = `end`), then has the next one. `workload` (an instance, a pod, a job) is gone
    at `workload_end`; 0 = it outlives the simulation, or there is none.
    """

    principal: Principal
    caller: Caller
    credential: str
    kind: str
    start: int
    end: int
    habitat: Habitat
    until: int = 0
    workload: str = ""
    workload_end: int = 0
    session: str = ""

    @property
    def last(self) -> int:
        """When its holder has ceased to use it."""
        return min(second for second in (self.end, self.until, self.workload_end) if second)


@dataclass(slots=True)
class Fleet(World):
    """One tenant."""

    parameters: Parameters = field(default_factory=Parameters)
    seeds: tuple[int, ...] = (0,)
    plan: AddressPlan = field(init=False)
    name: str = "tenant"
    groups: list[Group] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    uplinks: list[tuple[str, ...]] = field(default_factory=list)  # addresses of each office, as of the start
    thefts: list[Theft] = field(default_factory=list)
    silenced: list[tuple[Principal, int, int]] = field(default_factory=list)
    callers: dict[int, Principal] = field(default_factory=dict)  # id of a caller → whose it is
    stolen: set[int] = field(default_factory=set)  # ids of the principals that somebody has stolen from
    _surroundings: Surroundings | None = None
    _attributed: list[Caller] = field(default_factory=list)
    _keys: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Draw whose addresses the tenant has."""
        self.plan = AddressPlan(self.rng)

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions the tenant works in."""
        return REGIONS[: self.parameters.regions]

    @contextmanager
    def chance(self, name: str) -> Iterator[None]:
        """Inside, chance is that of `name`: what one part draws changes nobody else's events."""
        before = self.rng, self._event_ids, self._keys
        self.rng, self._event_ids, self._keys = np.random.default_rng([*self.seeds, zlib.crc32(name.encode())]), [], []
        self.plan.rng = self.rng
        try:
            yield
        finally:
            self.rng, self._event_ids, self._keys = before
            self.plan.rng = self.rng

    def key(self, prefix: str = "ASIA") -> str:
        """See `World.key`; many are drawn at once."""
        if not self._keys:
            letters = "".join(_KEY_LETTERS[self.rng.integers(32, size=9 * _KEYS_AT_ONCE)].tolist())
            self._keys = [letters[at : at + 9] for at in range(0, len(letters), 9)]
        return f"{prefix}{self._keys.pop()}EXAMPLE"

    @property
    def surroundings(self) -> Surroundings:
        """What benign callers did until somebody first looked, which is when all of them have lived."""
        if self._surroundings is None:
            owners = {caller: (id(owner), owner.group.kind) for caller, owner in self.callers.items()}
            ways_out = ((id(one.habitat.egress), id(one.principal), one.last) for one in self.holdings)
            self._surroundings = observe(self.calls, owners, ways_out)
        return self._surroundings

    def hold(self, holding: Holding) -> Holding:
        """Remember a holding, so that it can be stolen."""
        self.holdings.append(holding)
        self.callers[id(holding.caller)] = holding.principal
        return holding

    def attribute(self, caller: Caller, principal: Principal) -> None:
        """What `caller` does is the principal's doing, though it holds no credential: a job that logs in."""
        self.callers[id(caller)] = principal
        self._attributed.append(caller)  # so that its id stays its own

    def work(self, holding: Holding, seconds: Sequence[int], *, churn: str = "") -> None:
        """Let the holder use the credential at `seconds` (in order), as its group does; `churn` marks all of it."""
        self.take_turns([(holding, seconds)], churn=churn)

    def take_turns(self, shifts: Sequence[tuple[Holding, Sequence[int]]], *, churn: str = "") -> None:
        """The same for several credentials of one principal, each at its own seconds; faster than one by one."""
        shifts = [(holding, seconds) for holding, seconds in shifts if seconds]
        if not shifts:
            return
        repertoire = shifts[0][0].principal.group.repertoire
        done = iter(repertoire.done(self.rng, [second for _, seconds in shifts for second in seconds]))
        for holding, seconds in shifts:
            caller, habitat = holding.caller, holding.habitat
            for second, (outside, moved) in zip(seconds, habitat.contexts(self, seconds), strict=True):
                one = next(done)
                context = habitat.context_of(one.action, outside)
                self.call(second, caller, one.action, context, error=one.error, churn=churn or moved or one.churn)

    def silence(self, principal: Principal, start: int, end: int) -> None:
        """The owner stops in [start, end): its benign calls there are taken back when the fleet is done."""
        self.silenced.append((principal, start, end))

    def finish(self) -> None:
        """Take back what silenced owners did not do, and sort the calls by time and event id."""
        quiet: dict[int, list[tuple[int, int]]] = {}
        for principal, start, end in self.silenced:
            quiet.setdefault(id(principal), []).append((start, end))
        if quiet:
            self.calls = [call for call in self.calls if not self._is_silenced(call, quiet)]
        self.calls.sort(key=lambda call: (call.second, call.event_id))

    def _is_silenced(self, call: Call, quiet: dict[int, list[tuple[int, int]]]) -> bool:
        principal = self.callers.get(id(call.caller))
        if call.theft != BENIGN or principal is None:
            return False
        return any(start <= call.second < end for start, end in quiet.get(id(principal), ()))
