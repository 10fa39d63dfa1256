"""Dead letters as JSON: where each rejected record stood, why it was refused and its hash; never its bytes.

`scan` appends them to a file, `run` writes them to the dead-letter topic before it commits, so that a crash repeats
letters and loses none; (stream, offset, record) names a reject for whoever wants each once.
"""

from __future__ import annotations

import dataclasses

import msgspec

from detector.decode import DeadLetter
from detector.stream.base import OutgoingRecord


def encode(letter: DeadLetter) -> bytes:
    """One line of JSON, without the newline; a lone surrogate, which is no text, is written as its code."""
    return msgspec.json.encode(_printable(letter))


def dead_record(topic: str, role: str, letter: DeadLetter) -> OutgoingRecord:
    """The record of a letter that a role writes to the dead-letter topic, keyed by where the reject stood."""
    value = msgspec.json.encode({"role": role, **dataclasses.asdict(_printable(letter))})
    return OutgoingRecord(topic, value, key=letter.stream.encode())


def _printable(letter: DeadLetter) -> DeadLetter:
    return dataclasses.replace(letter, detail=letter.detail.encode("utf-8", "backslashreplace").decode())
