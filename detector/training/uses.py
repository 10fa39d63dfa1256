"""The uses of one tenant as every method of an evaluation sees them: dense integer columns, in order of arrival."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.domain import I32, I64, Bool

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Uses:
    """Scored uses of non-human principals; every array has one entry a use, 0 in a code column means unknown.

    `second` is event time in whole seconds since 1970. Code columns count from 1 in order of first appearance, each on
    its own scale; `credential`, `principal` … are unique over the tenant's realms. `provider` is the owner of the
    address range (a code into `providers`, as an ASN lookup would give). `on_behalf` marks calls that a cloud service
    makes for the principal. `outcome` is `domain.Outcome`. `native_id` joins with the truth.
    """

    native_id: tuple[str, ...]
    second: I64
    realm: I32
    principal: I32
    credential: I32
    kind: I32  # index into domain.KINDS
    address: I32
    prefix: I32
    provider: I32
    endpoint: Bool  # through a VPC endpoint
    client: I32  # whole user agent
    family: I32  # client family
    region: I32
    action: I32
    service: I32
    resource: I32
    outcome: I32
    providers: tuple[str, ...]  # text of each provider code; [0] is ""

    def __len__(self) -> int:
        return len(self.second)

    @property
    def day(self) -> I64:
        """int64[n]: days since 1970 UTC."""
        days: I64 = self.second // SECONDS_PER_DAY
        return days


def dense(values: np.ndarray[tuple[int], np.dtype[np.generic]]) -> I32:
    """int32[n]: codes from 1 in order of first appearance."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first, kind="stable")] = np.arange(1, len(first) + 1, dtype=np.int32)
    codes: I32 = rank[inverse]
    return codes
