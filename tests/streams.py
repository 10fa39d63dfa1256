"""Random streams of uses: few principals, addresses and clients, so that everything meets everything."""

from __future__ import annotations

from typing import Any

import numpy as np

from detector.control import Control, ControlSource, encode
from detector.domain import (
    COLUMNS,
    DAY,
    HOUR,
    KIND_CODE,
    MINUTE,
    SECOND,
    TEXT_COLUMNS,
    Activity,
    Flag,
    Outcome,
    StringTable,
    UseBatch,
    UseRow,
)

START = 1_767_571_200 * SECOND  # 2026-01-05T00:00:00Z
KINDS = ("aws.access-key", "aws.session/instance", "aws.session/assumed")
CLIENTS = (
    "Boto3/1.34.0 md/Botocore#1.34.0 os/linux#6.1",
    "aws-cli/2.15.0 Python/3.11 Linux/6.1",
    "aws-sdk-go/1.44.0 (go1.21; linux; amd64)",
    "",
)
ACTIONS = (
    "s3:GetObject", "s3:PutObject", "s3:ListBuckets", "sqs:SendMessage", "iam:CreateAccessKey", "iam:ListUsers",
    "kms:Decrypt", "ec2:RunInstances", "dynamodb:Scan", "lambda:Invoke", "StopLogging", "",
)  # fmt: skip
ACCEPTED, REFUSED = (0.85, 0.1, 0.05), (0.15, 0.85, 0.0)


def random_rows(seed: int, rows: int = 300, days: int = 9, *, cluster: float = 0.0) -> list[UseRow]:
    """Rows in arrival order: mostly calm, with moves, returns, late rows, lifecycle, refusals, two raw partitions.

    Now and then somebody tries what a credential is good for: ten rows of one principal, most of them refused.
    `cluster` is the share of rows that are of a small Kubernetes cluster.
    """
    rng = np.random.default_rng(seed)
    gaps = rng.choice(
        [SECOND, 20 * SECOND, 5 * MINUTE, HOUR, 7 * HOUR, DAY], rows, p=[0.3, 0.25, 0.2, 0.15, 0.08, 0.02]
    )
    prober = np.repeat(np.where(rng.random(rows // 10 + 1) < 0.15, rng.integers(5, size=rows // 10 + 1), -1), 10)[:rows]
    gaps[prober >= 0] = SECOND
    time = START + np.cumsum(gaps) % (days * DAY)
    time = np.sort(time) + rng.integers(-15, 16, rows) * MINUTE * (rng.random(rows) < 0.1)
    found: list[UseRow] = []
    for at in range(rows):
        probing = prober[at] >= 0
        who = int(prober[at]) if probing else int(rng.integers(5))
        kind = KINDS[who % len(KINDS)]
        moved = rng.random() < 0.15
        net = int(rng.integers(6)) if moved else who % 3
        session = f"i-{rng.integers(2):08x}" if kind.endswith("instance") else ""
        key = int(rng.integers(2))
        activity = Activity(int(rng.choice(5, p=[0.86, 0.05, 0.03, 0.02, 0.04])))
        flags = int(rng.choice([0, Flag.TS_SUSPECT, Flag.ON_BEHALF], p=[0.96, 0.02, 0.02]))
        if rng.random() < 0.02:
            activity, flags = Activity.DECLARE, Flag.REACTIVATED
        now = int(time[at])
        found.append(
            UseRow(
                native_id=f"event-{seed}-{at}",
                source="use",
                time=now,
                realm=f"11112222333{who % 2}",
                account="111122223333",
                principal=f"principal-{who}",
                session=session,
                credential="" if rng.random() < 0.02 else f"CRED{who}{key}",
                parent=f"CRED{who}{1 - key}" if activity == Activity.ISSUE else "",
                peer_group=f"group-{who % 2}",
                address=f"198.51.{net}.{rng.integers(3)}" if rng.random() < 0.95 else "",
                client=CLIENTS[int(rng.integers(4)) if moved else who % 2],
                instance=session,
                delivery="2.0" if session and rng.random() < 0.9 else "",
                action=ACTIONS[int(rng.integers(len(ACTIONS)))] if probing or rng.random() < 0.05 else ACTIONS[who],
                activity=activity,
                kind=KIND_CODE[kind],
                actor_class=int(rng.choice([0, 1, 2], p=[0.3, 0.65, 0.05])),
                outcome=int(
                    rng.choice([Outcome.ALLOWED, Outcome.DENIED, Outcome.FAILED], p=REFUSED if probing else ACCEPTED)
                ),
                flags=flags,
                issued_at=now if activity == Activity.ISSUE else 0,
                expires_at=now + HOUR if activity in (Activity.ISSUE, Activity.RENEW) else 0,
                digest=at,
                ref_stream="stream",
                ref_offset=at,
                raw_partition=int(rng.random() < 0.2),
                raw_offset=at,
                append_time=now + int(rng.integers(0, 4)) * MINUTE if seed % 2 else 0,
            )
        )
        if cluster and rng.random() < cluster:
            found[-1] = found[-1]._replace(
                **cluster_row(rng, now, shares=seed % 4 == 3 and rng.random() < 0.2), expires_at=0
            )
    return found


def enriched(rows: list[UseRow], since: int = 0) -> list[UseRow]:
    """`rows` as assets of the row `since` on would have them: some networks without a provider, one with two of them.

    One address is an egress that was declared for everybody. Draws nothing, so that the rows stay what they were.
    """
    found = []
    for at, row in enumerate(rows):
        *network, host = row.address.split(".")
        provider = {"198.51.0": "cloud", "198.51.1": "cloud", "198.51.2": "hosting-1", "198.51.3": "hosting-2"}
        named = "AS64500" if host == "1" and network[-1] == "0" else provider.get(".".join(network), "")
        declared = row.address == "198.51.4.2"
        if at >= since and row.activity < Activity.TICK:
            row = row._replace(  # noqa: PLW2901
                provider="corporate:HQ" if declared else named,
                environment="production" if row.realm.endswith("0") else "",
                owner="payments" if row.principal.endswith("1") else "",
                flags=row.flags | (Flag.KNOWN_EGRESS if declared else 0),
            )
        found.append(row)
    return found


def interrupted(rows: list[UseRow], seed: int, said: list[Control]) -> list[UseRow]:
    """`rows` with ticks of both raw partitions between them, and `said` in the control partition, in this order."""
    rng = np.random.default_rng(seed)
    places = sorted(rng.integers(0, len(rows) + 1, len(said)).tolist())
    newest = max(row.append_time for row in rows) if rows else 0
    found: list[UseRow] = []
    for at, row in enumerate(rows):
        found.append(row)
        if rng.random() < 0.1:
            time = row.time + int(rng.integers(0, 30)) * MINUTE
            found.append(
                UseRow(
                    "",
                    "",
                    time,
                    activity=Activity.TICK,
                    raw_partition=int(rng.integers(2)),
                    raw_offset=at,
                    append_time=row.append_time + SECOND if newest else 0,
                )
            )
        for turn in (turn for turn, place in enumerate(places) if place == at):
            control = ControlSource().read([encode(said[turn])], "").rows[0]
            found.append(control._replace(native_id=f"control-{turn}", raw_partition=7, raw_offset=turn))
    return found


def cluster_row(rng: np.random.Generator, now: int, *, shares: bool) -> dict[str, Any]:
    """What a row of a small cluster says: kubelets, pods with short lives and returning names, their ends.

    Five nodes with an address each, which now and then they lose and swap, or share; pods show theirs and others'.
    """
    node, turn = int(rng.integers(5)), now // (12 * HOUR)
    host = 9 if shares else (node + turn // 6) % 5 if rng.random() < 0.98 else int(rng.integers(5))
    address = f"198.51.{host % 3}.{host}"
    said: dict[str, Any] = {
        "realm": "cluster", "account": "cluster", "peer_group": "cluster", "delivery": "", "issued_at": 0,
        "parent": "", "address": address, "client": CLIENTS[int(rng.choice(3, p=[0.8, 0.1, 0.1]))], "flags": 0,
        "node": f"node-{node}", "activity": Activity.USE,
    }  # fmt: skip
    if rng.random() < 0.5:
        name = f"system:node:node-{node}"
        return {
            **said, "principal": name, "kind": KIND_CODE["k8s.client-cert"], "session": "", "instance": "",
            "credential": name if rng.random() < 0.9 else "", "actor_class": 1,
        }  # fmt: skip
    which = int(rng.integers(2))
    uid = f"uid-{which}-{node}-{(turn + int(rng.integers(-1, 1) * (rng.random() < 0.4))) // 2}"
    pod = {**said, "instance": f"shop/web-{which}", "session": uid, "actor_class": 1}
    if rng.random() < 0.1:
        named = uid if rng.random() < 0.5 else ""
        return {
            **pod, "activity": Activity.END, "session": named, "principal": "", "credential": "", "kind": 0,
            "actor_class": 0,
        }  # fmt: skip
    return {
        **pod, "principal": f"system:serviceaccount:shop:web-{which}", "kind": KIND_CODE["k8s.bound-token"],
        "credential": f"JTI={uid}-{int(rng.integers(2))}",
        "activity": Activity.ISSUE if rng.random() < 0.05 else Activity.USE,
        "address": address if rng.random() < 0.6 else f"198.51.{(other := int(rng.integers(7))) % 3}.{other}",
    }  # fmt: skip


def batch_of(rows: list[UseRow]) -> UseBatch:
    """Rows as one batch with a table of its own."""
    return UseBatch.from_rows(rows, StringTable())


def cells(batch: UseBatch) -> list[tuple[Any, ...]]:
    """What the rows of a batch say, whatever its codes are: the values of `COLUMNS`."""
    return [
        tuple(batch.text(name, at) if name in TEXT_COLUMNS else getattr(batch, name)[at] for name in COLUMNS)
        for at in range(len(batch))
    ]


def cut(batch: UseBatch, sizes: list[int]) -> list[UseBatch]:
    """A batch cut into pieces of these sizes, taken in turn."""
    pieces, start, turn = [], 0, 0
    while start < len(batch):
        size = sizes[turn % len(sizes)]
        pieces.append(batch.take(slice(start, start + size)))
        start, turn = start + size, turn + 1
    return pieces
