from __future__ import annotations

import pytest

from detector.errors import ConfigError
from detector.stream.refusals import check_addresses, check_position


@pytest.mark.parametrize("bootstrap", ["localhost:9092", "a.example:1,b.example:65535", "[::1]:9092", "a:1, b:2"])
def test_lists_of_addresses_are_taken(bootstrap: str) -> None:
    assert check_addresses(bootstrap) == bootstrap


@pytest.mark.parametrize(
    "bootstrap", ["localhost", "localhost:port", "localhost:99999", ":9092", "a:1,,b:2", "", "a:²"]
)
def test_an_address_that_is_none_is_a_settings_error(bootstrap: str) -> None:
    with pytest.raises(ConfigError, match=r"kafka\.bootstrap: expected host:port"):
        check_addresses(bootstrap)


@pytest.mark.parametrize("position", [4, 7, 9])
def test_a_position_between_the_first_record_and_the_end_is_taken(position: int) -> None:
    check_position("raw/0", position, earliest=4, latest=9, group="detector")


@pytest.mark.parametrize(
    ("position", "said"),
    [(3, "earliest retained one is 4: 1 unread records were deleted"), (10, "ends at 9: it was created anew")],
)
def test_a_gap_is_refused_with_what_is_missing_and_what_to_do(position: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        check_position("raw/0", position, earliest=4, latest=9, group="detector")
    assert "raw/0" in str(raised.value)
    assert "kafka.group" in str(raised.value)
