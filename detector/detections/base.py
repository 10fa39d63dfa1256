"""Detection: what a pattern of evidence means. One file each, with everything an analyst needs to trust it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from detector import detections
from detector.registry import members
from detector.scoring.episode import Candidate, Episode

Level = Literal["informational", "low", "medium", "high", "critical"]
Status = Literal["stable", "test", "experimental", "shadow"]


@dataclass(frozen=True, slots=True)
class Metadata:
    """Sigma's keys, plus the evidence required, the blind spots and the runbook.

    Every entry of `falsepositives` is a benign cause with a quiet test of that name.
    """

    title: str
    id: str
    status: Status
    level: Level
    description: str
    falsepositives: tuple[str, ...]
    tags: tuple[str, ...]
    references: tuple[str, ...]
    author: str
    date: str
    version: str
    evidence: tuple[str, ...]
    blind_spots: tuple[str, ...]
    runbook: str

    @property
    def family(self) -> str:
        """`replay`, `scope`, `coverage` or `posture`."""
        return self.id.split(".", 1)[0]

    def mapping(self, prefix: str) -> list[str]:
        """Catalogue ids among the tags: `attack.t1550.001` → `T1550.001`, `owasp.nhi2` → `NHI2`."""
        return [tag.removeprefix(prefix).upper() for tag in self.tags if tag.startswith(prefix)]


class Detection(ABC):
    """A member of the family. `name` is the file's name: the id with `_` for `.`; `components` is what it rests on."""

    name: ClassVar[str]
    components: ClassVar[tuple[int, ...]]
    metadata: ClassVar[Metadata]

    @abstractmethod
    def supported(self, episode: Episode) -> bool:
        """Whether the episode holds the evidence this detection is about. Its strength is judged elsewhere."""

    @abstractmethod
    def title(self, use: Candidate) -> str:
        """One line: who, what, and how it differs."""


def load_detections() -> dict[str, Detection]:
    """All detections by id. Raises ConfigError when a file and its member disagree."""
    found: dict[str, Detection] = {}
    for member in members(detections, Detection).values():
        found[member.metadata.id] = member()
    return found
