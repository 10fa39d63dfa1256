from __future__ import annotations

import inspect

import pytest

from detector import errors
from detector.errors import ConfigError, DeliveryFailed, DetectorError, Disposition, RecordError, StreamUnavailable

TREE = sorted(
    (one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, DetectorError)),
    key=lambda one: one.__name__,
)


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_the_tree_in_the_docstring_says_what_each_class_does(error: type[DetectorError]) -> None:
    """Operators and the command line read that tree; it must not lie."""
    assert errors.__doc__ is not None
    line = next((line for line in errors.__doc__.splitlines() if f"── {error.__name__} " in line), "")
    if error is DetectorError:
        return
    assert error.disposition.name in line
    if error.disposition is not Disposition.DEAD_LETTER:
        assert f"exit {error.exit_code}" in line


def test_only_a_bad_record_is_a_dead_letter() -> None:
    dead = [error for error in TREE if error.disposition is Disposition.DEAD_LETTER]

    assert dead == [RecordError]


def test_a_bad_record_keeps_its_reason_apart_for_the_metric_label() -> None:
    error = RecordError("bad_time", "expected an ISO 8601 time")

    assert (error.reason, error.detail) == ("bad_time", "expected an ISO 8601 time")
    assert str(error) == "bad_time: expected an ISO 8601 time"


def test_every_problem_of_the_settings_is_told_at_once() -> None:
    assert str(ConfigError(["a.yaml:1:1: one", "a.yaml:2:5: two"])) == "a.yaml:1:1: one\na.yaml:2:5: two"
    assert ConfigError("alone").problems == ["alone"]


def test_a_failed_delivery_can_become_a_dead_letter_but_is_tried_again_first() -> None:
    error = DeliveryFailed("failed", "HTTP 500")

    assert isinstance(error, RecordError)
    assert (error.disposition, error.reason) == (Disposition.RETRY, "failed")


def test_whoever_does_not_answer_may_say_how_long_to_wait() -> None:
    assert StreamUnavailable("no answer").retry_after == 0.0
    assert StreamUnavailable("busy", retry_after=7.0).retry_after == 7.0
