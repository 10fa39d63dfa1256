from __future__ import annotations

from datetime import UTC, datetime

import pytest

from detector.simulate.call import Action, stamp


@pytest.mark.parametrize("second", [1_767_571_200, 1_767_571_199, 1_772_323_199, 951_782_400, 0])
def test_a_second_is_written_as_logs_write_times(second: int) -> None:
    assert stamp(second) == datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_action_is_named_by_service_and_operation() -> None:
    assert Action("s3", "GetObject", resource="bucket").text == "s3:GetObject"
