"""Random streams of uses: few principals, addresses and clients, so that everything meets everything."""

from __future__ import annotations

import numpy as np

from detector.domain import DAY, HOUR, KIND_CODE, MINUTE, SECOND, Activity, Flag, Outcome, StringTable, UseBatch, UseRow

START = 1_767_571_200 * SECOND  # 2026-01-05T00:00:00Z
KINDS = ("aws.access-key", "aws.session/instance", "aws.session/assumed")
CLIENTS = (
    "Boto3/1.34.0 md/Botocore#1.34.0 os/linux#6.1",
    "aws-cli/2.15.0 Python/3.11 Linux/6.1",
    "aws-sdk-go/1.44.0 (go1.21; linux; amd64)",
    "",
)


def random_rows(seed: int, rows: int = 300, days: int = 9) -> list[UseRow]:
    """Rows in arrival order: mostly calm, with moves, returns, late rows, lifecycle, refusals, two raw partitions."""
    rng = np.random.default_rng(seed)
    gaps = rng.choice(
        [SECOND, 20 * SECOND, 5 * MINUTE, HOUR, 7 * HOUR, DAY], rows, p=[0.3, 0.25, 0.2, 0.15, 0.08, 0.02]
    )
    time = START + np.cumsum(gaps) % (days * DAY)
    time = np.sort(time) + rng.integers(-15, 16, rows) * MINUTE * (rng.random(rows) < 0.1)
    found = []
    for at in range(rows):
        who = int(rng.integers(5))
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
                action="s3:GetObject" if rng.random() < 0.8 else "iam:CreateAccessKey",
                activity=activity,
                kind=KIND_CODE[kind],
                actor_class=int(rng.choice([0, 1, 2], p=[0.3, 0.65, 0.05])),
                outcome=int(rng.choice([Outcome.ALLOWED, Outcome.DENIED, Outcome.FAILED], p=[0.85, 0.1, 0.05])),
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
    return found


def batch_of(rows: list[UseRow]) -> UseBatch:
    """Rows as one batch with a table of its own."""
    return UseBatch.from_rows(rows, StringTable())


def cut(batch: UseBatch, sizes: list[int]) -> list[UseBatch]:
    """A batch cut into pieces of these sizes, taken in turn."""
    pieces, start, turn = [], 0, 0
    while start < len(batch):
        size = sizes[turn % len(sizes)]
        pieces.append(batch.take(slice(start, start + size)))
        start, turn = start + size, turn + 1
    return pieces
