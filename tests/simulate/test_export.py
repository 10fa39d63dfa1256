from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from detector.errors import InputError, StreamUnavailable, UsageError
from detector.settings import load_settings
from detector.simulate import truth
from detector.simulate.arrivals import Record, deliver, records
from detector.simulate.export import Pace, keep_apart, merged, new_folder, send, write_folder, write_lines, write_truth
from detector.simulate.fleet import Fleet
from detector.stream.base import OutgoingRecord, RecordWriter
from tests.simulate.scenarios.scope_fleets import tenant

HOUR = 3_600_000_000


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    made, _ = tenant(days=2)
    made.finish()
    return made


class Topics(RecordWriter):
    """Topics of two partitions in memory; after `good` records they are away."""

    def __init__(self, good: int = 1_000_000) -> None:
        self.good = good
        self.written: list[OutgoingRecord] = []
        self.batches: list[int] = []

    async def start(self) -> None:
        pass

    async def partitions(self, topic: str) -> int:
        return 2

    async def write(self, records: Sequence[OutgoingRecord]) -> None:
        if len(self.written) + len(records) > self.good:
            raise StreamUnavailable("away")
        self.written += records
        self.batches.append(len(records))

    async def close(self) -> None:
        pass


class Clock:
    """A clock that only passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def some(count: int, apart: int = HOUR, log: str = "use") -> Iterable[Record]:
    return [Record(log, number * apart, b"%d" % number) for number in range(count)]


def test_a_folder_gets_a_file_for_each_log_in_order_of_arrival(fleet: Fleet, tmp_path: Path) -> None:
    told: list[int] = []

    counts = write_folder(fleet, tmp_path, 3, progress=told.append)

    below = tmp_path / "tenant-03"
    others = {"detector.yaml", "assets.yaml", "ranges.txt"}
    assert {file.name for file in below.iterdir()} == {*(f"{log}.ndjson" for log in counts), *others}
    assert set(counts) == {"cloudtrail", "kubernetes.c1", "use"}
    assert sum(counts.values()) == sum(told) == len(deliver(fleet))
    written = (below / "use.ndjson").read_bytes().splitlines()
    assert written == [record.data for record in records(deliver(fleet)) if record.log == "use"]


def test_compressed_files_hold_the_same_and_are_the_same_every_time(fleet: Fleet, tmp_path: Path) -> None:
    for name in ("plain", "one", "two"):
        write_folder(fleet, tmp_path / name, 0, compress=name != "plain")

    one, two = ((tmp_path / name / "tenant-00/cloudtrail.ndjson.gz").read_bytes() for name in ("one", "two"))
    assert one == two
    assert gzip.decompress(one) == (tmp_path / "plain/tenant-00/cloudtrail.ndjson").read_bytes()


def test_its_settings_say_source_and_realm_of_every_log(fleet: Fleet, tmp_path: Path) -> None:
    write_folder(fleet, tmp_path, 0)

    settings = load_settings(tmp_path / "tenant-00/detector.yaml", {})
    said = {topic: (raw.source, raw.realm) for topic, raw in settings.kafka.raw.items()}
    assert said == {
        "cloudtrail": ("cloudtrail", "unknown"),
        "kubernetes.c1": ("kubernetes", "c1"),
        "use": ("use", "unknown"),
    }
    (together,) = settings.realms.merge
    assert set(together) == {group.realm for group in fleet.groups}


def test_the_truth_is_kept_out_of_the_logs(fleet: Fleet, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="outside of"):
        keep_apart(tmp_path / "logs", tmp_path / "logs" / "truth")
    keep_apart(tmp_path / "logs", tmp_path / "truth")

    path = write_truth(fleet, tmp_path / "truth", 2)

    assert path == tmp_path / "truth" / "tenant-02.json"
    assert truth.read([path])[0].thefts == ()


def test_two_datasets_never_share_a_folder(tmp_path: Path) -> None:
    new_folder(tmp_path / "new")
    (tmp_path / "new" / "old.ndjson").touch()

    with pytest.raises(InputError, match=r"empty folder, found old.ndjson"):
        new_folder(tmp_path / "new")


def test_a_folder_that_cannot_be_written_is_an_input_error(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InputError, match="expected to write the logs there"):
        write_folder(fleet, tmp_path / "file", 0)


def test_the_days_of_several_tenants_pass_together(fleet: Fleet) -> None:
    other, _ = tenant(seed=2, days=2)
    other.finish()

    both = list(merged([fleet, other]))

    assert len(both) == len(deliver(fleet)) + len(deliver(other))
    assert all(before.arrival <= after.arrival for before, after in pairwise(both))


def test_lines_are_those_of_one_log_or_of_all() -> None:
    stream = [Record("use", 1, b"a"), Record("cloudtrail", 2, b"b"), Record("use", 3, b"c")]
    one, everything = io.BytesIO(), io.BytesIO()

    assert write_lines(stream, one, "use") == 2
    assert write_lines(stream, everything) == 3
    assert one.getvalue() == b"a\nc\n"
    assert everything.getvalue() == b"a\nb\nc\n"


def test_each_log_has_a_topic_and_its_records_go_round_the_partitions_in_order() -> None:
    topics = Topics()
    stream = [*some(4), *some(2, log="cloudtrail")]

    sent = asyncio.run(send(stream, topics, prefix="raw-"))

    assert sent == 6
    placed = [(record.topic, record.partition, record.value) for record in topics.written]
    assert placed[:4] == [("raw-use", number % 2, b"%d" % number) for number in range(4)]
    assert placed[4:] == [("raw-cloudtrail", 0, b"0"), ("raw-cloudtrail", 1, b"1")]


@pytest.mark.parametrize(
    ("pace", "seconds"), [(Pace(), 0.0), (Pace(rate=100), 9.99), (Pace(speed=3600), 999.0), (Pace(speed=36_000), 99.9)]
)
def test_records_are_sent_when_they_are_due(pace: Pace, seconds: float) -> None:
    clock, topics = Clock(), Topics()

    sent = asyncio.run(send(some(1000), topics, pace=pace, clock=clock, sleep=clock.sleep))

    assert sent == 1000
    assert clock.now - 100.0 == pytest.approx(seconds, abs=0.06)


def test_what_is_due_nearly_at_once_goes_together() -> None:
    clock, topics = Clock(), Topics()

    asyncio.run(send(some(5000), topics, pace=Pace(rate=1000), clock=clock, sleep=clock.sleep))

    assert len(topics.batches) < 200


def test_whoever_is_asked_to_stop_writes_what_was_taken_and_no_more() -> None:
    clock, topics = Clock(), Topics()

    sent = asyncio.run(
        send(some(1000), topics, pace=Pace(rate=10), clock=clock, sleep=clock.sleep, stopped=lambda: clock.now > 110)
    )

    assert sent == len(topics.written)
    assert 95 <= sent <= 105


def test_progress_is_told_of_acknowledged_records_only() -> None:
    topics, told = Topics(good=700), list[int]()

    with pytest.raises(StreamUnavailable):
        asyncio.run(send(some(2000), topics, progress=told.append))

    assert sum(told) == len(topics.written) == 500


def test_every_record_is_a_line_of_json(fleet: Fleet) -> None:
    for record in list(merged([fleet]))[:500]:
        assert b"\n" not in record.data
        json.loads(record.data)
