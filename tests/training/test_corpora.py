from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from detector.errors import InputError
from detector.training.corpora import cases, streams
from tests.training.made_corpora import TECHNIQUE, make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path)


def test_a_technique_is_a_case_whose_polling_is_no_attack(folder: Path) -> None:
    (case,) = [one for one in cases(folder) if one.corpus == "stratus"]
    assert (case.name, case.attack) == (TECHNIQUE, (True, True, False, True))


def test_the_attack_tool_is_masked_by_an_ordinary_library(folder: Path) -> None:
    for case in cases(folder):
        for record in case.records:
            agent = json.loads(record.data)["userAgent"]
            assert agent.startswith("aws-sdk-go-v2/"), agent


def test_the_samples_of_a_rule_are_a_case_with_those_it_ignores_and_a_rule_that_ignores_all_is_none(
    folder: Path,
) -> None:
    (case,) = [one for one in cases(folder) if one.corpus == "panther"]
    assert (case.name, case.attack) == ("Made.Up.Rule", (True, False))


def test_samples_that_rules_ignore_are_a_stream(folder: Path) -> None:
    assert {one.name: len(one.records) for one in streams(folder)} == {
        "cribl-cloudtrail": 2,
        "panther, samples rules ignore": 2,
    }


def test_audit_events_that_a_forwarder_flattened_are_nested_again(tmp_path: Path) -> None:
    flat = {
        "auditID": "1",
        "user.username": "system:node:a",
        "objectRef.resource": "pods",
        "responseStatus.code": "200",
    }
    (tmp_path / "perfspec-k8s").mkdir()
    (tmp_path / "perfspec-k8s" / "audit-logs.first60.jsonl.gz").write_bytes(gzip.compress(json.dumps(flat).encode()))
    ((stream,),) = [one.records for one in streams(tmp_path)]
    assert json.loads(stream.data) == {
        "auditID": "1",
        "user": {"username": "system:node:a"},
        "objectRef": {"resource": "pods"},
        "responseStatus": {"code": 200},
    }


def test_a_folder_without_corpora_holds_nothing(tmp_path: Path) -> None:
    assert (cases(tmp_path), streams(tmp_path)) == ([], [])


def test_a_damaged_label_is_told_with_its_file(folder: Path) -> None:
    (folder / "panther" / "aws_cloudtrail.labels.jsonl").write_text('{"line": "one"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"aws_cloudtrail\.labels\.jsonl: expected a label on each line"):
        cases(folder)
