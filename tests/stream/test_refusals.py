from __future__ import annotations

import pytest

from detector.errors import ConfigError
from detector.stream.base import Bounds, Partition
from detector.stream.refusals import check_addresses, check_retained


@pytest.mark.parametrize("bootstrap", ["localhost:9092", "a.example:1,b.example:65535", "[::1]:9092", "a:1, b:2"])
def test_lists_of_addresses_are_taken(bootstrap: str) -> None:
    assert check_addresses(bootstrap) == bootstrap


@pytest.mark.parametrize(
    "bootstrap", ["localhost", "localhost:port", "localhost:99999", ":9092", "a:1,,b:2", "", "a:²"]
)
def test_an_address_that_is_none_is_a_settings_error(bootstrap: str) -> None:
    with pytest.raises(ConfigError, match=r"kafka\.bootstrap: expected host:port"):
        check_addresses(bootstrap)


@pytest.mark.parametrize("offset", [5, 6, 9, 10])
def test_records_that_are_retained_or_not_written_yet_can_be_read_on(offset: int) -> None:
    check_retained(Partition("uses", 3), offset, Bounds(5, 10), "do something")


@pytest.mark.parametrize(
    ("offset", "found"),
    [
        (3, "the earliest retained one is 5: 2 unread records were deleted by retention"),
        (11, "it ends at 10: the topic was created anew or truncated"),
    ],
)
def test_records_that_are_gone_are_refused_with_what_to_do(offset: int, found: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check_retained(Partition("uses", 3), offset, Bounds(5, 10), "do something")

    assert str(raised.value) == (
        f"kafka uses/3: expected to read on from offset {offset}, but {found}; to accept that, do something"
    )
