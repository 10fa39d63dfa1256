"""The topics that settings need: what each must be like, how that differs from what is there, who needs which rights.

Pure: what is there is an argument. `stream/kafka/admin.py` asks the broker, `cli/topics.py` shows and applies.

Nobody but the named parts may write `uses`, `control` and `alerts`: detect believes every row it reads. Who writes
`uses` can end workloads, teach it a thief's habits, or drown it; who writes `control` can declare incidents benign and
switch detections off; who writes `alerts` can page people, and have credentials revoked.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from detector.settings import Kafka
from detector.stream.kafka.admin import NewTopic, Topic

USES_PARTITIONS: Final = 8
USES_DAYS: Final = 14
ALERTS_DAYS: Final = 365
DEAD_LETTERS_DAYS: Final = 30
RAW_DAYS: Final = 1
_DAY: Final = 86_400_000  # milliseconds, as all times of topics
_MOST_REPLICAS: Final = 3

_REALMS_MOVE: Final = (
    "a realm stays in the partition where it was learnt, and with another number most realms would move away from what "
    "is known of them; make a new topic of that many, name it in kafka.uses, and let detect learn anew"
)
_ONE_ORDER: Final = "its order is that in which people are obeyed; make a new topic of one partition"

Action: TypeAlias = Literal["create", "set", "refused", "warning"]
DONE: Final[frozenset[Action]] = frozenset({"create", "set"})  # what `apply` does


@dataclass(frozen=True, slots=True)
class Rule:
    """What a setting of a topic must be, and why: exactly `value`, or a number that is `at_least` it (-1: no limit)."""

    value: str
    reason: str
    at_least: bool = False

    def holds(self, found: str) -> bool:
        """Whether `found` will do."""
        return found == self.value or (self.at_least and _limit(found) >= _limit(self.value))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic of ours as it should be. `fixed` says why no other number of partitions will do; empty: any will."""

    name: str
    purpose: str
    partitions: int
    replication: int
    rules: Mapping[str, Rule]
    fixed: str = ""

    @property
    def new(self) -> NewTopic:
        """As the broker is asked to make it."""
        config = {key: rule.value for key, rule in self.rules.items()}
        return NewTopic(self.name, self.partitions, self.replication, config)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as wanted. `what` is `topic`, `partitions`, `replication` or a setting of the topic.

    `create` and `set` (to `expected`) are done by `apply`; what is `refused` is not ours to do, and `reason` says whose
    it is or why not; a `warning` may stay.
    """

    topic: str
    what: str
    found: str
    expected: str
    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class Right:
    """What one part of the detector may do, with one topic or group, or (`prefixed`) all whose names begin so."""

    role: str
    principal: str
    resource: Literal["topic", "group"]
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False


# -- what is wanted ----------------------------------------------------------------------------------------------------


def wanted_topics(
    kafka: Kafka,
    brokers: int,
    *,
    partitions: int | None = None,
    replication: int | None = None,
    retention_days: int = USES_DAYS,
) -> list[Wanted]:
    """The topics of ours, for a cluster of so many brokers.

    `partitions` and `retention_days` are those of `uses`. Without `partitions` a new one gets `USES_PARTITIONS` and one
    that exists keeps its own; without `replication` there are three replicas, or one on each broker.
    """
    copies = replication or min(_MOST_REPLICAS, brokers)
    rebuilt = "detect rebuilds all it knows from the rows retained here, until there are checkpoints"
    packed = {"compression.type": Rule("uncompressed", "blocks are compressed already")}

    def topic(name: str, purpose: str, rules: dict[str, Rule], count: int = 1, fixed: str = "") -> Wanted:
        return Wanted(name, purpose, count, copies, rules | _kept(copies), fixed)

    return [
        topic(
            kafka.uses,
            "rows in blocks, by realm: ingest to detect",
            _log(retention_days, rebuilt) | packed,
            partitions or USES_PARTITIONS,
            _REALMS_MOVE if partitions else "",
        ),
        topic(
            kafka.alerts,
            "alerts by incident: detect to deliver and respond",
            _log(ALERTS_DAYS, "alerts are few, and are looked up long after"),
        ),
        topic(kafka.control, "what people say: feedback, modes, models", _last_words(), 1, _ONE_ORDER),
        topic(
            kafka.dead_letters,
            "places and reasons of what was rejected or could not be delivered",
            _log(DEAD_LETTERS_DAYS, "time to find out why"),
        ),
    ]


def _last_words() -> dict[str, Rule]:
    """Rules of a topic that keeps the last record of each key for ever."""
    closed = "only closed segments are compacted, and this topic grows slowly"
    return {
        "cleanup.policy": Rule("compact", "the last word on each incident and model counts for ever"),
        "segment.bytes": Rule(str(16 << 20), closed),
        "segment.ms": Rule(str(_DAY), closed),
    }


def _log(days: int, reason: str) -> dict[str, Rule]:
    """Rules of a topic that keeps everything for so many days."""
    return {
        "cleanup.policy": Rule("delete", "compaction would remove records that are no repeats"),
        "retention.ms": Rule(str(days * _DAY), reason, at_least=True),
        "retention.bytes": Rule("-1", "a limit by size would keep a busy week for a shorter time"),
    }


def _kept(copies: int) -> dict[str, Rule]:
    """Rules of every topic of ours: what was acknowledged stays, at a time and in a size that we can rely on."""
    return {
        "message.timestamp.type": Rule("LogAppendTime", "the time of a record must not be its producer's choice"),
        "max.message.bytes": Rule("1048588", "a block or an alert has up to a megabyte", at_least=True),
        "min.insync.replicas": Rule(
            str(max(1, min(2, copies - 1))), "what is acknowledged must survive the loss of a broker", at_least=True
        ),
        "unclean.leader.election.enable": Rule("false", "a replica that lags would lose what was acknowledged"),
    }


# -- what differs ------------------------------------------------------------------------------------------------------


def compare(wanted: Sequence[Wanted], raw: Sequence[str], found: Mapping[str, Topic]) -> list[Difference]:
    """How the topics that were `found` differ from those wanted, ours first; `raw` are the names of the raw topics."""
    differences: list[Difference] = []
    for topic in wanted:
        there = found.get(topic.name)
        if there is None:
            size = f"{topic.partitions} x {topic.replication} (partitions x replicas)"
            differences.append(Difference(topic.name, "topic", "none", size, "create", topic.purpose))
        else:
            differences += [*_size(topic, there), *_settings(topic, there)]
    if not raw:
        reason = "ingest has nothing to read: name the topics of your logs in the settings"
        differences.append(Difference("kafka.raw", "topic", "none", "at least one", "warning", reason))
    for name in raw:
        differences += _raw(name, found.get(name))
    return differences


def is_wanted(differences: Sequence[Difference]) -> bool:
    """Whether all is as wanted, but for warnings."""
    return all(difference.action == "warning" for difference in differences)


def _size(wanted: Wanted, found: Topic) -> Iterator[Difference]:
    if wanted.fixed and found.partitions != wanted.partitions:
        yield Difference(
            found.name, "partitions", str(found.partitions), str(wanted.partitions), "refused", wanted.fixed
        )
    if found.replication < wanted.replication:
        reason = "replicas are moved between brokers by whoever runs them: kafka-reassign-partitions.sh"
        yield Difference(
            found.name, "replication", str(found.replication), f"at least {wanted.replication}", "refused", reason
        )


def _settings(wanted: Wanted, found: Topic) -> Iterator[Difference]:
    rules = {**wanted.rules, **_kept(found.replication)}  # as many in sync as there are replicas, not as were wanted
    for key, rule in rules.items():
        value = found.config.get(key, "")
        too_many = key == "min.insync.replicas" and _limit(value) > found.replication  # nothing could be written
        if too_many or not rule.holds(value):
            yield Difference(found.name, key, value or "none", rule.value, "set", rule.reason)


def _raw(name: str, found: Topic | None) -> Iterator[Difference]:
    """What is to be said of a raw topic; it is never ours to change."""
    if found is None:
        reason = "raw topics belong to whoever writes the logs: have it made, or correct kafka.raw"
        yield Difference(name, "topic", "none", "a topic", "refused", reason)
        return
    rules = {
        "message.timestamp.type": Rule(
            "LogAppendTime", "else a producer's clock, or a liar, decides what is late and when a source is silent"
        ),
        "retention.ms": Rule(
            str(RAW_DAYS * _DAY), "an outage of ingest that lasts longer loses records", at_least=True
        ),
    }
    for key, rule in rules.items():
        value = found.config.get(key, "")
        if not rule.holds(value):
            expected = f"at least {rule.value}" if rule.at_least else rule.value
            yield Difference(name, key, value or "none", expected, "warning", rule.reason)
    if "compact" in found.config.get("cleanup.policy", ""):
        reason = "compaction removes all but the last record of a key, whether it was read or not"
        yield Difference(name, "cleanup.policy", found.config["cleanup.policy"], "delete", "warning", reason)


def _limit(value: str) -> float:
    """A number as a limit: -1 is none at all, a text that is no number is the tightest."""
    try:
        number = int(value)
    except ValueError:
        return float("-inf")
    return float("inf") if number == -1 else number


# -- who needs which rights --------------------------------------------------------------------------------------------


def rights(kafka: Kafka) -> list[Right]:
    """The least rights of each part. Principals are `User:GROUP-ROLE`: put in whatever your brokers call them.

    Brokers before Kafka 2.8 also want IdempotentWrite on the cluster of whoever writes.
    """
    read, write = ("Read", "Describe"), ("Write", "Describe")
    group = kafka.group
    uses, alerts, control, dead = kafka.uses, kafka.alerts, kafka.control, kafka.dead_letters
    topics: dict[str, list[tuple[str, tuple[str, ...]]]] = {
        "ingest": [*((name, read) for name in [*kafka.raw, control]), (uses, write), (dead, write)],
        "detect": [(uses, read), (alerts, write)],
        "deliver": [(alerts, read), (dead, write)],
        "respond": [(control, write)],
        "feedback": [(control, write)],
        "topics": [
            *((name, ("Create", "Describe", "DescribeConfigs", "AlterConfigs")) for name in (alerts, control, dead)),
            (uses, ("Create", "Describe", "DescribeConfigs", "AlterConfigs", "Read")),
            *((name, ("Describe", "DescribeConfigs")) for name in kafka.raw),
        ],
    }
    groups = {"ingest": (f"{group}-ingest", False), "detect": (f"{group}-detect", False)}
    groups["deliver"] = (f"{group}-deliver-", True)
    found = []
    for role, named in topics.items():
        principal = f"User:{group}-{role}"
        found += [Right(role, principal, "topic", name, operations) for name, operations in named]
        if role in groups:
            name, prefixed = groups[role]
            found.append(Right(role, principal, "group", name, ("Read",), prefixed))
    return found


def acl_command(right: Right, bootstrap: str) -> str:
    """The right as a command of Kafka's own tools; `admin.properties` is how an administrator shows who they are."""
    words = ["kafka-acls.sh", "--bootstrap-server", bootstrap, "--command-config", "admin.properties", "--add"]
    words += ["--allow-principal", right.principal]
    words += [word for operation in right.operations for word in ("--operation", operation)]
    words += [f"--{right.resource}", right.name]
    words += ["--resource-pattern-type", "prefixed"] if right.prefixed else []
    return shlex.join(words)
