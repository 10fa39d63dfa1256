"""Control records: what people and other parts of the detector say to every shard, at fixed places of its log.

One JSON object per record of the `control` topic, `kind` first:

| kind | fields | what detect does |
|---|---|---|
| `feedback` | incident_id, verdict (`confirm`, `benign`), reason, author, time | marks or closes the incident |
| `revoked` | realm, principal, credential, time, action_id | remembers the end of the credential |
| `model` | bundle, digest, time | takes the bundle of that name, if it has this digest |
| `config` | detections (id → `alert`, `shadow`, `off`), author, time | takes these modes |

`time` is RFC 3339. ingest copies each record to every partition of `uses` as a row of activity `CONTROL`, so that a
replay meets it at the same place. The raw topics cannot carry control: only this topic is read so, and only whoever
may write it is obeyed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

import msgspec
import xxhash

from detector.domain import Activity, UseRow
from detector.errors import RecordError
from detector.records import event_time
from detector.sources.base import Reading, Rejected, Source

LIMIT: Final = 4_096  # bytes of one record

Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=1_024)]
IncidentId: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[a-z2-7]{26}$")]


class ControlRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """Base of the kinds; `time` is when it was said, RFC 3339."""

    time: Text


class Feedback(ControlRecord, frozen=True, tag="feedback"):
    """An analyst's verdict on an incident."""

    incident_id: IncidentId
    verdict: Literal["confirm", "benign"]
    reason: Text
    author: Text


class Revoked(ControlRecord, frozen=True, tag="revoked"):
    """A revocation was acknowledged."""

    realm: Text
    principal: Text
    credential: Text
    action_id: str = ""


class Model(ControlRecord, frozen=True, tag="model"):
    """From here on another bundle decides; `digest` is the SHA-256 of its manifest, in full."""

    bundle: Text
    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Config(ControlRecord, frozen=True, tag="config"):
    """From here on these are the modes of the detections; those not named keep what the settings say."""

    detections: dict[str, Literal["alert", "shadow", "off"]]
    author: Text


Control: TypeAlias = Feedback | Revoked | Model | Config
_CONTROL: Final = msgspec.json.Decoder(Control)


def encode(record: Control) -> bytes:
    """The record's bytes."""
    return msgspec.json.encode(record)


def key(record: Control) -> bytes:
    """The key under which compaction keeps the last record only."""
    match record:
        case Feedback():
            said = f"feedback/{record.incident_id}"
        case Revoked():
            whose = [record.realm, record.principal, record.credential]  # as JSON: each may hold any separator
            said = f"revoked/{msgspec.json.encode(whose).decode()}"
        case Model():
            said = "model"
        case Config():
            said = "config"
    return said.encode()


def decode(data: bytes | str) -> Control:
    """The record in `data`. Raises RecordError when it is none."""
    if len(data) > LIMIT:
        raise RecordError("oversize", f"expected a control record of at most {LIMIT} bytes, found {len(data)}")
    try:
        record: Control = _CONTROL.decode(data)
    except msgspec.ValidationError as error:
        raise RecordError("bad_field", f"expected a control record: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RecordError("not_json", "expected a control record, found no JSON object") from None
    event_time(record.time)
    return record


class ControlSource(Source):
    """Control records as rows: `resource` holds the record. It is no member of `sources/`: no log may speak so."""

    name: ClassVar[str] = "control"
    title: ClassVar[str] = "Control records"

    @classmethod
    def recognises(cls, record: bytes) -> bool:
        """Whatever is in the control topic is meant as one."""
        return bool(record)

    def read(self, records: Sequence[bytes], realm: str) -> Reading:  # noqa: ARG002 - it belongs to every realm
        """See `Source.read`."""
        reading = Reading([], [], [])
        for index, data in enumerate(records):
            try:
                reading.rows.append(self._row(data))
                reading.record.append(index)
            except RecordError as error:
                reading.rejected.append(Rejected(index, error.reason, error.detail))
        return reading

    def _row(self, data: bytes) -> UseRow:
        record = decode(data)
        return UseRow(
            native_id="",
            source=self.name,
            time=event_time(record.time),
            action=f"control:{type(record).__name__.lower()}",
            resource=encode(record).decode(),
            digest=xxhash.xxh3_64_intdigest(data),
            activity=Activity.CONTROL,
        )
