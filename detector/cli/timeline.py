"""A simulated theft as a time line: what the owner did last, and what the thief did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from detector.cli.terminal import safe

if TYPE_CHECKING:
    from rich.console import Console

    from detector.simulate.call import Call
    from detector.simulate.fleet import Fleet
    from detector.simulate.truth import Theft

BEFORE: Final = 3  # uses of the owner before the first of the thief
SHOWN: Final = 24  # lines at most


def tell(console: Console, fleet: Fleet, theft: Theft) -> None:
    """Print the time line of one theft of a finished fleet: the thief's lines in red."""
    from rich.table import Table  # noqa: PLC0415 - `--help` must be quick

    line = calls_of(fleet, theft)
    table = Table("", "time", "from", "client", "what", "", box=None, header_style="bold", pad_edge=False)
    for call in line[:SHOWN]:
        table.add_row(*(safe(text, "red" if call.theft == theft.index else "") for text in _row(call, theft)))
    console.print(table)
    if len(line) > SHOWN:
        console.print(safe(f"and {len(line) - SHOWN} more", "dim"))


def calls_of(fleet: Fleet, theft: Theft) -> list[Call]:
    """The thief's calls, the owner's among them, and the last few before, in order of time."""
    malicious = [call for call in fleet.calls if call.theft == theft.index]
    owners = {caller for caller, owner in fleet.callers.items() if owner.name in theft.principals}
    own = [call for call in fleet.calls if call.theft < 0 and id(call.caller) in owners]
    first, last = theft.seconds[0], theft.seconds[-1]
    before = [call for call in own if call.second < first][-BEFORE:]
    among = [call for call in own if first <= call.second <= last]
    return sorted((*before, *among, *malicious), key=lambda call: (call.second, call.event_id))


def _row(call: Call, theft: Theft) -> tuple[str, ...]:
    who = "thief" if call.theft == theft.index else "owner"
    when = datetime.fromtimestamp(call.second, UTC).strftime("%a %d %b %H:%M:%S")
    action = call.action.text + (f" {call.action.resource}" if call.action.resource else "")
    where = call.context.address + (f" {call.context.endpoint}" if call.context.endpoint else "")
    return who, when, where, call.context.client.partition(" ")[0], action, call.error
