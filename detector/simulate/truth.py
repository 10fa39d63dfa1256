"""What is malicious and what only looked so: kept apart from the records, joined by native id."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from detector.errors import InputError

Stealth = Literal["S0", "S1", "S2", "S3", "S4"]
Style = Literal["noisy", "mixed", "mimic"]


class Theft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One attack on one or several principals. Times are seconds since 1970 UTC.

    `void` marks a theft that no detector can tell from the owner (stealth S4): the control. `prior_uses` counts the
    victim's own uses before the first malicious one. `opening` is the index of the first use after a ramp that only
    makes the thief's place look usual; 0 = there was none.
    """

    index: int
    scenario: str
    family: Literal["replay", "scope"]
    stealth: Stealth
    style: Style
    techniques: tuple[str, ...]
    void: bool
    kind: str
    realm: str
    principals: tuple[str, ...]
    credentials: tuple[str, ...]
    event_ids: tuple[str, ...]
    seconds: tuple[int, ...]
    victim_goes_on: bool
    prior_uses: int
    opening: int = 0


class Truth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Thefts in order of index; `churn` says which benign cause made an event unusual (native id → cause)."""

    thefts: tuple[Theft, ...]
    churn: dict[str, str]

    @property
    def malicious(self) -> dict[str, int]:
        """Native id of every malicious use → index of its theft."""
        return {event_id: theft.index for theft in self.thefts for event_id in theft.event_ids}


def write(truth: Truth, path: Path) -> None:
    """Write as JSON. Raises InputError when the file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(truth))
    except OSError as error:
        raise InputError(f"{path}: expected to write the truth there, found: {error.strerror}") from error


def read(paths: Iterable[Path]) -> list[Truth]:
    """Read what `write` wrote. Raises InputError for a file that is missing or something else."""
    found = []
    for path in paths:
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Truth))
        except OSError as error:
            raise InputError(f"{path}: expected a truth file, found: {error.strerror}") from error
        except msgspec.MsgspecError as error:
            raise InputError(f"{path}: expected what `detector simulate run` writes, found: {error}") from error
    return found
