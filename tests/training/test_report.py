from __future__ import annotations

import numpy as np

from detector.training.judged import BARE, Judged
from detector.training.report import Method, Pooled, rows_of, sizes_of

DETECTOR = Method(BARE, "This detector", "here", 10.0)


def test_tenants_are_pooled_without_mixing_principals_thefts_or_causes(judged: Judged) -> None:
    pooled = Pooled.of([judged, judged])
    assert len(pooled.field.thefts) == 2 * len(judged.facts.thefts)
    assert [theft.index for theft in pooled.field.thefts] == list(range(len(pooled.field.thefts)))
    assert pooled.field.principal_days == 2 * len(judged.days)
    assert len(np.unique(pooled.field.days)) == 2 * len(np.unique(judged.days))
    half = len(judged.points[BARE])
    both = pooled.points[BARE]
    assert not set(both.principal[:half].tolist()) & set(both.principal[half:].tolist())


def test_figures_of_two_copies_are_those_of_one(judged: Judged) -> None:
    one = rows_of("dev/ordinary", [judged], [DETECTOR], {})[0]
    two = rows_of("dev/ordinary", [judged, judged], [DETECTOR], {})[0]
    assert one.natural is not None
    assert two.natural is not None
    assert two.natural.detectable.value == one.natural.detectable.value
    assert two.natural.per_10k == one.natural.per_10k


def test_recall_grows_along_the_curve_and_thresholds_of_dev_are_counted_on_test(judged: Judged) -> None:
    row = rows_of("test/ordinary", [judged], [DETECTOR], {BARE: {"5": 10.0}})[0]
    recalls = [recall for _, recall in row.curve]
    assert recalls == sorted(recalls)
    assert row.natural is not None
    assert row.transferred == {"5": row.natural.per_10k}


def test_sizes_count_what_there_is(judged: Judged) -> None:
    sizes = sizes_of([judged])
    assert sizes["thefts"] == len(judged.facts.thefts)
    assert sizes["principal_days"] >= sizes["principals"] > 0
