"""Uses for the tests of evaluation: by hand, one line a use, or drawn."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, NamedTuple

import numpy as np

from detector.domain import I32, KIND_CODE, Outcome
from detector.training.uses import SECONDS_PER_DAY, Uses, dense

START = 1_767_571_200  # midnight UTC
MINUTE, HOUR, DAY = 60, 3600, SECONDS_PER_DAY
CODES = (
    *("realm", "principal", "credential", "address", "prefix", "provider"),
    *("client", "family", "region", "action", "service", "resource"),
)


class Use(NamedTuple):
    """One use in words; "" is unknown. `at` is seconds after `START`. What is coarser follows from what is finer."""

    at: int
    credential: str = "key"
    principal: str = "worker"
    kind: str = "aws.access-key"
    address: str = "198.51.100.7"
    provider: str = "cloud"
    endpoint: bool = False
    client: str = "sdk/1"
    action: str = "storage:read"
    resource: str = "bucket"
    outcome: Outcome = Outcome.ALLOWED
    realm: str = "home"

    @property
    def prefix(self) -> str:
        return self.address.rpartition(".")[0]

    @property
    def family(self) -> str:
        return self.client.partition("/")[0]

    @property
    def service(self) -> str:
        return self.action.partition(":")[0]

    @property
    def region(self) -> str:
        return "here"


def uses_of(*rows: Use) -> Uses:
    """`rows` as columns, in their order."""
    table = {name: dict.fromkeys(getattr(row, name) for row in rows if getattr(row, name)) for name in CODES}
    number = {name: {text: code for code, text in enumerate(texts, 1)} | {"": 0} for name, texts in table.items()}
    codes = {name: np.array([number[name][getattr(row, name)] for row in rows], np.int32) for name in CODES}
    return Uses(
        native_id=tuple(f"use-{at}" for at in range(len(rows))),
        second=np.array([START + row.at for row in rows], np.int64),
        kind=np.array([KIND_CODE[row.kind] for row in rows], np.int32),
        endpoint=np.array([row.endpoint for row in rows], np.bool_),
        outcome=np.array([row.outcome for row in rows], np.int32),
        providers=("", *table["provider"]),
        **codes,
    )


def drawn(seed: int, size: int = 800, days: float = 10.0, principals: int = 12) -> Uses:
    """A small tenant: keys that last and keys of a day, busy moments, habits and exceptions, a little disorder."""
    rng = np.random.default_rng(seed)

    def column(values: np.ndarray[tuple[int], np.dtype[np.int64]], unknown: float = 0.0) -> I32:
        known = rng.random(size) >= unknown
        codes = np.zeros(size, np.int32)
        codes[known] = dense(values[known])
        return codes

    busy = rng.integers(0, int(days * DAY), size // 8)
    second = np.sort(rng.choice(busy, size)) + rng.integers(-10 * MINUTE, 10 * MINUTE, size)
    who = rng.zipf(1.4, size) % principals
    kind = np.array([KIND_CODE["aws.access-key"], KIND_CODE["aws.session/instance"], KIND_CODE["k8s.bound-token"]])[
        who % 3
    ]
    address = np.where(rng.random(size) < 0.9, who % 7, rng.integers(0, 60, size))
    client, action = who % 4 + 4 * (rng.random(size) < 0.1), who % 5 + rng.zipf(2.0, size) % 20
    return Uses(
        native_id=tuple(f"use-{at}" for at in range(size)),
        second=START + 10 * MINUTE + second,
        realm=column(who % 2),
        principal=column(who),
        credential=column(who * 1000 + np.where(who % 3 == 0, 0, second // DAY)),
        kind=kind.astype(np.int32),
        address=column(address, 0.02),
        prefix=column(address // 4),
        provider=(address // 8 % 4).astype(np.int32),
        endpoint=rng.random(size) < 0.1,
        client=column(client, 0.02),
        family=column(client % 4),
        region=column(who % 3),
        action=column(action),
        service=column(action // 4),
        resource=column(action * 7 % 11, 0.3),
        outcome=rng.choice(np.arange(4, dtype=np.int32), size, p=(0.02, 0.9, 0.06, 0.02)),
        providers=("", "cloud", "hosting-1", "isp-2"),
    )


def head(uses: Uses, count: int) -> Uses:
    """The first `count` uses to arrive."""
    columns = {field.name: getattr(uses, field.name) for field in fields(uses) if field.name != "providers"}
    return replace(uses, **{name: column[:count] for name, column in columns.items()})


def relabelled(uses: Uses, seed: int) -> Uses:
    """The same uses under other codes; unknown stays 0."""
    rng = np.random.default_rng(seed)
    changed: dict[str, Any] = {}
    for name in CODES:
        codes: I32 = getattr(uses, name)
        new = np.concatenate([[0], 1 + rng.permutation(int(codes.max(initial=len(uses.providers) - 1)))]).astype(
            np.int32
        )
        changed[name] = new[codes]
        if name == "provider":
            owners = dict(zip(new.tolist(), uses.providers, strict=False))
            changed["providers"] = tuple(owners.get(code, "nobody") for code in range(len(new)))
    return replace(uses, **changed)
