"""What is refused before a record is read: addresses that are none, and positions whose records are gone."""

from __future__ import annotations

from detector.errors import ConfigError


def check_addresses(bootstrap: str) -> str:
    """`bootstrap` itself. Raises ConfigError unless it is host:port[,host:port…]."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ConfigError(f"kafka.bootstrap: expected host:port[,host:port…], found {bootstrap!r}")
    return bootstrap


def check_position(place: str, position: int, *, earliest: int, latest: int, group: str) -> None:
    """Raise ConfigError when the records from `position` on are not all there.

    `place` names the partition; `earliest` is its first retained offset and `latest` the one its next record gets.
    """
    if earliest <= position <= latest:
        return
    found = (
        f"the earliest retained one is {earliest}: {earliest - position} unread records were deleted by retention"
        if position < earliest
        else f"the topic ends at {latest}: it was created anew or truncated"
    )
    raise ConfigError(
        f"kafka {place}: expected to read on from offset {position} (group {group}), but {found}; to accept that and "
        "go on, set kafka.group to a new name or reset this group's offsets"
    )
