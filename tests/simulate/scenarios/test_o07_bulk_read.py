from __future__ import annotations

from itertools import pairwise

from detector.simulate.scenarios.o07_bulk_read import BulkRead
from detector.simulate.world import HOUR
from tests.simulate.scenarios.scope_fleets import AGENT, stolen, suits


def test_usual_reads_are_made_by_the_hundred_on_things_that_only_others_read() -> None:
    played = stolen(BulkRead(), "entra.client-secret", "S2", count=12)

    own = played.victim.principal.group.repertoire.actions
    assert len(played.calls) >= 40
    assert {call.action.text for call in played.calls} <= {action.text for action in own}
    assert not {call.action.resource for call in played.calls} & {action.resource for action in own}
    assert {call.context.client for call in played.calls} == {AGENT}


def test_who_hides_takes_hours() -> None:
    quick = stolen(BulkRead(), "entra.client-secret", "S1")
    slow = stolen(BulkRead(), "entra.client-secret", "S3")

    assert quick.calls[-1].second - quick.calls[0].second <= HOUR
    assert slow.calls[-1].second - slow.calls[0].second > 4 * HOUR
    assert all(before.second <= after.second for before, after in pairwise(slow.calls))


def test_who_reads_nothing_that_has_siblings_is_left_alone() -> None:
    assert not suits(BulkRead(), "api-key")
