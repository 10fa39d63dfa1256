"""Episode: the running evidence of one principal over a tumbling day that begins with its first candidate.

Each component is a running maximum, or a capped running sum; the score is their sum (the additive log-likelihood).
Kind and caps are fixed when the episode opens.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detector.bundle import Bundle
from detector.domain import HOUR, KINDS
from detector.scoring.evidence import COMPONENTS, CONCURRENCY, PATH, SUMMED
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
    """Where the principal usually is: its home values, and how many others are known."""

    prefix: str
    client: str
    prefixes: int
    families: int


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
    channel: str
    issued_at: int
    expires_at: int
    ended_at: int
    places: tuple[Place, ...]  # current first
    expected: Expected
    cold: bool
    baseline_seconds: int

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
    components: list[int] = field(default_factory=lambda: [0] * len(COMPONENTS))
    strongest: dict[int, Candidate] = field(default_factory=dict)  # component → the use that held or added most

    def observe(self, use: Candidate) -> None:
        """Take in one candidate."""
        for component, quanta in enumerate(use.quanta):
            if not quanta:
                continue
            if component in SUMMED:
                cap = min(self.caps[component], self.cold_cap) if use.cold else self.caps[component]
                before = self.components[component]
                self.components[component] = max(before, min(before + quanta, cap))
            else:
                self.components[component] = max(self.components[component], quanta)
            held = self.strongest.get(component)
            if held is None or quanta > held.quanta[component]:
                self.strongest[component] = use

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
        self._bundle = bundle
        self._most = most
        self._length = bundle.episode.hours * HOUR
        self.open: dict[int, Episode] = {}

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
        return Episode(use.time, use.kind, caps, round(priors.cold_cap * NAT))

    def expire(self, watermark: int) -> None:
        """At a close: forget episodes whose day is over, and the weakest when there are too many."""
        gone = [key for key, one in self.open.items() if one.opened + self._length < watermark]
        for principal in gone:
            del self.open[principal]
        if len(self.open) > self._most:
            weakest = sorted(self.open, key=lambda key: (self.open[key].score, self.open[key].opened, key))
            for principal in weakest[: len(self.open) - self._most * 15 // 16]:
                del self.open[principal]
