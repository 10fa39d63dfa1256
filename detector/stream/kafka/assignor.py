"""Which member of a group reads which partition: rendezvous hashing with a bounded load.

Every (partition, member) pair has a score, a hash of both names; of each topic the highest scores are taken first, as
long as the member has room: a busy topic beside quiet ones is shared by all. Nothing else enters: no order of members,
no earlier assignment, no chance. So a restarted worker of the same name gets its old partitions back. When a member
leaves, its partitions move, and of the others only those that balance pushes on: 7 of 100 where four members of 32
partitions become three.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

import xxhash
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from detector.stream.base import Partition

UUID_LETTERS: Final = 36
PROTOCOL_VERSION: Final = 0


class RendezvousAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # aiokafka ships no types
    """`assign` as aiokafka calls it, on the member that leads the group. Keeps nothing: classes are shared (#1175)."""

    name = "detector-rendezvous"

    @classmethod
    def assign(cls, cluster: Any, members: Mapping[str, Any]) -> dict[str, ConsumerProtocolMemberAssignment]:
        """See `AbstractPartitionAssignor`."""
        topics = {member: set(metadata.subscription) for member, metadata in members.items()}
        partitions = [
            Partition(topic, number)
            for topic in set().union(*topics.values())
            for number in cluster.partitions_for_topic(topic) or ()
        ]
        return {
            member: ConsumerProtocolMemberAssignment(PROTOCOL_VERSION, _by_topic(owned), b"")
            for member, owned in assign(partitions, topics).items()
        }

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """See `AbstractPartitionAssignor`."""
        return ConsumerProtocolMemberMetadata(PROTOCOL_VERSION, sorted(topics), b"")

    @classmethod
    def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
        """See `AbstractPartitionAssignor`; there is nothing to remember."""


def assign(partitions: Iterable[Partition], topics: Mapping[str, AbstractSet[str]]) -> dict[str, list[Partition]]:
    """Member → its partitions in order, for every member; `topics` says what each member reads.

    Every partition of a topic that somebody reads is given to exactly one member that reads it. Of each topic the
    loads of its readers differ by one at most, and so do those of all topics together where members read the same.
    """
    names = stable_names(topics)
    every: defaultdict[str, set[Partition]] = defaultdict(set)
    for at in partitions:
        every[at.topic].add(at)
    owned: dict[str, list[Partition]] = {member: [] for member in topics}
    for topic in sorted(every):
        readers = {member: len(owned[member]) for member in topics if topic in topics[member]}
        for at, member in _of_topic(every[topic], readers, names):
            owned[member].append(at)
    return {member: sorted(mine) for member, mine in owned.items()}


def _of_topic(
    partitions: AbstractSet[Partition], readers: Mapping[str, int], names: Mapping[str, str]
) -> Iterator[tuple[Partition, str]]:
    """The partitions of one topic with their members; `readers` says how many of other topics each has already."""
    pairs = sorted(
        ((score(at, names[member]), at, names[member], member) for at in partitions for member in readers),
        key=lambda pair: (-pair[0], *pair[1:]),
    )
    room, given = _Room(len(partitions), readers), set[Partition]()
    for _, at, _, member in pairs:
        if at not in given and room.take(member):
            given.add(at)
            yield at, member


def stable_names(members: Iterable[str]) -> dict[str, str]:
    """Member id → the name that survives a restart, or the id where two members share that name.

    The broker makes the id of a member from its client id, a hyphen and a UUID.
    """
    shortened = {member: _without_uuid(member) for member in members}
    uses = Counter(shortened.values())
    return {member: name if uses[name] == 1 else member for member, name in shortened.items()}


def score(at: Partition, name: str) -> int:
    """How much a partition prefers a member: 64 bits, the same on every machine."""
    return xxhash.xxh3_64_intdigest(f"{at.topic}\0{at.number}\0{name}".encode())


class _Room:
    """How many partitions of a topic each member may still take: all the same, and one more while the rest lasts.

    The rest goes to those who have the fewest of other topics first, so that the loads of all topics stay even.
    """

    def __init__(self, partitions: int, readers: Mapping[str, int]) -> None:
        self._each, rest = divmod(partitions, max(1, len(readers)))
        fewest = min(readers.values(), default=0)
        self._first = {member for member, load in readers.items() if load == fewest}
        self._rest = {True: min(rest, len(self._first)), False: max(0, rest - len(self._first))}
        self._taken: Counter[str] = Counter()

    def take(self, member: str) -> bool:
        if self._taken[member] >= self._each:
            if self._taken[member] > self._each or not self._rest[member in self._first]:
                return False
            self._rest[member in self._first] -= 1
        self._taken[member] += 1
        return True


def _without_uuid(member: str) -> str:
    name, hyphen, uuid = member[:-UUID_LETTERS], member[-UUID_LETTERS - 1 : -UUID_LETTERS], member[-UUID_LETTERS:]
    return name[:-1] if name and hyphen == "-" and uuid.count("-") == 4 else member


def _by_topic(partitions: Iterable[Partition]) -> list[tuple[str, list[int]]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for at in partitions:
        found[at.topic].append(at.number)
    return sorted(found.items())
