"""Labelled logs from folders, as `detector simulate run` writes them: judged without simulating them anew.

Files do not say when a record arrived, so rows come in order of event time and nothing is told of delays.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from detector.assets import NOTHING, load
from detector.errors import InputError
from detector.simulate import truth
from detector.simulate.arrivals import Record
from detector.training.baselines.base import Baseline
from detector.training.decoded import Decoded, decode
from detector.training.judged import Judged, assess


def tenants_in(logs: Path, truths: Path) -> list[tuple[Path, Path]]:
    """(folder of logs, file of truth) of every tenant. Raises InputError where one of the two is missing."""
    folders = sorted(path for path in logs.glob("tenant-*") if path.is_dir()) if logs.is_dir() else []
    if not folders:
        raise InputError(
            f"{logs}: expected folders tenant-NN, as `detector simulate run --to files:DIR` writes; found none"
        )
    found = [(folder, truths / f"{folder.name}.json") for folder in folders]
    for _, path in found:
        if not path.is_file():
            raise InputError(f"{path}: expected the truth about {path.stem}, found no file; say --truth FOLDER")
    return found


def judge_folder(folder: Path, truth_file: Path, baselines: Sequence[Baseline]) -> Judged:
    """Let every method score the logs of one tenant."""
    decoded = decode(_records(folder))
    order = np.lexsort((decoded.batch.row, decoded.batch.raw_offset, decoded.batch.time))
    known = folder / "assets.yaml"
    (told,) = truth.read([truth_file])
    in_time = Decoded(decoded.batch.take(order), decoded.rejected)
    return assess(in_time, told, load(known) if known.is_file() else NOTHING, baselines)


def _records(folder: Path) -> Iterator[Record]:
    """The lines of every log; a log is named like its file. Raises InputError for a file that cannot be read."""
    for path in sorted((*folder.glob("*.ndjson"), *folder.glob("*.ndjson.gz"))):
        log = path.name.partition(".ndjson")[0]
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                for line in file:
                    yield Record(log, 0, line.rstrip(b"\n"))
        except (OSError, EOFError) as error:
            raise InputError(f"{path}: expected a log that can be read, found: {error}") from error
