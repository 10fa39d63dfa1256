from __future__ import annotations

from detector.training.baselines.base import fitted_until
from detector.training.baselines.truncated_svd import TruncatedSVD
from tests.training.uses_of import DAY, HOUR, Use, drawn, uses_of

HOMES = {f"worker-{number}": f"198.51.{number // 3}.7" for number in range(9)}  # three share each prefix
WEEK = [
    Use(hour * HOUR + number, worker, worker, address=home)
    for hour in range(24 * 7)
    for number, (worker, home) in enumerate(HOMES.items())
]


def after(worker: str, address: str) -> float:
    """The score of one use on the eighth day."""
    return float(TruncatedSVD().score(uses_of(*WEEK, Use(7 * DAY, worker, worker, address=address)))[-1])


def test_a_pair_that_does_not_go_together_scores_higher_than_one_that_does() -> None:
    assert after("worker-0", "198.51.2.7") > 5 * after("worker-0", "198.51.0.7")


def test_a_half_is_the_score_of_what_was_never_seen() -> None:
    assert after("worker-0", "203.0.113.9") == 0.5
    assert after("newcomer", "198.51.0.7") == 0.5


def test_it_is_silent_without_an_address_and_while_it_is_fitted() -> None:
    uses = drawn(9)

    assert after("worker-0", "") == 0
    assert not TruncatedSVD().score(uses)[: fitted_until(uses)].any()


def test_a_tenant_that_is_too_small_is_never_scored_as_familiar() -> None:
    score = TruncatedSVD().score(uses_of(Use(0), Use(8 * DAY)))

    assert score.tolist() == [0, 0.5]
