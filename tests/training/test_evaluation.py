from __future__ import annotations

from pathlib import Path

from detector.training.evaluation import Plan, evaluate, fingerprint
from detector.training.judged import BARE, ENRICHED
from tests.training.conftest import SMALL

PLAN = Plan(splits=("dev",), tiers=("ordinary",), tenants=2, thefts=1, chosen=SMALL, baselines=("new_terms_address",))


def test_an_evaluation_that_was_stopped_goes_on_and_says_the_same(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    first = evaluate(PLAN, tmp_path, lambda *one: told.append(one), workers=2)
    assert sorted(told) == [("dev/ordinary", 0), ("dev/ordinary", 1)]
    files = sorted(tmp_path.iterdir())
    kept = files[0].stat().st_mtime_ns
    files[1].unlink()
    again = evaluate(PLAN, tmp_path, lambda *_: None, workers=2)
    assert files[0].stat().st_mtime_ns == kept
    for one, other in zip(first.rows, again.rows, strict=True):
        assert (one.natural, one.budget, one.curve) == (other.natural, other.budget, other.curve)
    assert {row.method for row in first.rows} == {BARE, ENRICHED, "new_terms_address"}


def test_results_of_another_plan_are_not_mistaken_for_these() -> None:
    assert fingerprint(PLAN) != fingerprint(Plan(chosen={"days": 9.0}))
    assert fingerprint(PLAN) == fingerprint(PLAN)
