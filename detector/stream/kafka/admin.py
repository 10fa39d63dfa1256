"""Topics as a broker has them: described, created, configured.

What of aiokafka this path can meet, and why it does no harm here:

* A metadata request that names a topic may create it → topics are found by listing all.
* `AlterConfigs` replaces all that is set on a topic, and its successor is not spoken → what is set is read first and
  sent along; whoever else configures the same topic in the same moment may be overwritten.
* Answers carry their error codes inside → every one is looked at.
* The administrator's client has no background task, and is closed in bounded time whatever happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin import NewTopic as _NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from detector.errors import ConfigError, DetectorError
from detector.stream.kafka.connection import Connection, ended, listed

_SET_ON_THE_TOPIC: Final = 1  # `config_source` of DescribeConfigs: said of this topic, not inherited from its broker
_REFUSED: Final = (
    kafka_errors.InvalidConfigurationError,
    kafka_errors.InvalidPartitionsError,
    kafka_errors.InvalidReplicationFactorError,
    kafka_errors.InvalidTopicError,
    kafka_errors.PolicyViolationError,
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it is. `config` is what is in force, by name; `own` are those of it that were set on the topic."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic as it is to be made."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


class KafkaAdmin:
    """`async with KafkaAdmin(connection) as admin:`. Every method raises StreamUnavailable or ConfigError.

    The broker must be Kafka 1.1 (2018) or newer.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client: Any = None

    async def __aenter__(self) -> Self:
        self._client = AIOKafkaAdminClient(**self._connection.arguments())
        try:
            await self._connection.start(self._client)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def brokers(self) -> int:
        """How many brokers the cluster has."""
        async with self._connection.answering("the list of brokers"):
            return len((await self._client.describe_cluster())["brokers"])

    async def describe(self, names: Collection[str]) -> dict[str, Topic]:
        """The topics of these names, as far as they exist and may be described."""
        async with self._connection.answering("the list of topics"):
            topics = await listed(self._client)
        there = {topic["topic"]: topic["partitions"] for topic in topics if topic["topic"] in names}
        settings = await self._settings(there)
        return {
            name: Topic(
                name,
                partitions=len(partitions),
                replication=min((len(partition["replicas"]) for partition in partitions), default=0),
                config={key: value for key, (value, _) in settings[name].items()},
                own=frozenset(key for key, (_, own) in settings[name].items() if own),
            )
            for name, partitions in there.items()
            if name in settings  # else it was deleted a moment ago
        }

    async def create(self, topic: NewTopic) -> None:
        """Make a topic; one that is there already stays as it is."""
        async with self._connection.answering(f"topic {topic.name} made"):
            made = _NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=dict(topic.config))
            answer = await self._client.create_topics([made])
        for _, code, *said in answer.topic_errors:
            if code != kafka_errors.TopicAlreadyExistsError.errno:
                self._check(code, said, f"topic {topic.name} made")

    async def configure(self, topic: Topic, config: Mapping[str, str]) -> None:
        """Set these on a topic that was described, and leave the rest as it was described."""
        whole = {key: topic.config[key] for key in sorted(topic.own)} | dict(config)
        expected = f"{', '.join(config)} of topic {topic.name} set"
        async with self._connection.answering(expected):
            answers = await self._client.alter_configs([_resource(topic.name, whole)])
        for answer in answers:
            for code, said, *_ in answer.resources:
                self._check(code, [said], expected)

    async def _settings(self, names: Iterable[str]) -> dict[str, dict[str, tuple[str, bool]]]:
        """Topic → setting → its value, and whether it was set on the topic."""
        resources = [_resource(name) for name in names]
        if not resources:
            return {}
        async with self._connection.answering("the settings of topics"):
            answers = await self._client.describe_configs(resources)
        found = {}
        for answer in answers:
            if answer.API_VERSION == 0:  # does not tell what is set on the topic from what is inherited
                raise ConfigError(
                    f"kafka {self._connection.bootstrap}: expected Kafka 1.1 or newer, found an older one"
                )
            for code, said, _, name, entries in answer.resources:
                if code == kafka_errors.UnknownTopicOrPartitionError.errno:
                    continue
                self._check(code, [said], f"the settings of topic {name}")
                found[name] = {key: (value or "", source == _SET_ON_THE_TOPIC) for key, value, _, source, *_ in entries}
        return found

    def _check(self, code: int, said: list[str | None], expected: str) -> None:
        """Raise what an error code of an answer means; 0 is none."""
        if code:
            raise self._error(kafka_errors.for_code(code)(*[text for text in said if text]), expected)

    def _error(self, error: Exception, expected: str) -> DetectorError:
        if isinstance(error, _REFUSED):
            return ConfigError(f"kafka {self._connection.bootstrap}: expected {expected}, found {error}")
        return self._connection.translated(error, expected)

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await ended(client.close())


def _resource(name: str, config: Mapping[str, Any] | None = None) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, name, dict(config) if config is not None else None)
