"""Scenarios of detections: a small fleet with a week of history, then the uses the scenario is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from detector.alert import Alert
from detector.bundle import Bundle, load_bundle
from detector.detections.base import load_detections
from detector.domain import DAY, HOUR, KIND_CODE, MINUTE, SECOND, Activity, ActorClass, Outcome, StringTable, UseBatch
from detector.domain import UseRow as Use
from detector.pipeline import Configuration, Pipeline

START = 1_767_571_200 * SECOND  # 2026-01-05T00:00:00Z
THEFT = START + 7 * DAY
BOTO = "Boto3/1.34.0 md/Botocore#1.34.0 md/awscrt#0.20 os/linux#6.1 lang/python#3.11"
BOTO_NEXT = "Boto3/2.0.0 md/Botocore#2.0.0 md/awscrt#0.20 os/linux#6.1 lang/python#3.12"
CLI = "aws-cli/2.15.30 Python/3.11.8 Linux/6.5 exe/x86_64.kali.2024"
AGENT = "aws-sdk-go/1.44.260 (go1.20; linux; amd64) amazon-ssm-agent/"
ROLE = "arn:aws:iam::111122223333:role/app/orders#instance"
USER = "arn:aws:iam::111122223333:user/svc/backup"


@cache
def bundle() -> Bundle:
    """The shipped priors."""
    return load_bundle(Path(__file__).parents[2] / "models" / "default")


def use(at: int, **columns: object) -> Use:
    """A use at `at` microseconds: an IAM user's key from its home, unless columns say otherwise."""
    told: dict[str, object] = {
        "native_id": "", "source": "use", "time": at, "realm": "111122223333", "account": "111122223333",
        "principal": USER, "credential": "AKIAEXAMPLE0000000", "peer_group": "111122223333|aws.access-key|/svc/",
        "address": "198.51.100.7", "client": BOTO, "action": "s3:GetObject", "region": "eu-west-1",
        "kind": KIND_CODE["aws.access-key"], "actor_class": ActorClass.WORKLOAD, "outcome": Outcome.ALLOWED,
    }  # fmt: skip
    return Use(**{**told, **columns})  # type: ignore[arg-type]


def instance(at: int, which: int = 0, key: str = "", **columns: object) -> Use:
    """A use by an instance session of one role; each instance has its own address in one prefix."""
    name = f"i-0{which:016x}"
    told: dict[str, object] = {
        "principal": ROLE, "session": name, "instance": name, "credential": key or f"ASIA{which:016d}",
        "kind": KIND_CODE["aws.session/instance"], "peer_group": "111122223333|aws.session/instance|/app/",
        "address": f"198.51.100.{20 + which}", "delivery": "2.0",
    }  # fmt: skip
    return use(at, **{**told, **columns})


def week() -> list[Use]:
    """Seven days: a user's key and three peers, four instances of a role, each used every three hours."""
    rows = []
    for hour in range(0, 7 * 24, 3):
        at = START + hour * HOUR
        rows.append(use(at + MINUTE))
        for peer in range(3):
            columns = {"principal": f"{USER}-{peer}", "credential": f"AKIAPEER{peer}", "address": f"198.51.100.{peer}"}
            rows.append(use(at + (peer + 2) * MINUTE, **columns))
            rows.append(use(at + (peer + 2) * MINUTE + SECOND, **{**columns, "address": f"203.0.113.{peer}"}))
        rows += [instance(at + (6 + which) * MINUTE, which) for which in range(4)]
    return rows


@cache
def alerts(uses: Callable[[], Sequence[Use]]) -> tuple[Alert, ...]:
    """What the week and then these uses cause."""
    rows = sorted([*week(), *uses()], key=lambda row: row.time)
    rows = [
        row._replace(native_id=f"event-{at}", raw_offset=at, ref_stream="log", ref_offset=at)
        for at, row in enumerate(rows)
    ]
    pipeline = Pipeline(bundle(), Configuration.of(load_detections()))
    return tuple(one.alert for one in pipeline.process(UseBatch.from_rows(rows, StringTable())))


@dataclass(frozen=True, slots=True)
class Scenario:
    """`uses()` after a week of history; `run()` says whether an incident names `detection`."""

    name: str
    detection: str
    fires: bool
    uses: Callable[[], Sequence[Use]]

    def run(self) -> bool:
        """Whether the detection fired. A quiet scenario must cause no incident of any detection."""
        found = alerts(self.uses)
        return any(self.detection in alert.detections for alert in found) if self.fires else bool(found)


def interleaved(own: Callable[[int], Use], other: Callable[[int], Use], times: int = 5) -> list[Use]:
    """Own and other in turn, two minutes apart, from the day of the theft."""
    return [
        row for turn in range(times) for row in (own(THEFT + 4 * turn * MINUTE), other(THEFT + (4 * turn + 2) * MINUTE))
    ]


def handover(own: Callable[[int], Use], other: Callable[[int], Use], times: int = 6) -> list[Use]:
    """Own, then only the other."""
    return [own(THEFT + turn * MINUTE) for turn in range(times)] + [
        other(THEFT + (times + turn) * MINUTE) for turn in range(times)
    ]


__all__ = [
    "AGENT", "BOTO", "BOTO_NEXT", "CLI", "DAY", "HOUR", "MINUTE", "ROLE", "SECOND", "START", "THEFT", "USER",
    "Activity", "Outcome", "Scenario", "Use", "alerts", "handover", "instance", "interleaved", "use", "week",
]  # fmt: skip
