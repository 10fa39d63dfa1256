from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from detector.domain import hash_text
from detector.errors import ConfigError, InputError, UsageError
from detector.runtime.scan import Scan, open_scan
from detector.settings import DetectionSettings, Settings, SourceSettings
from detector.simulate.fleet import fleet


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


def scan_of(*paths: Path, batch_size: int = 4096, partitions: int = 1, settings: Settings | None = None) -> Scan:
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
