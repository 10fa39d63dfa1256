"""Tokens of pods that are gone, and pods that only seem to be."""

from __future__ import annotations

from typing import Any

from tests.detections.cluster import CURL, FAR, cluster_week, ended, kubelet, pod
from tests.detections.scenario import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    THEFT,
    Outcome,
    Scenario,
    Use,
    alerts,
)

DETECTION = "replay.after_workload_end"


def before(at: int) -> list[Use]:
    """The cluster, with the pod of node 0 until `at`."""
    return [row for row in cluster_week(until=THEFT + DAY) if row.session != "uid-0" or row.time < at]


def outlives_its_pod() -> list[Use]:
    return [*before(THEFT), ended(THEFT, 0, "uid-0"), *(pod(THEFT + hour * HOUR + MINUTE) for hour in range(1, 6))]


def ended_by_name() -> list[Use]:
    return [*before(THEFT), ended(THEFT), *(pod(THEFT + hour * HOUR + MINUTE) for hour in range(1, 6))]


def never_seen_alive() -> list[Use]:
    """A token is taken from a pod that never used it, and used elsewhere when the pod is gone."""
    taken = {"uid": "uid-mute", "instance": "shop/mute", "address": FAR, "client": CURL}
    return [
        *before(THEFT + DAY),
        ended(THEFT, 0, "uid-mute", instance="shop/mute"),
        *(pod(THEFT + hour * HOUR + MINUTE, 0, **taken) for hour in range(1, 6)),
    ]


def next_of_a_stateful_set() -> list[Use]:
    """web-0 is deleted and started again every three hours, with seconds between."""
    rows = before(THEFT)
    for turn in range(7):
        at = THEFT + turn * 3 * HOUR + 5 * MINUTE
        rows += [pod(at + 3 * SECOND + minute * MINUTE, 0, f"uid-0-{turn}") for minute in range(0, 175, 5)]
        rows.append(ended(at + 3 * HOUR - 5 * SECOND))
    return rows


def grace_period() -> list[Use]:
    return [*before(THEFT), ended(THEFT, 0, "uid-0"), *(pod(THEFT + second * SECOND) for second in range(-5, 31, 5))]


def refused() -> list[Use]:
    retries = [pod(THEFT + hour * HOUR, outcome=Outcome.FAILED) for hour in range(1, 20)]
    return [*before(THEFT), ended(THEFT, 0, "uid-0"), *retries]


def log_delay() -> list[Use]:
    return [*before(THEFT), ended(THEFT, 0, "uid-0"), *(pod(THEFT + turn * 20 * SECOND) for turn in range(1, 25))]


def another_cluster() -> list[Use]:
    """Two clusters in one realm have a shop/web-0 each; that of the other one is removed."""
    other: dict[str, Any] = {"account": "stage"}
    return [
        *before(THEFT + DAY),
        *(kubelet(THEFT + turn * HOUR, **other) for turn in range(10)),
        pod(THEFT + MINUTE, 0, "uid-stage", **other),
        ended(THEFT + HOUR, 0, **other),
    ]


SCENARIOS = (
    Scenario("used hours after its pod was removed", DETECTION, fires=True, uses=outlives_its_pod),
    Scenario("the end names the pod and not its uid", DETECTION, fires=True, uses=ended_by_name),
    Scenario("the pod was never seen alive", DETECTION, fires=True, uses=never_seen_alive),
    Scenario("next pod of a StatefulSet under the same name", DETECTION, fires=False, uses=next_of_a_stateful_set),
    Scenario("last requests of a pod within its grace period", DETECTION, fires=False, uses=grace_period),
    Scenario("refused retries after the end", DETECTION, fires=False, uses=refused),
    Scenario("log delay around the end", DETECTION, fires=False, uses=log_delay),
    Scenario("pod of the same name in another cluster of the realm", DETECTION, fires=False, uses=another_cluster),
)


def test_the_reason_says_which_pod_and_how_long_after_its_end() -> None:
    first = alerts(outlives_its_pod)[0]
    assert first.credential.kind == "k8s.bound-token"
    assert first.title.startswith("Token of pod shop/web-0 was accepted after the pod was gone")
    (reason,) = [one for one in first.reasons if one.facet == "workload_end"]
    assert reason.observed == "accepted 61 min after pod shop/web-0 ended"


def test_the_evidence_begins_with_the_first_hour() -> None:
    """Ten minutes after the end support, an hour accuses."""
    contributions = [
        reason.contribution for alert in alerts(outlives_its_pod) for reason in alert.reasons
        if reason.facet == "workload_end"
    ]  # fmt: skip
    assert contributions[0] == 11
