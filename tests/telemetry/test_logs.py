from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from detector.telemetry import events
from detector.telemetry.logs import MAX_FIELD, configure, log_event


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    configure(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_alert_is_one_json_line_with_its_ids(out: io.StringIO) -> None:
    log_event(events.AlertWritten("A1", "I1", "high", "replay.new_origin"))
    (line,) = lines(out)
    assert line["event"] == "alert written"
    assert (line["alert"], line["incident_id"], line["severity"]) == ("A1", "I1", "high")
    assert line["level"] == "info"


def test_an_alert_in_shadow_is_told_as_such(out: io.StringIO) -> None:
    log_event(events.AlertShadowed("A1", "I1", "high", "replay.new_origin"))
    (line,) = lines(out)
    assert (line["event"], line["alert"], line["level"]) == ("alert shadowed", "A1", "info")


def test_batches_commits_and_lag_are_metrics_and_no_lines(out: io.StringIO) -> None:
    log_event(events.BatchProcessed({}, 0.1))
    log_event(events.CommitDone("raw", {0: 1}))
    log_event(events.LagMeasured("detector-ingest", "raw", {0: 1}))
    log_event(events.LoopLagMeasured(0.1))
    assert out.getvalue() == ""


def test_what_is_retried_or_set_aside_is_a_warning(out: io.StringIO) -> None:
    log_event(events.StreamRetried("write", 2, "no answer"))
    log_event(events.RecordsRejected({"json": 1}, "dead.ndjson"))
    log_event(events.RecordsRejected({"not_json": 2}, "dead-letters"))
    log_event(events.DeliveryRetried("soc", 1, "HTTP 503"))
    assert [line["level"] for line in lines(out)] == ["warning"] * 4


def test_an_alert_that_a_destination_does_not_get_is_an_error(out: io.StringIO) -> None:
    log_event(events.DeliveryRefused("soc", "A1", "I1", "refused", "HTTP 422"))
    log_event(events.DeliverySuspended("soc", "HTTP 410"))
    assert [(line["event"], line["level"]) for line in lines(out)] == [
        ("delivery refused", "error"),
        ("delivery suspended", "error"),
    ]


@pytest.mark.parametrize(
    "hostile", ["a\nb", "\x1b[2Jgone", "\r{}", "\u202eevil", "\u2028", "\x9b31m", "lone \ud800", "\x00"]
)
def test_what_a_log_says_cannot_forge_a_line_or_reach_a_terminal(out: io.StringIO, hostile: str) -> None:
    log_event(events.StreamRetried("write", 1, hostile))
    raw = out.getvalue()
    assert raw.count("\n") == 1
    assert not any(mark in raw[:-1] for mark in "\n\r\x1b\x9b\x00\u202e\u2028\ud800")
    assert "\\u" in str(lines(out)[0]["detail"])


def test_a_terminal_gets_readable_lines_without_the_controls_of_a_log(out: io.StringIO) -> None:
    terminal = Terminal()
    configure(terminal)
    log_event(events.StreamRetried("write", 1, "x\x1b]0;owned\x07"))
    assert "stream retried" in terminal.getvalue()
    assert "\x1b]0;" not in terminal.getvalue()


def test_a_long_field_is_cut_and_says_how_long_it_was(out: io.StringIO) -> None:
    log_event(events.StreamRetried("write", 1, "x" * (MAX_FIELD + 1000)))
    detail = str(lines(out)[0]["detail"])
    assert len(detail) < MAX_FIELD + 50
    assert f"({MAX_FIELD + 1000} characters)" in detail


def test_a_library_that_repeats_itself_is_heard_once(out: io.StringIO) -> None:
    library = logging.getLogger("aiokafka.client")
    for port in range(100):
        library.error("Unable connect to node %s", port)
    library.error("Something else")
    assert [line["event"] for line in lines(out)] == ["Unable connect to node 0", "Something else"]


def test_our_own_lines_are_never_held_back(out: io.StringIO) -> None:
    for _ in range(3):
        log_event(events.StreamRetried("write", 1, "no answer"))
    assert len(lines(out)) == 3
