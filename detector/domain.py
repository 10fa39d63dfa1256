"""The types that carry the path: credential kinds, activities, and the columnar batch of uses.

Layer 0: the standard library, NumPy, msgspec and xxhash only. Words are those of the design: a *use* is one
normalised row; a *batch* is a set of equally long columns; a text column holds codes into a `StringTable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from typing import Any, Final, NamedTuple, Self

import numpy as np
import xxhash
from numpy.typing import NDArray

I8 = NDArray[np.int8]
U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
Bool = NDArray[np.bool_]
Texts = NDArray[np.object_]

SECOND: Final = 1_000_000  # event times are integer microseconds since 1970 (UTC)
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class Activity(IntEnum):
    """What a row states. `USE`, `EXCHANGE` and `RENEW` are scored; the others change what is known."""

    USE = 0
    ISSUE = 1
    EXCHANGE = 2
    RENEW = 3
    REVOKE = 4
    END = 5
    DECLARE = 6
    TICK = 7
    CONTROL = 8


class ActorClass(IntEnum):
    """Who is behind a principal. Humans are counted and never profiled."""

    UNKNOWN = 0
    WORKLOAD = 1
    HUMAN = 2
    VENDOR = 3
    AGENT = 4


class Outcome(IntEnum):
    """Whether the service accepted the use. `DENIED` is a refusal of rights; `FAILED` any other error."""

    UNKNOWN = 0
    ALLOWED = 1
    DENIED = 2
    FAILED = 3


class Flag(IntFlag):
    """Row marks."""

    NONE = 0
    ON_BEHALF = 1  # a service acts for the principal: counted, never scored
    TS_SUSPECT = 2  # the event time is not believed: moves no watermark, is neither scored nor learnt
    REACTIVATED = 4  # with DECLARE: the credential was switched on again
    KNOWN_EGRESS = 8  # the operator declared that this principal may come from this address


@dataclass(frozen=True, slots=True)
class Kind:
    """A credential kind and what it promises.

    `variant` splits `aws.session` by the workload that holds it. `single_holder` means that the principal session
    belongs to exactly one running workload, so that two places at once contradict it.
    """

    name: str
    variant: str = ""
    static: bool = False
    single_holder: bool = False
    binding: str = "none"
    handle: str = ""

    @property
    def label(self) -> str:
        """`name/variant`, the key of the priors."""
        return f"{self.name}/{self.variant}" if self.variant else self.name


KINDS: Final[tuple[Kind, ...]] = (
    Kind("unknown"),
    Kind("aws.access-key", static=True, handle="access key id"),
    Kind("aws.session", "instance", single_holder=True, binding="instance", handle="role session"),
    Kind("aws.session", "container", single_holder=True, binding="task", handle="role session"),
    Kind("aws.session", "function", binding="function", handle="role session"),
    Kind("aws.session", "assumed", handle="role session"),
    Kind("aws.session", "web-identity", binding="issuer subject", handle="role session"),
    Kind("aws.session", "federation", handle="role session"),
    Kind("k8s.bound-token", single_holder=True, binding="pod and node", handle="bound object"),
    Kind("k8s.legacy-token", static=True, handle="secret"),
    Kind("k8s.client-cert", binding="key", handle="none"),
    Kind("github.pat", static=True, handle="hashed token (not accepted by the revocation API)"),
    Kind("github.app", handle="installation"),
    Kind("github.oidc", single_holder=True, binding="repository, ref, workflow, run", handle="none"),
    Kind("github.deploy-key", static=True, handle="key id"),
    Kind("vault.token", handle="accessor"),
    Kind("vault.approle", static=True, handle="secret id accessor"),
    Kind("spiffe.x509-svid", single_holder=True, binding="workload key", handle="entry"),
    Kind("spiffe.jwt-svid", binding="audience", handle="entry"),
    Kind("gcp.sa-key", static=True, handle="key name"),
    Kind("gcp.access-token", handle="none"),
    Kind("gcp.federated", binding="issuer subject", handle="none"),
    Kind("entra.client-secret", static=True, handle="credential key id"),
    Kind("entra.certificate", static=True, handle="credential key id"),
    Kind("entra.federated", binding="issuer subject", handle="federated credential id"),
    Kind("entra.managed-identity", single_holder=True, binding="resource", handle="none"),
    Kind("okta.api-token", static=True, handle="token id"),
    Kind("oauth.client", static=True, handle="client id"),
    Kind("oauth.refresh-token", handle="token id"),
    Kind("mtls.cert", binding="key", handle="serial"),
    Kind("snowflake.password", static=True, handle="user"),
    Kind("snowflake.keypair", static=True, handle="user"),
    Kind("api-key", static=True, handle="key id"),
    Kind("agent.token", handle="token id"),
)
KIND_CODE: Final[dict[str, int]] = {kind.label: code for code, kind in enumerate(KINDS)}


class _Codes(dict[str, int]):
    """text → code; a text that is not there gets the next code, without leaving C for those that are."""

    __slots__ = ("texts",)

    def __init__(self) -> None:
        super().__init__({"": 0})
        self.texts = [""]

    def __missing__(self, text: str) -> int:
        code = self[text] = len(self.texts)
        self.texts.append(text)
        return code


class StringTable:
    """Texts of a batch, each once: code ↔ text. Code 0 is the empty text and means *unknown*.

    Codes are given in order of first appearance and never change, so columns that share a table can be
    concatenated without recoding.
    """

    __slots__ = ("_codes", "_hashes", "texts")

    def __init__(self) -> None:
        self._codes = _Codes()
        self.texts = self._codes.texts
        self._hashes: U64 = np.zeros(1, np.uint64)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, code: int) -> str:
        return self.texts[code]

    def code(self, text: str) -> int:
        """Code of `text`, given now if it is new."""
        return self._codes[text]

    def codes(self, texts: Sequence[str]) -> I32:
        """int32[n]: codes of many texts, in their order."""
        if not any(texts):  # most logs leave most columns empty
            return np.zeros(len(texts), np.int32)
        return np.fromiter(map(self._codes.__getitem__, texts), np.int32, len(texts))

    @property
    def hashes(self) -> U64:
        """uint64[len(self)]: 64-bit hash of each text; 0 for unknown and for nothing else."""
        known = len(self._hashes)
        if known < len(self.texts):
            fresh = [hash_text(text) for text in self.texts[known:]]
            self._hashes = np.concatenate([self._hashes, np.array(fresh, np.uint64)])
        return self._hashes


def hash_text(text: str) -> int:
    """Stable 64-bit hash of a text (XXH3 of its UTF-8 form, lone surrogates kept); never 0 unless `text` is empty."""
    return (xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) or 1) if text else 0


class UseRow(NamedTuple):
    """One use as a source states it; the columns of `UseBatch` before encoding.

    Positions are left to the stream, and `provider`, `environment` and `owner` to enrichment: no log may state them.
    """

    native_id: str
    source: str
    time: int
    realm: str = ""
    account: str = ""
    principal: str = ""
    session: str = ""
    credential: str = ""
    parent: str = ""
    peer_group: str = ""
    issuer: str = ""
    address: str = ""
    client: str = ""
    instance: str = ""
    node: str = ""
    channel: str = ""
    region: str = ""
    delivery: str = ""
    action: str = ""
    resource: str = ""
    error: str = ""
    use_index: int = 0
    digest: int = 0
    activity: int = Activity.USE
    kind: int = 0
    actor_class: int = ActorClass.UNKNOWN
    outcome: int = Outcome.UNKNOWN
    flags: int = 0
    issued_at: int = 0
    expires_at: int = 0
    ref_stream: str = ""
    ref_offset: int = 0
    raw_partition: int = 0
    raw_offset: int = 0
    row: int = 0
    append_time: int = 0
    provider: str = ""
    environment: str = ""
    owner: str = ""


TEXT_COLUMNS: Final = (
    "source", "ref_stream", "realm", "account", "principal", "session", "credential", "parent", "peer_group",
    "issuer", "address", "client", "instance", "node", "channel", "region", "delivery", "action", "resource", "error",
    "provider", "environment", "owner",
)  # fmt: skip
NUMBER_COLUMNS: Final[dict[str, type[np.generic]]] = {
    "raw_partition": np.int64, "raw_offset": np.int64, "row": np.int32, "use_index": np.int32,
    "ref_offset": np.int64, "time": np.int64,
    "append_time": np.int64, "digest": np.uint64, "activity": np.int8, "kind": np.int8, "actor_class": np.int8,
    "outcome": np.int8, "flags": np.int32, "issued_at": np.int64, "expires_at": np.int64,
}  # fmt: skip


@dataclass(slots=True)
class UseBatch:
    """Uses in columns, all of one length `len(batch)`.

    Position: (`raw_partition`, `raw_offset`, `row`) says where the row came from and, per raw partition, grows;
    `raw_partition` is its number in memory, and on Kafka a 64-bit hash of its topic, number and generation;
    `row` counts the uses of one raw record, whatever envelope it is. `use_index` counts the uses of one *logged*
    record (the thing `native_id` names), so it does not depend on how records were packed into envelopes.
    (`ref_stream`, `ref_offset`) is the place in words a person can follow: a file and line, or a topic partition
    and offset. `digest` is the XXH3-64 of the logged record's bytes.

    Times are int64 microseconds since 1970 UTC, 0 = unknown. `append_time` is the broker's, absent in files.
    `session` is the principal session, `peer_group` what the principal is one of, `parent` the credential that an
    `issue` row's `credential` was issued to. `kind` indexes `KINDS`. `instance` is the workload instance the
    credential says it is bound to; `delivery` the way it was delivered (EC2 metadata version); `channel` a VPC
    endpoint (`vpce:…`), `service:…` or `console`; `client` the user agent as logged; `action` `service:verb`.
    What the operator's assets say of a row (`enrichment.py`): `provider` who its address belongs to, `environment`, and
    `owner` of the principal.
    """

    strings: StringTable
    native_id: Texts
    source: I32
    ref_stream: I32
    realm: I32
    account: I32
    principal: I32
    session: I32
    credential: I32
    parent: I32
    peer_group: I32
    issuer: I32
    address: I32
    client: I32
    instance: I32
    node: I32
    channel: I32
    region: I32
    delivery: I32
    action: I32
    resource: I32
    error: I32
    provider: I32
    environment: I32
    owner: I32
    raw_partition: I64
    raw_offset: I64
    row: I32
    use_index: I32
    ref_offset: I64
    time: I64
    append_time: I64
    digest: U64
    activity: I8
    kind: I8
    actor_class: I8
    outcome: I8
    flags: I32
    issued_at: I64
    expires_at: I64

    def __len__(self) -> int:
        return len(self.time)

    def take(self, index: NDArray[np.intp] | Bool | slice) -> Self:
        """The rows at `index` (positions, mask or slice), in that order; the table of texts is shared."""
        columns = {name: getattr(self, name)[index] for name in COLUMNS}
        return type(self)(self.strings, **columns)

    def text(self, column: str, at: int) -> str:
        """The text of one cell of a text column."""
        code: int = getattr(self, column)[at]
        return self.strings.texts[code]

    @classmethod
    def concat(cls, batches: Sequence[Self], strings: StringTable) -> Self:
        """Batches that share `strings`, one after the other.

        Raises ValueError when a batch uses another table.
        """
        if any(batch.strings is not strings for batch in batches):
            raise ValueError("batches to concatenate must share one StringTable")
        if not batches:
            return cls.from_rows([], strings)
        return cls(strings, **{name: np.concatenate([getattr(b, name) for b in batches]) for name in COLUMNS})

    @classmethod
    def from_rows(cls, rows: Sequence[UseRow], strings: StringTable) -> Self:
        """Encode rows into columns, in their order."""
        columns: dict[str, Any] = dict(zip(UseRow._fields, zip(*rows, strict=True), strict=True)) if rows else {}
        encoded: dict[str, Any] = {name: strings.codes(columns.get(name, ())) for name in TEXT_COLUMNS}
        for name, dtype in NUMBER_COLUMNS.items():
            encoded[name] = np.array(columns.get(name, ()), dtype)
        native = np.empty(len(rows), object)
        native[:] = columns.get("native_id", ())
        return cls(strings, native_id=native, **encoded)


COLUMNS: Final = tuple(field.name for field in fields(UseBatch) if field.name != "strings")
