"""`python -m tests.bench`: speed as ratios, measured side by side in one run. Prints a Markdown table.

`--rounds 1 --fleets 2` is a quick look; the figures of the README are those of all rounds and fleets.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.bench import measure, stream
from tests.integration.broker import Cluster, Unavailable

ROUNDS = 3
DECODE = "typed decode only"
LIMIT = "limit L: getmany and typed decode"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Speed as ratios, in one run.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="times that each way is measured; %(default)s")
    parser.add_argument("--fleets", type=int, help="organisations in each stream, for a quick look; default: its own")
    asked = parser.parse_args()
    gc.set_threshold(50_000, 20, 50)  # as the command line does
    print(f"{_cpu()}, Python {platform.python_version()}, NumPy {np.__version__}")
    print(f"events per CPU second of one core, median of {asked.rounds} rounds in turn")
    for shape in (stream.BUSY, stream.SPARSE):
        some = dataclasses.replace(shape, fleets=asked.fleets) if asked.fleets else shape
        _measure(stream.make(some), asked.rounds)


def _measure(made: stream.Stream, rounds: int) -> None:
    """One stream: what it is, and a table."""
    uses = measure.batches(made.records)
    raw = measure.fetched(made.records)
    routed, whole = measure.ingest(raw, measure.USES), measure.ingest(raw, 1)
    rows = sum(map(len, uses))
    counts = measure.detect(uses)
    shape = made.shape
    print(
        f"\n{shape.name} stream: {shape.fleets} fleets of {shape.events_per_day:,} events a day, thin history and "
        f"{len(shape.hours)} busy hours: {len(made.records):,} records of {made.mean_size:,.0f} bytes, {rows:,} uses"
    )
    print(
        f"novelty: {counts.candidates / rows:.2%} candidates, {counts.scored / rows:.0%} of uses scored, "
        f"{counts.epochs} epochs, {counts.incidents} incidents"
    )
    sizes = [sum(len(block) for _, block in written) / rows for written in (routed, whole)]
    print(f"blocks: {sizes[0]:.0f} bytes a use in {measure.USES} partitions, {sizes[1]:.0f} in one\n")
    with tempfile.TemporaryDirectory() as folder, _limit(Path(folder), made.records) as limit:
        path = Path(folder) / "bench.jsonl"
        path.write_bytes(b"\n".join(made.records))
        ways: dict[str, Callable[[], float]] = {
            DECODE: lambda: measure.rate(lambda: measure.decode_only(made.records), len(made.records)),
            "`scan`, bytes to alerts": lambda: measure.rate(lambda: measure.scan(path), len(made.records)),
            "`ingest`, records to blocks": lambda: measure.rate(lambda: measure.ingest(raw, measure.USES), len(raw)),
            "`detect`, blocks to alerts": lambda: measure.rate(lambda: measure.detect_blocks(whole), rows),
            "`detect` alone, uses": lambda: measure.rate(lambda: measure.detect(uses), rows),
        }
        if limit is not None:
            ways[LIMIT] = lambda: next(limit)
        measured: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(rounds):
            for name, way in ways.items():
                print(f"{shape.name}, round {turn + 1} of {rounds}: {name}", file=sys.stderr)
                measured[name].append(way())
    _report(measured)


def _report(measured: dict[str, list[float]]) -> None:
    median = {name: statistics.median(rates) for name, rates in measured.items()}
    limit = median.get(LIMIT)
    print("| what | events/s/core | of decode only | of L |")
    print("|---|---:|---:|---:|")
    for name, found in median.items():
        share = f"{found / limit:.2f}" if limit else "n/a"
        print(f"| {name} | {found:,.0f} | {found / median[DECODE]:.2f} | {share} |")


@contextmanager
def _limit(folder: Path, records: list[bytes]) -> Iterator[Iterator[float] | None]:
    """The limit against a real broker; None, with the reason, where there is none."""
    try:
        external = os.environ.get("DETECTOR_TEST_BOOTSTRAP")
        cluster = Cluster.external(external) if external else Cluster.start(1, folder / "kafka")
    except Unavailable as exc:
        print(f"limit L not measured: {exc}", file=sys.stderr)
        yield None
        return
    try:
        yield measure.limit(cluster.bootstrap, records[:60_000])
    finally:
        cluster.stop()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown CPU"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown CPU")


if __name__ == "__main__":
    main()
