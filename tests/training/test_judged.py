from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from detector.errors import InputError
from detector.simulate.tenant import Dataset
from detector.training.judged import BARE, Judged, judge
from detector.training.points import Points
from tests.training.conftest import SMALL


def test_a_tenant_is_judged_the_same_each_time(judged: Judged) -> None:
    again = judge(Dataset("dev", "ordinary", thefts=1), 0, [], **SMALL)
    assert again.facts.thefts == judged.facts.thefts
    for column in fields(Points):
        assert np.array_equal(getattr(again.points[BARE], column.name), getattr(judged.points[BARE], column.name))


def test_what_was_judged_is_read_back_as_it_was(judged: Judged, tmp_path: Path) -> None:
    judged.save(tmp_path / "one.npz")
    back = Judged.load(tmp_path / "one.npz")
    assert back.facts == judged.facts
    assert np.array_equal(back.days, judged.days)
    assert np.array_equal(back.points[BARE].score, judged.points[BARE].score)


def test_a_file_of_something_else_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "one.npz").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match=r"one\.npz: expected results of an evaluation.*delete it"):
        Judged.load(tmp_path / "one.npz")


def test_every_theft_has_its_uses_and_its_history(judged: Judged) -> None:
    assert judged.facts.thefts
    for theft in judged.facts.thefts:
        assert len(theft.event_ids) == len(theft.seconds) == len(set(theft.event_ids))
        assert list(theft.seconds) == sorted(theft.seconds)
    assert len(judged.facts.placebos) > 0.9 * len(judged.facts.thefts)
