from __future__ import annotations

import json

from click.testing import CliRunner

from detector.cli.detections import command
from detector.detections.base import load_detections


def test_list_prints_one_object_per_detection_with_its_mode() -> None:
    env = {"DETECTOR__DETECTIONS__REPLAY_NEW_ORIGIN__MODE": "shadow"}

    done = CliRunner(env=env).invoke(command, ["list"], catch_exceptions=False)

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == sorted(load_detections())
    assert {row["id"]: row["mode"] for row in rows}["replay.new_origin"] == "shadow"
    assert all(row["blind_spots"] and row["falsepositives"] and row["runbook"] for row in rows)
