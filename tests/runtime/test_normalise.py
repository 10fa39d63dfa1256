from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.control import Feedback, encode
from detector.decode import RawRecord
from detector.domain import SECOND, Activity, Flag, StringTable, UseBatch
from detector.errors import ConfigError
from detector.runtime.normalise import SLICE, Normalised, Normaliser, slices
from detector.runtime.reading import RawPartition
from detector.settings import Kafka, RawTopic, Realms, Settings
from detector.stream import blocks
from detector.stream.base import Partition
from tests.runtime.world import NOW, kafka

SAID = Feedback(time="2026-01-09T00:00:00Z", incident_id="a" * 26, verdict="confirm", reason="seen", author="ann")


def use(at: int, realm: str = "realm-0") -> bytes:
    told = {
        "time": NOW + at, "native_id": f"event-{at}", "credential": f"KEY{at % 7}", "principal": f"role/{at % 7}",
        "kind": "aws.access-key", "activity": "use", "outcome": "allowed", "address": "198.51.100.7", "realm": realm,
        "action": "s3:GetObject",
    }  # fmt: skip
    return json.dumps(told).encode()


def records(values: Sequence[bytes], partition: Partition, appended: Sequence[int] = ()) -> list[RawRecord]:
    """Records of a partition; appended in the seconds said, else one in each second."""
    seconds = appended or range(len(values))
    return [
        RawRecord(value, str(partition), at, partition.number, round((NOW + second) * SECOND))
        for at, (value, second) in enumerate(zip(values, seconds, strict=True))
    ]


def raw(number: int = 0, topic: str = "raw") -> RawPartition:
    return RawPartition(Partition(topic, number), 1, 0)


def decoded(found: Sequence[tuple[int, bytes]], uses: int) -> list[UseBatch]:
    """The rows of each partition of uses."""
    batches = []
    for number in range(uses):
        table = StringTable()
        mine = [blocks.decode(block, table) for at, block in found if at == number]
        batches.append(UseBatch.concat(mine, table))
    return batches


# --- decoding --------------------------------------------------------------------------------------------------------


def test_rows_carry_the_name_of_their_raw_partition_and_the_place_of_their_record() -> None:
    normaliser, partition, done = Normaliser(kafka(), 1), raw(3), Normalised()
    normaliser.decode(partition, records([use(at) for at in range(5)], partition.partition), done)
    (batch,) = decoded(normaliser.encode(done), 1)

    assert set(batch.raw_partition.tolist()) == {partition.identity}
    assert batch.raw_offset.tolist() == batch.ref_offset.tolist() == [0, 1, 2, 3, 4]
    assert {batch.text("ref_stream", at) for at in range(5)} == {"raw/3"}
    assert batch.native_id.tolist() == [f"event-{at}" for at in range(5)]


def test_each_topic_is_read_as_its_settings_say() -> None:
    topics = {"one": RawTopic(realm="here"), "other": RawTopic(source="cloudtrail", realm="there")}
    normaliser = Normaliser(Settings(kafka=Kafka(raw=topics)), 1)
    nameless = use(0, realm="")
    done = Normalised()
    for topic in topics:
        normaliser.decode(raw(topic=topic), records([nameless], Partition(topic, 0)), done)
    (batch,) = decoded(normaliser.encode(done), 1)

    assert [batch.text("realm", at) for at in range(len(batch))] == ["here"]
    assert [letter.stream for letter in done.rejected] == ["other/0"]


def test_what_cannot_be_read_is_kept_beside_the_rows() -> None:
    normaliser, partition = Normaliser(kafka(), 1), raw()
    done = Normalised()
    normaliser.decode(partition, records([use(0), b"not json", use(2)], partition.partition), done)

    assert [(letter.stream, letter.offset) for letter in done.rejected] == [("raw/0", 1)]
    assert [len(batch) for _, batch in done.parts] == [2]


@given(st.lists(st.integers(1, 3 * SLICE), max_size=4))
def test_a_fetch_is_decoded_in_slices_that_lose_nothing_and_keep_the_order(counts: list[int]) -> None:
    fetched = {
        Partition("raw", number): [RawRecord(b"", f"raw/{number}", at, number) for at in range(count)]
        for number, count in enumerate(counts)
    }
    found: dict[Partition, list[RawRecord]] = {}
    for partition, part in slices(fetched):
        assert 0 < len(part) <= SLICE
        found.setdefault(partition, []).extend(part)

    assert found == fetched


# --- order -----------------------------------------------------------------------------------------------------------


def test_rows_of_several_raw_partitions_come_in_the_order_their_records_were_appended() -> None:
    normaliser = Normaliser(kafka(), 1)
    done = Normalised()
    normaliser.decode(raw(0), records([use(at) for at in range(3)], Partition("raw", 0), [1, 5, 6]), done)
    normaliser.decode(raw(1), records([use(at) for at in range(3, 6)], Partition("raw", 1), [0, 5, 9]), done)
    (batch,) = decoded(normaliser.encode(done), 1)

    assert batch.native_id.tolist() == [f"event-{at}" for at in (3, 0, 1, 4, 2, 5)]


@given(st.lists(st.lists(st.integers(0, 30), max_size=8), min_size=1, max_size=3))
def test_each_raw_partition_keeps_its_own_order_though_a_producers_clock_goes_back(clocks: list[list[int]]) -> None:
    normaliser = Normaliser(kafka(), 1)
    done = Normalised()
    for number, appended in enumerate(clocks):
        values = [use(at) for at in range(len(appended))]
        normaliser.decode(raw(number), records(values, Partition("raw", number), appended), done)
    (batch,) = decoded(normaliser.encode(done), 1)

    for number, appended in enumerate(clocks):
        mine = batch.raw_offset[batch.raw_partition == raw(number).identity]
        assert mine.tolist() == list(range(len(appended)))


# --- routing ---------------------------------------------------------------------------------------------------------


def test_a_realm_goes_to_one_partition_and_every_row_goes_somewhere() -> None:
    normaliser = Normaliser(kafka(), 4)
    values = [use(at, realm=f"realm-{at % 9}") for at in range(90)]
    done = Normalised()
    normaliser.decode(raw(), records(values, Partition("raw", 0)), done)
    found = decoded(normaliser.encode(done), 4)
    realms = [{batch.strings[code] for code in np.unique(batch.realm).tolist()} for batch in found]

    assert sum(map(len, found)) == 90
    assert sum(map(len, realms)) == 9
    assert sum(len(names) > 0 for names in realms) > 1


def test_control_rows_go_to_every_partition_each_at_its_place() -> None:
    normaliser = Normaliser(kafka(), 3)
    done = Normalised()
    normaliser.decode(raw(topic="control"), records([encode(SAID)], Partition("control", 0), [5]), done)
    normaliser.decode(raw(), records([use(at) for at in range(9)], Partition("raw", 0)), done)
    found = decoded(normaliser.encode(done), 3)

    assert [int((batch.activity == Activity.CONTROL).sum()) for batch in found] == [1, 1, 1]
    (home,) = [batch for batch in found if len(batch) > 1]
    assert np.flatnonzero(home.activity == Activity.CONTROL).tolist() == [5]


def test_a_control_record_in_a_raw_topic_and_a_use_in_the_control_topic_are_refused() -> None:
    normaliser = Normaliser(kafka(), 2)
    done = Normalised()
    normaliser.decode(raw(), records([encode(SAID)], Partition("raw", 0)), done)
    normaliser.decode(raw(topic="control"), records([use(1)], Partition("control", 0)), done)

    assert [letter.stream for letter in done.rejected] == ["raw/0", "control/0"]
    assert normaliser.encode(done) == []


def test_rows_stay_where_their_records_were_when_routing_is_raw() -> None:
    normaliser = Normaliser(kafka(routing="raw"), 2)
    done = Normalised()
    for number in range(4):
        normaliser.decode(raw(number), records([use(at) for at in range(5)], Partition("raw", number)), done)
    found = [set(batch.raw_partition.tolist()) for batch in decoded(normaliser.encode(done), 2)]

    assert found[0].isdisjoint(found[1])
    assert found[0] | found[1] == {raw(number).identity for number in range(4)}


def test_realms_that_contradict_are_refused() -> None:
    with pytest.raises(ConfigError, match="found b twice"):
        Normaliser(Settings(kafka=kafka().kafka, realms=Realms(merge=[["a", "b"]], split={"b": 2})), 2)


# --- memory ----------------------------------------------------------------------------------------------------------


def test_texts_are_let_go_when_they_are_many_and_rows_stay_what_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    def encoded(most: int) -> list[list[str]]:
        monkeypatch.setattr("detector.runtime.normalise.MOST_TEXTS", most)
        normaliser, found = Normaliser(kafka(), 1), []
        for fetch in range(3):
            done = Normalised()
            normaliser.decode(raw(), records([use(10 * fetch + at) for at in range(10)], Partition("raw", 0)), done)
            (batch,) = decoded(normaliser.encode(done), 1)
            found.append([batch.text("principal", at) for at in range(len(batch))])
        return found

    assert encoded(most=1) == encoded(most=1_000_000)


def test_rows_are_enriched_before_they_are_written(tmp_path: Path) -> None:
    assets = tmp_path / "assets.yaml"
    assets.write_text("corporate_egress: [{name: HQ, blocks: [198.51.100.0/24]}]\nowners: [{name: ops}]\n")
    normaliser, partition, done = (
        Normaliser(msgspec.structs.replace(kafka(), assets=str(assets)), 1),
        raw(),
        Normalised(),
    )
    normaliser.decode(partition, records([use(1), use(2)], partition.partition), done)
    (batch,) = decoded(normaliser.encode(done), 1)

    assert [batch.text("provider", at) for at in (0, 1)] == ["corporate:HQ"] * 2
    assert [batch.text("owner", at) for at in (0, 1)] == ["ops"] * 2
    assert (batch.flags & Flag.KNOWN_EGRESS != 0).all()
