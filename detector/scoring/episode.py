"""Episode: the running evidence of one principal over a tumbling day that begins with its first candidate.

Each component is a running maximum, or a capped running sum; the score is their sum (the additive log-likelihood).
New actions are summed too, each action once, up to the cap of the privilege of the use that adds.
Kind and caps are fixed when the episode opens.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detector.bundle import Bundle
from detector.domain import HOUR, KINDS
from detector.scoring.evidence import ACTION, COMPONENTS, CONCURRENCY, PATH, SUMMED
from detector.scoring.fixed import NAT


@dataclass(frozen=True, slots=True)
class Place:
    """One context of the holder in words, with its interval in seconds."""

    address: str
    client: str
    first: int
    last: int
    suspect: bool

    @property
    def words(self) -> str:
        """Address and client; private traffic and many services log neither."""
        return _words(self.address, self.client)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is usual for the principal: its home values, and how many others are known.

    `knows_provider`: it used the provider of the use before.
    """

    prefix: str
    client: str
    prefixes: int
    families: int
    action: str
    services: int
    provider: str = ""
    providers: int = 0
    knows_provider: bool = False


@dataclass(frozen=True, slots=True)
class Pod:
    """The pod whose token was used, as of the last close; empty where not known. `ended_at` in microseconds."""

    name: str  # namespace and name
    node: str
    addresses: tuple[str, ...]  # of its node, the latest first
    address_of: str  # the other node whose address the use came from
    ended_at: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row with evidence, in the words an analyst needs. Times in microseconds; `quanta` one per component."""

    quanta: tuple[int, ...]
    time: int
    append_time: int
    native_id: str
    use_index: int
    ref: str
    realm: str
    account: str
    principal: str
    session: str
    credential: str
    issuer: str
    kind: int
    actor_class: int
    address: str
    prefix: str
    client: str
    region: str
    action: str
    privilege: int  # of the action; that of a read where it was refused
    channel: str
    issued_at: int
    expires_at: int
    ended_at: int
    places: tuple[Place, ...]  # current first
    expected: Expected
    cold: bool
    holder: int
    baseline_seconds: int
    refused: int  # different actions in the hour, where the use adds one
    refused_usually: int  # in 1/100 an hour
    pod: Pod | None = None  # none where the credential is no pod's
    provider: str = ""
    environment: str = ""
    owner: str = ""

    @property
    def origin(self) -> str:
        """Address, else channel, and client."""
        return _words(self.address or self.channel, self.client)


def _words(address: str, client: str) -> str:
    return f"{address or 'unknown address'} with {client or 'unknown client'}"


@dataclass(slots=True)
class Episode:
    """Evidence of one principal since `opened` (microseconds)."""

    opened: int
    kind: int
    caps: dict[int, int]
    cold_cap: int
    action_caps: tuple[int, ...]  # by privilege
    components: list[int] = field(default_factory=lambda: [0] * len(COMPONENTS))
    strongest: dict[int, Candidate] = field(default_factory=dict)  # component → the use that held or added most
    actions: set[str] = field(default_factory=set)  # that were added

    def observe(self, use: Candidate) -> None:
        """Take in one candidate."""
        for component, quanta in enumerate(use.quanta):
            if not quanta or (component == ACTION and not self._adds_action(use)):
                continue
            if component == ACTION:
                self.components[ACTION] = min(self.components[ACTION] + quanta, self.action_caps[use.privilege])
                self.actions.add(use.action)
            elif component in SUMMED:
                cap = min(self.caps[component], self.cold_cap) if use.cold else self.caps[component]
                before = self.components[component]
                self.components[component] = max(before, min(before + quanta, cap))
            else:
                self.components[component] = max(self.components[component], quanta)
            held = self.strongest.get(component)
            if held is None or quanta > held.quanta[component]:
                self.strongest[component] = use

    def _adds_action(self, use: Candidate) -> bool:
        return use.action not in self.actions and self.components[ACTION] < self.action_caps[use.privilege]

    @property
    def score(self) -> int:
        """Additive log-likelihood ratio in quanta."""
        return sum(self.components)

    def kinds(self) -> frozenset[str]:
        """Components that hold at least one nat."""
        return frozenset(name for name, quanta in zip(COMPONENTS, self.components, strict=True) if quanta >= NAT)


class Episodes:
    """Open episodes by principal key, at most `most` of them at a close: minting principals must not cost memory."""

    def __init__(self, bundle: Bundle, most: int = 100_000) -> None:
        self._most = most
        self.open: dict[int, Episode] = {}
        self.decide_by(bundle)

    def decide_by(self, bundle: Bundle) -> None:
        """Take up another bundle; open episodes keep their kind and caps."""
        self._bundle = bundle
        self._length = bundle.episode.hours * HOUR

    def observe(self, principal: int, use: Candidate) -> Episode:
        """The episode of `principal` after `use`; a new one when the old one's day is over."""
        episode = self.open.get(principal)
        if episode is None or use.time >= episode.opened + self._length:
            episode = self.open[principal] = self._begin(use)
        episode.observe(use)
        return episode

    def _begin(self, use: Candidate) -> Episode:
        priors = self._bundle.concurrency
        caps = {CONCURRENCY: round(priors.cap.of(KINDS[use.kind]) * NAT), PATH: round(priors.path_cap * NAT)}
        actions = tuple(round(cap * NAT) for cap in self._bundle.action.cap.values)
        return Episode(use.time, use.kind, caps, round(priors.cold_cap * NAT), actions)

    def expire(self, watermark: int) -> None:
        """At a close: forget episodes whose day is over, and the weakest when there are too many."""
        gone = [key for key, one in self.open.items() if one.opened + self._length < watermark]
        for principal in gone:
            del self.open[principal]
        if len(self.open) > self._most:
            weakest = sorted(self.open, key=lambda key: (self.open[key].score, self.open[key].opened, key))
            for principal in weakest[: len(self.open) - self._most * 15 // 16]:
                del self.open[principal]
