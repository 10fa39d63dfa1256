"""Real logs in the same harness: what fires on recorded attacks, on their grafts, and on what is benign."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from detector.errors import InputError
from detector.training.corpora import TECHNIQUES, cases, streams
from detector.training.grafts import FLEETS, Graft, Grafted, graft_all, grafted
from detector.training.labelled import Labelled, label
from detector.training.noise import Noise, listen, together
from detector.training.recordings import recording_of


class Real(msgspec.Struct, frozen=True):
    """Everything measured on third-party logs. The last of `noise` and of `grafts` is all of them together."""

    labelled: tuple[Labelled, ...]
    noise: tuple[Noise, ...]
    grafts: tuple[Grafted, ...]
    fleets: int

    @property
    def notable(self) -> tuple[Labelled, ...]:
        """The techniques, and of the samples of rules those of which something is knowable or was said."""
        return tuple(one for one in self.labelled if one.corpus == TECHNIQUES or one.says)

    @property
    def others(self) -> dict[str, tuple[int, int, int]]:
        """The rest: corpus → (cases, malicious records, malicious uses that are judged)."""
        found: dict[str, tuple[int, int, int]] = {}
        for one in self.labelled:
            if one.corpus != TECHNIQUES and not one.says:
                cases, attack, scored = found.get(one.corpus, (0, 0, 0))
                found[one.corpus] = cases + 1, attack + one.attack, scored + one.scored
        return found


def measure(
    folder: Path, told: Callable[[int], None] = lambda _: None, *, fleets: int = FLEETS, workers: int = 0
) -> Real:
    """Everything on the corpora in `folder`; `told` hears of each fleet that is done.

    Raises InputError where the folder holds none of them.
    """
    known, plain = cases(folder), streams(folder)
    if not (known or plain):
        raise InputError(f"{folder}: expected a folder of third-party logs, found none that is known")
    recordings = [one for case in known if case.corpus == "stratus" if (one := recording_of(case)) is not None]
    outcomes: list[Graft] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max(1, min(fleets, workers or os.cpu_count() or 1)), mp_context=context) as pool:
        for number, found in enumerate(pool.map(partial(graft_all, recordings), range(fleets if recordings else 0))):
            outcomes += found
            told(number)
    heard = [listen(stream) for stream in plain]
    return Real(
        labelled=tuple(label(case) for case in known),
        noise=(*heard, together(heard)),
        grafts=grafted(recordings, outcomes),
        fleets=fleets,
    )
