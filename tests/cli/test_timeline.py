from __future__ import annotations

import io

from detector.cli.terminal import stdout
from detector.cli.timeline import BEFORE, SHOWN, calls_of, tell
from detector.simulate.scenarios.o07_bulk_read import BulkRead
from detector.simulate.scenarios.o08_secrets_sweep import SecretsSweep
from tests.simulate.scenarios.scope_fleets import stolen


def test_a_time_line_begins_with_the_owner_and_shows_both_in_order() -> None:
    played = stolen(SecretsSweep(), "entra.client-secret", "S3", style="mimic")
    (theft,) = played.fleet.thefts

    line = calls_of(played.fleet, theft)

    assert [call.theft for call in line[: BEFORE + 1]] == [-1] * BEFORE + [0]
    assert {call.theft for call in line[BEFORE:]} == {-1, 0}, "the owner goes on meanwhile"
    assert [call.second for call in line] == sorted(call.second for call in line)
    assert [call.event_id for call in line if call.theft == 0] == list(theft.event_ids)


def test_a_long_one_is_cut_and_says_how_much_is_left() -> None:
    played = stolen(BulkRead(), "entra.client-secret", "S1")
    (theft,) = played.fleet.thefts
    text = io.StringIO()

    tell(stdout(text), played.fleet, theft)

    lines = text.getvalue().splitlines()
    assert lines[1].startswith("owner")
    assert lines[1 + BEFORE].startswith("thief")
    assert lines[-1] == f"and {len(calls_of(played.fleet, theft)) - SHOWN} more"
