from __future__ import annotations

from typing import Any

import pytest

from detector.domain import DAY, HOUR, KIND_CODE, MINUTE, SECOND, Flag, Outcome, UseRow
from detector.scoring.evidence import WORKLOAD_END
from tests.detections.cluster import ended, kubelet, pod
from tests.uses import START, Mind

END = START + DAY


def score(*rows: UseRow) -> list[float]:
    """Nats of rows that follow the end of a pod, which was learnt at a close."""
    mind = Mind()
    mind.learn([pod(START), ended(END, 0, "uid-0")])
    return mind.nats(WORKLOAD_END, *rows)


@pytest.mark.parametrize(
    ("overrun", "nats"),
    [
        (-HOUR, 0), (0, 0), (30 * SECOND, 0), (120 * SECOND, 0), (599 * SECOND, 0), (10 * MINUTE, 5),
        (HOUR - SECOND, 5), (HOUR, 11), (6 * DAY, 11),
    ],
)  # fmt: skip
def test_use_after_the_end_counts_in_steps_with_the_time_since(overrun: int, nats: float) -> None:
    assert score(pod(END + overrun)) == [nats]


@pytest.mark.parametrize(
    ("outcome", "nats"), [(Outcome.ALLOWED, 11), (Outcome.UNKNOWN, 11), (Outcome.DENIED, 0), (Outcome.FAILED, 0)]
)
def test_a_refused_use_is_no_evidence(outcome: Outcome, nats: float) -> None:
    assert score(pod(END + HOUR, outcome=outcome)) == [nats]


@pytest.mark.parametrize("columns", [{"flags": Flag.ON_BEHALF}, {"kind": KIND_CODE["k8s.legacy-token"]}])
def test_what_is_no_scored_use_of_a_pods_token_is_no_evidence(columns: dict[str, Any]) -> None:
    assert score(pod(END + HOUR, **columns)) == [0]


def test_other_pods_go_on() -> None:
    assert score(pod(END + HOUR, 1), pod(END + HOUR, 0, "uid-next"), kubelet(END + HOUR)) == [0, 0, 0]


def test_event_times_are_compared_and_not_arrivals() -> None:
    assert score(pod(END + HOUR), pod(END - HOUR), pod(END + HOUR)) == [11, 0, 11]


def test_an_end_counts_from_its_close_on() -> None:
    assert Mind().nats(WORKLOAD_END, pod(START), ended(START, 0, "uid-0"), pod(START + DAY)) == [0, 0, 0]
