from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from detector import control
from detector.alert import Alert, encode
from detector.domain import DAY, Activity, StringTable, UseBatch, UseRow, hash_text
from detector.errors import ConfigError, InputError, UsageError
from detector.runtime.scan import BlockScan, LogScan, Scan, open_block_scan, open_scan
from detector.settings import DetectionSettings, Kafka, RawTopic, Settings, SourceSettings, detection_ids
from detector.simulate.demo.fleet import fleet
from tests.dumps import append, dump, ordered


@pytest.fixture(scope="module")
def records() -> list[bytes]:
    """Two days of a small fleet with one theft."""
    return fleet(7, 2, 1_000).records


@pytest.fixture(scope="module")
def log(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("scan") / "log.ndjson", records)


def write(path: Path, records: list[bytes]) -> Path:
    path.write_bytes(b"".join(record + b"\n" for record in records))
    return path


def run(scan: Scan) -> list[str]:
    return [alert.id for step in scan.steps() for alert in step.alerts]


def scan_of(*paths: Path, batch_size: int = 4096, partitions: int = 1, settings: Settings | None = None) -> LogScan:
    return open_scan(
        settings or Settings(), [str(path) for path in paths], batch_size=batch_size, partitions=partitions
    )


@pytest.fixture(scope="module")
def ids(log: Path) -> list[str]:
    found = run(scan_of(log))
    assert found, "the theft is seen"
    return found


@pytest.mark.parametrize("batch_size", [1, 7, 512])
def test_the_batch_size_changes_no_alert(log: Path, ids: list[str], batch_size: int) -> None:
    assert run(scan_of(log, batch_size=batch_size)) == ids


def test_shuffled_lines_in_several_compressed_files_give_the_same_alerts(
    records: list[bytes], ids: list[str], tmp_path: Path
) -> None:
    shuffled = list(records)
    random.Random(1).shuffle(shuffled)  # noqa: S311 - any order will do
    (tmp_path / "inner").mkdir()
    write(tmp_path / "b.ndjson", shuffled[::2])
    (tmp_path / "inner" / "a.json.gz").write_bytes(gzip.compress(b'{"Records":[' + b",".join(shuffled[1::2]) + b"]}"))

    assert run(scan_of(tmp_path)) == ids


def test_records_that_are_there_twice_change_no_alert(
    log: Path, records: list[bytes], ids: list[str], tmp_path: Path
) -> None:
    assert run(scan_of(log, write(tmp_path / "again.ndjson", records[::3]))) == ids


def test_every_realm_is_wholly_in_the_partition_its_hash_names(log: Path, records: list[bytes]) -> None:
    scan = scan_of(log, partitions=2)
    run(scan)

    realms = ("111122223333", "444455556666")
    homes = {hash_text(realm) % 2 for realm in realms}
    assert scan.summary.decided == scan.summary.uses
    assert sum(pipeline.counts.rows for pipeline in scan.pipelines) == scan.summary.uses
    assert {number for number, pipeline in enumerate(scan.pipelines) if pipeline.principals} >= homes


def test_the_summary_counts_what_was_read_and_decided(log: Path, records: list[bytes]) -> None:
    scan = scan_of(log)
    alerts = [alert for step in scan.steps() for alert in step.alerts]

    assert scan.summary.events == {"cloudtrail": len(records)}
    assert scan.summary.uses == scan.summary.decided >= len(records)
    assert scan.summary.alerts == len(alerts)
    assert scan.summary.incidents == {alert.incident_id: (alert.detection, alert.severity) for alert in alerts}
    assert scan.principals == scan.pipelines[0].principals > 0
    assert scan.credentials > 0


def test_bad_records_are_counted_by_reason_and_stop_nothing(log: Path, ids: list[str], tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.ndjson", [b"not json", b"[1, 2", b'{"some": "thing"}', b"\xff\xfe"])
    scan = scan_of(bad, log)

    rejected = []
    found = []
    for step in scan.steps():
        rejected += step.rejected
        found += [alert.id for alert in step.alerts]

    assert found == ids
    assert sum(scan.summary.rejected.values()) == len(rejected) == 4
    assert [(letter.stream, letter.offset) for letter in rejected] == [(str(bad), line) for line in (1, 2, 3, 4)]


def test_progress_grows_to_the_end(log: Path) -> None:
    scan = scan_of(log)
    seen = [scan.done or 0.0 for _ in scan.steps()]

    assert seen == sorted(seen)
    assert seen[0] < 0.6
    assert seen[-1] == 1.0


def test_an_empty_file_is_a_scan_of_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "empty.json"
    empty.touch()
    scan = scan_of(empty)

    assert run(scan) == []
    assert scan.summary.uses == 0
    assert scan.done in {0.5, 1.0}


def test_a_detection_that_is_off_does_not_fire(log: Path) -> None:
    scan = scan_of(log)
    run(scan)
    fired = {detection for detection, _ in scan.summary.incidents.values()}

    off = Settings(detections={name: DetectionSettings(mode="off") for name in fired})
    quiet = scan_of(log, settings=off)

    assert not {name for step in quiet.steps() for alert in step.alerts for name in alert.detections} & fired


def test_what_cannot_be_scanned_is_said_before_anything_is_read(log: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        scan_of(tmp_path / "missing.json")
    with pytest.raises(UsageError, match="no-such-log"):
        scan_of(log, settings=Settings(source=SourceSettings(format="no-such-log")))
    with pytest.raises(ConfigError, match="nowhere"):
        scan_of(log, settings=Settings(bundle=f"{tmp_path}/nowhere"))


# -- dumps of uses -----------------------------------------------------------------------------------------------------


def blocks_of(*paths: Path, batch_size: int = 4096) -> BlockScan:
    return open_block_scan(Settings(), [str(path) for path in paths], batch_size=batch_size)


def alerts_of(scan: Scan) -> list[Alert]:
    return [alert for step in scan.steps() for alert in step.alerts]


def said(scan: Scan) -> list[bytes]:
    """The alerts as they are written."""
    return [encode(alert) for alert in alerts_of(scan)]


@pytest.fixture(scope="module")
def files(log: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The log as two partitions of uses, in small blocks."""
    return dump(log, tmp_path_factory.mktemp("dump"), partitions=2, rows=333)


@pytest.fixture(scope="module")
def expected(log: Path) -> list[bytes]:
    """What the log itself gives, in two partitions."""
    found = said(scan_of(log, partitions=2))
    assert found, "the theft is seen"
    return found


@pytest.mark.parametrize("batch_size", [1, 7, 1 << 20])
def test_a_dump_gives_the_bytes_that_its_log_gave_whatever_the_batch_size(
    expected: list[bytes], files: list[Path], batch_size: int
) -> None:
    assert sorted(said(blocks_of(*files, batch_size=batch_size))) == sorted(expected)


def test_each_file_of_a_dump_is_a_partition_of_its_own(expected: list[bytes], files: list[Path]) -> None:
    first, second = (said(blocks_of(file)) for file in files)

    assert sorted(first + second) == sorted(expected)
    assert said(blocks_of(files[0].parent)) == first + second


def test_the_rows_of_a_dump_keep_the_order_they_have(log: Path, tmp_path: Path) -> None:
    """The same rows the other way round say something else: they were not sorted."""
    forward, backward = tmp_path / "forward.blocks", tmp_path / "backward.blocks"
    for batch in (batches := ordered(log)):
        append(forward, batch)
    for batch in reversed(batches):
        append(backward, batch.take(slice(None, None, -1)))

    assert said(blocks_of(backward)) != said(blocks_of(forward))


def test_ticks_of_a_dump_close_incidents_and_are_not_counted_as_uses(log: Path, tmp_path: Path) -> None:
    file = tmp_path / "uses-0.blocks"
    for last in ordered(log):
        append(file, last)
    before = blocks_of(file)
    seen = alerts_of(before)
    end = UseRow("", "", int(last.time[-1]), activity=Activity.TICK, raw_offset=int(last.raw_offset[-1]))
    ticks = [end._replace(time=end.time + hours * DAY // 24) for hours in range(72)]
    append(file, UseBatch.from_rows(ticks, StringTable()))

    scan = blocks_of(file)
    found = alerts_of(scan)

    assert found[: len(seen)] == seen
    assert {alert.status for alert in seen} <= {"new", "update"}
    assert {alert.status for alert in found[len(seen) :]} == {"closed"}
    assert (scan.summary.uses, scan.summary.events) == (before.summary.uses, before.summary.events)


def test_a_control_row_of_a_dump_is_obeyed_from_its_place_on(log: Path, tmp_path: Path) -> None:
    off = control.Config(time="2026-01-05T00:00:00Z", detections=dict.fromkeys(detection_ids(), "off"), author="soc")
    row = control.ControlSource().read([control.encode(off)], "").rows[0]._replace(raw_partition=1)
    switched, uses = UseBatch.from_rows([row], StringTable()), ordered(log)
    before, after = tmp_path / "before.blocks", tmp_path / "after.blocks"
    for file, batches in ((before, [switched, *uses]), (after, [*uses, switched])):
        for batch in batches:
            append(file, batch)

    assert said(blocks_of(before)) == []
    assert said(blocks_of(after)) == said(scan_of(log))


def test_the_summary_of_a_dump_is_that_of_its_log(log: Path, files: list[Path]) -> None:
    by_log, by_blocks = scan_of(log, partitions=2), blocks_of(*files)
    run(by_log)
    run(by_blocks)

    assert by_blocks.summary == by_log.summary
    assert (by_blocks.principals, by_blocks.credentials) == (by_log.principals, by_log.credentials)


def test_progress_of_a_dump_grows_with_its_bytes(files: list[Path]) -> None:
    scan = blocks_of(*files, batch_size=100)
    seen = [scan.done or 0.0 for _ in scan.steps()]

    assert seen == sorted(seen)
    assert seen[0] < 0.2
    assert seen[-1] == 1.0


def test_a_damaged_dump_stops_the_scan_after_what_came_before(files: list[Path], tmp_path: Path) -> None:
    content = max(files, key=lambda file: file.stat().st_size).read_bytes()
    cut = tmp_path / "uses-0.blocks"
    cut.write_bytes(content[:-1])

    scan = blocks_of(cut)
    with pytest.raises(InputError, match=r"uses-0\.blocks: byte"):
        run(scan)

    assert scan.summary.decided > 0


def test_a_dump_that_is_not_there_is_said_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        blocks_of(tmp_path / "missing.blocks")


def test_an_empty_partition_is_a_scan_of_nothing(tmp_path: Path) -> None:
    scan = blocks_of(write(tmp_path / "uses-0.blocks", []))

    assert said(scan) == []
    assert scan.done == 1.0


def audited(native_id: str) -> bytes:
    """Three hours of one service account in a cluster that no record names."""
    token = {"authentication.kubernetes.io/credential-id": [f"JTI={native_id}"]}
    user = {"username": "system:serviceaccount:shop:api", "extra": token}
    event = {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete",
        "requestURI": "/api/v1/pods", "verb": "list", "user": user,
        "sourceIPs": ["10.0.0.1"], "userAgent": "app/1.0", "objectRef": {"resource": "pods", "apiVersion": "v1"},
        "responseStatus": {"code": 200},
    }  # fmt: skip
    hours = range(3)
    own = ({"auditID": f"{native_id}{hour}", "stageTimestamp": f"2026-01-05T0{hour}:00:00.000000Z"} for hour in hours)
    return b"\n".join(json.dumps({**event, **one}).encode() for one in own)


@pytest.mark.parametrize(("source", "realms"), [(SourceSettings(), 3), (SourceSettings(realm="all"), 1)])
def test_a_file_named_like_a_raw_topic_is_read_as_that_topic_unless_source_says_how(
    tmp_path: Path, source: SourceSettings, realms: int
) -> None:
    raw = {f"audit.{realm}": RawTopic(source="kubernetes", realm=realm) for realm in ("one", "two")}
    (tmp_path / "audit.one.ndjson").write_bytes(audited("a"))
    (tmp_path / "audit.two.json.gz").write_bytes(gzip.compress(audited("b")))
    (tmp_path / "else.json").write_bytes(audited("c"))

    scan = scan_of(tmp_path, partitions=64, settings=Settings(kafka=Kafka(raw=raw), source=source))
    run(scan)

    assert scan.summary.events == {"kubernetes": 9}
    assert sum(pipeline.counts.scored > 0 for pipeline in scan.pipelines) == realms, "each realm has a partition"


def test_assets_reach_the_alerts_and_exceptions_are_counted_and_not_sent(log: Path, tmp_path: Path) -> None:
    assets = tmp_path / "assets.yaml"
    (tmp_path / "ranges.json").write_text('{"cloud": "198.18.0.0/16", "hosting": "198.19.0.0/16"}')
    said = (
        "environments: [{name: production, accounts: ['*']}]\n"
        "owners: [{name: platform, principals: ['*']}]\n"
        "ranges: [{file: ranges.json}]\n"
    )
    assets.write_text(said)
    scan = scan_of(log, settings=Settings(assets=str(assets)))
    alerts = [alert for step in scan.steps() for alert in step.alerts]
    assert {(alert.environment, alert.owner) for alert in alerts} == {("production", "platform")}
    assert ("provider", "hosting") in {(one.type, one.value) for alert in alerts for one in alert.observables}
    assert 0 < scan.summary.without_provider < scan.summary.addresses

    keys = {alert.credential.id for alert in alerts} | {key for alert in alerts for key in alert.related_credentials}
    tolerated = "".join(f"  {key}: {{date: 2999-12-31, reason: a test, owner: ops}}\n" for key in sorted(keys))
    assets.write_text(f"{said}tolerated_until:\n{tolerated}")
    quiet = scan_of(log, settings=Settings(assets=str(assets)))
    assert [alert for step in quiet.steps() for alert in step.alerts] == []
    assert quiet.summary.tolerated == scan.summary.incidents
