"""What is refused before a record is read: addresses that are none, and positions whose records are gone."""

from __future__ import annotations

from detector.errors import ConfigError
from detector.stream.base import Bounds, Partition


def check_addresses(bootstrap: str) -> str:
    """`bootstrap` itself. Raises ConfigError unless it is host:port[,host:port…]."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ConfigError(f"kafka.bootstrap: expected host:port[,host:port…], found {bootstrap!r}")
    return bootstrap


def check_retained(partition: Partition, offset: int, bounds: Bounds, remedy: str) -> None:
    """Raise ConfigError, with the `remedy`, when the records from `offset` on are not all there."""
    if bounds.earliest <= offset <= bounds.end:
        return
    found = (
        f"the earliest retained one is {bounds.earliest}: {bounds.earliest - offset} unread records were deleted by "
        "retention"
        if offset < bounds.earliest
        else f"it ends at {bounds.end}: the topic was created anew or truncated"
    )
    raise ConfigError(
        f"kafka {partition}: expected to read on from offset {offset}, but {found}; to accept that, {remedy}"
    )
