from __future__ import annotations

import re
from dataclasses import replace

import pytest

from detector.runtime.topics import (
    USES_DAYS,
    Difference,
    Wanted,
    acl_command,
    compare,
    is_wanted,
    rights,
    wanted_topics,
)
from detector.settings import Kafka, RawTopic
from detector.stream.blocks import BLOCK_LIMIT
from detector.stream.kafka.admin import Topic

KAFKA = Kafka(raw={"logs": RawTopic()}, group="blue", uses="rows")
RAW = Topic("logs", 3, 1, {"message.timestamp.type": "LogAppendTime", "retention.ms": "604800000"})


def wanted(brokers: int = 3, partitions: int | None = None, replication: int | None = None) -> dict[str, Wanted]:
    found = wanted_topics(KAFKA, brokers, partitions=partitions, replication=replication)
    return {topic.name: topic for topic in found}


def as_made(topic: Wanted, **config: str) -> Topic:
    """A topic as the broker shows it after it was made as wanted, but for these settings (`_` for `.`)."""
    changed = {key.replace("_", "."): value for key, value in config.items()}
    return Topic(topic.name, topic.partitions, topic.replication, {**topic.new.config, **changed})


def differences(topic: Wanted, found: Topic) -> list[tuple[str, str, str, str]]:
    return [
        (d.what, d.found, d.expected, d.action) for d in compare([topic], ["logs"], {found.name: found, "logs": RAW})
    ]


def test_what_is_missing_is_created_and_raw_topics_are_not() -> None:
    found = compare(list(wanted().values()), ["logs"], {})

    assert [(d.topic, d.action) for d in found] == [
        ("rows", "create"),
        ("alerts", "create"),
        ("control", "create"),
        ("dead-letters", "create"),
        ("logs", "refused"),
    ]
    assert not is_wanted(found)


def test_what_was_made_as_wanted_does_not_differ() -> None:
    topics = wanted()

    found = compare(list(topics.values()), ["logs"], {"logs": RAW} | {name: as_made(t) for name, t in topics.items()})

    assert found == []
    assert is_wanted(found)


def test_the_topics_are_as_the_path_needs_them() -> None:
    topics = wanted()

    assert topics["rows"].partitions == 8
    assert topics["control"].partitions == 1
    assert {name: topic.rules["cleanup.policy"].value for name, topic in topics.items()} == {
        "rows": "delete",
        "alerts": "delete",
        "control": "compact",
        "dead-letters": "delete",
    }
    assert topics["rows"].rules["compression.type"].value == "uncompressed"
    assert int(topics["rows"].rules["retention.ms"].value) == USES_DAYS * 24 * 3600 * 1000
    for topic in topics.values():
        assert topic.rules["message.timestamp.type"].value == "LogAppendTime"
        assert int(topic.rules["max.message.bytes"].value) > BLOCK_LIMIT


@pytest.mark.parametrize(
    ("brokers", "asked", "replication", "in_sync"),
    [(1, None, 1, "1"), (2, None, 2, "1"), (3, None, 3, "2"), (9, None, 3, "2"), (9, 5, 5, "2"), (3, 1, 1, "1")],
)
def test_replicas_are_three_where_there_are_brokers_and_one_may_be_lost(
    brokers: int, asked: int | None, replication: int, in_sync: str
) -> None:
    for topic in wanted(brokers, replication=asked).values():
        assert topic.replication == replication
        assert topic.rules["min.insync.replicas"].value == in_sync


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("retention_ms", "1209599999", "1209600000"),
        ("retention_ms", "soon", "1209600000"),
        ("retention_bytes", "1000000", "-1"),
        ("cleanup_policy", "compact,delete", "delete"),
        ("message_timestamp_type", "CreateTime", "LogAppendTime"),
        ("max_message_bytes", "1000000", "1048588"),
        ("compression_type", "gzip", "uncompressed"),
        ("min_insync_replicas", "1", "2"),
        ("min_insync_replicas", "4", "2"),
        ("unclean_leader_election_enable", "true", "false"),
    ],
)
def test_a_setting_that_would_lose_something_is_set(setting: str, value: str, expected: str) -> None:
    topic = wanted()["rows"]

    assert differences(topic, as_made(topic, **{setting: value})) == [
        (setting.replace("_", "."), value, expected, "set")
    ]


@pytest.mark.parametrize(
    ("setting", "value"),
    [("retention_ms", "-1"), ("retention_ms", "9999999999"), ("max_message_bytes", "2000000")],
)
def test_what_is_more_than_enough_stays(setting: str, value: str) -> None:
    topic = wanted()["rows"]

    assert differences(topic, as_made(topic, **{setting: value})) == []


def test_a_setting_that_the_broker_does_not_show_is_set() -> None:
    topic = wanted()["alerts"]
    shown = as_made(topic)
    less = {key: value for key, value in shown.config.items() if key != "cleanup.policy"}

    assert differences(topic, replace(shown, config=less)) == [("cleanup.policy", "none", "delete", "set")]


def test_the_partitions_of_uses_are_its_own_unless_they_are_asked_for() -> None:
    there = replace(as_made(wanted()["rows"]), partitions=4)

    assert differences(wanted()["rows"], there) == []
    assert differences(wanted(partitions=4)["rows"], there) == []

    ((what, found, expected, action),) = differences(wanted(partitions=16)["rows"], there)
    assert (what, found, expected, action) == ("partitions", "4", "16", "refused")
    (difference,) = compare([wanted(partitions=16)["rows"]], ["logs"], {"rows": there, "logs": RAW})
    assert "a realm stays in the partition where it was learnt" in difference.reason
    assert "kafka.uses" in difference.reason


def test_control_has_one_partition_and_nothing_adds_or_removes_any() -> None:
    topic = wanted()["control"]

    assert differences(topic, replace(as_made(topic), partitions=3)) == [("partitions", "3", "1", "refused")]


def test_replicas_that_are_too_few_are_told_and_the_rest_goes_by_those_there_are() -> None:
    topic = wanted()["alerts"]
    there = replace(as_made(topic, min_insync_replicas="2"), replication=1)

    assert differences(topic, there) == [
        ("replication", "1", "at least 3", "refused"),
        ("min.insync.replicas", "2", "1", "set"),  # nothing could be written
    ]


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("message.timestamp.type", "CreateTime", "LogAppendTime"),
        ("retention.ms", "3600000", "at least 86400000"),
        ("cleanup.policy", "compact", "delete"),
    ],
)
def test_a_raw_topic_that_may_lose_or_misdate_records_is_warned_of(setting: str, value: str, expected: str) -> None:
    raw = replace(RAW, config={**RAW.config, setting: value})

    (warning,) = compare([], ["logs"], {"logs": raw})

    assert (warning.what, warning.found, warning.expected, warning.action) == (setting, value, expected, "warning")
    assert is_wanted([warning])


def test_no_raw_topic_at_all_is_warned_of() -> None:
    assert compare([], [], {}) == [
        Difference(
            "kafka.raw", "topic", "none", "at least one", "warning",
            "ingest has nothing to read: name the topics of your logs in the settings",
        )
    ]  # fmt: skip


def test_only_the_named_parts_may_write_what_detect_and_people_believe() -> None:
    writers = {
        topic: {right.role for right in rights(KAFKA) if right.name == topic and "Write" in right.operations}
        for topic in ("rows", "control", "alerts", "dead-letters", "logs")
    }

    assert writers == {
        "rows": {"ingest"},
        "control": {"feedback", "respond"},
        "alerts": {"detect"},
        "dead-letters": {"ingest", "deliver"},
        "logs": set(),
    }


def test_each_part_reads_what_it_needs_in_its_own_group() -> None:
    reads = {
        (right.role, right.resource, right.name, right.prefixed)
        for right in rights(KAFKA)
        if "Read" in right.operations
    }

    assert reads == {
        ("ingest", "topic", "logs", False),
        ("ingest", "topic", "control", False),
        ("ingest", "group", "blue-ingest", False),
        ("detect", "topic", "rows", False),
        ("detect", "group", "blue-detect", False),
        ("deliver", "topic", "alerts", False),
        ("deliver", "group", "blue-deliver-", True),
        ("topics", "topic", "rows", False),
    }


def test_a_right_is_a_line_for_the_tools_of_kafka() -> None:
    lines = {acl_command(right, "broker:9092") for right in rights(KAFKA)}

    start = "kafka-acls.sh --bootstrap-server broker:9092 --command-config admin.properties --add "
    assert start + "--allow-principal User:blue-ingest --operation Write --operation Describe --topic rows" in lines
    assert (
        start + "--allow-principal User:blue-deliver --operation Read --group blue-deliver- "
        "--resource-pattern-type prefixed" in lines
    )


def test_a_name_that_a_shell_would_take_apart_is_quoted() -> None:
    odd = Kafka(group="blue; rm -rf")

    assert all(re.search(r"'User:blue; rm -rf-\w+'", acl_command(right, "b:1")) for right in rights(odd))
