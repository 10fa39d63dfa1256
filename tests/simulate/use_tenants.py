"""Tenants of populations that are logged as `use` JSON, and what the source of it makes of them."""

from __future__ import annotations

from collections.abc import Iterable

from detector.domain import KINDS, Activity, UseRow
from detector.simulate.call import Call
from detector.simulate.fleet import Fleet
from detector.simulate.populations.base import Population
from detector.sources.use import Use
from tests.simulate.tenants import tenant

SECOND = 1_000_000
JUDGED = (Activity.USE, Activity.EXCHANGE, Activity.RENEW)


def lived(population: Population, principals: int = 1200, days: int = 9, **chosen: float) -> Fleet:
    """A tenant of `population` alone, in which every member of it has a chance to appear."""
    return tenant(population, seed=1, tier="ordinary", principals=principals, days=days, **chosen)


def rows_of(calls: Iterable[Call]) -> list[UseRow]:
    """What the source reads, one row a call; everything must be readable."""
    calls = list(calls)
    records = [call.caller.render(call) for call in calls]
    assert all(Use.recognises(record) for record in records)
    reading = Use().read(records, "unknown")
    assert not reading.rejected
    assert [row.native_id for row in reading.rows] == [call.event_id for call in calls]
    return reading.rows


def judged(rows: Iterable[UseRow]) -> list[UseRow]:
    """The rows that are uses, and not statements about credentials."""
    return [row for row in rows if row.activity in JUDGED]


def told_as_held(fleet: Fleet, *kinds: str) -> list[UseRow]:
    """All rows, once it is sure that `kinds` all appear and that what is read of every use is what is held."""
    rows = rows_of(fleet.calls)
    held = {holding.credential: holding for holding in fleet.holdings}
    begins: dict[str, int] = {}  # a shared key is held several times
    for holding in fleet.holdings:
        begins[holding.credential] = min(holding.start, begins.get(holding.credential, holding.start))
    for row in judged(rows):
        holding = held[row.credential]
        told = (KINDS[row.kind].label, row.realm, row.principal, row.session)
        assert told == (holding.kind, holding.principal.realm, holding.principal.name, holding.session)
        assert row.peer_group == f"{row.realm}|{told[0]}|{holding.principal.group.path}"
        assert begins[row.credential] * SECOND <= row.time < holding.end * SECOND
        assert row.address
        assert row.client
        assert row.action
    assert {KINDS[row.kind].label for row in judged(rows)} == set(kinds)
    assert {holding.kind for holding in fleet.holdings} == set(kinds)
    assert all(holding.principal.group.unusual and holding.principal.group.tools for holding in fleet.holdings)
    return rows
