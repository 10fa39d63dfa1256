"""Logs with thefts for `detector run`: fleets in realms of their own, merged in the order of `scan`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from detector.alert import Alert
from detector.simulate.demo.attacks import Theft
from detector.simulate.demo.fleet import Truth, fleet
from detector.simulate.demo.score import Score, score
from detector.simulate.demo.world import PRODUCTION, SHARED

_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class Log:
    """Records in the order in which `scan` decides on them, with their event times (seconds) and the truth."""

    records: list[bytes]
    seconds: list[int]
    truth: Truth

    def file(self, folder: Path) -> Path:
        """The log as a file."""
        path = folder / "log.jsonl"
        path.write_bytes(b"\n".join(self.records))
        return path

    def score(self, alerts: Sequence[Alert]) -> Score:
        """Alerts against the truth."""
        return score(self.truth, alerts)

    def ending_at(self, end: datetime) -> Log:
        """The log up to the last malicious use, moved in time so that this use is at `end`, in whole seconds."""
        last = max(second for theft in self.truth.thefts for second in theft.seconds)
        by = timedelta(seconds=int(end.timestamp()) - last)
        count = sum(second <= last for second in self.seconds)
        moved = [_STAMP.sub(lambda found: _moved(found[0], by), record) for record in self.records[:count]]
        return Log(moved, [second + int(by.total_seconds()) for second in self.seconds[:count]], self.truth)


@cache
def fleets(seeds: tuple[int, ...], days: int = 2, events_per_day: int = 1_000) -> Log:
    """A fleet of each seed, each in two accounts of its own and with one theft; it ends an hour after the last."""
    merged: list[tuple[int, str, bytes]] = []
    thefts: list[Theft] = []
    for seed in seeds:
        simulated = fleet(seed, days, events_per_day)
        thefts += simulated.truth.thefts
        for second, record in zip(simulated.seconds.tolist(), simulated.records, strict=True):
            own = record.replace(PRODUCTION.encode(), b"%012d" % (seed * 1111))
            own = own.replace(SHARED.encode(), b"%012d" % (seed * 2222))
            merged.append((second, json.loads(own)["eventID"], own))
    end = 3600 + max(second for theft in thefts for second in theft.seconds)
    merged = sorted(one for one in merged if one[0] <= end)
    return Log([record for _, _, record in merged], [second for second, _, _ in merged], Truth(tuple(thefts)))


def _moved(stamp: bytes, by: timedelta) -> bytes:
    return (datetime.fromisoformat(stamp.decode()) + by).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
