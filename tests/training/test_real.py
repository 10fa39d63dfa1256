from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from detector.errors import InputError
from detector.training.corpora import TECHNIQUES, cases, streams
from detector.training.labelled import label
from detector.training.noise import listen, together
from detector.training.real import Real, measure
from detector.training.recordings import recording_of
from tests.training.made_corpora import make


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Real:
    return measure(make(tmp_path_factory.mktemp("corpora"), techniques=False))


def test_cases_streams_and_all_streams_together_are_measured(real: Real) -> None:
    assert [(one.corpus, one.name) for one in real.labelled] == [("panther", "Made.Up.Rule")]
    assert [one.name for one in real.noise] == ["cribl-cloudtrail", "panther, samples rules ignore", "all"]
    assert real.noise[-1] == together(real.noise[:-1])
    assert real.grafts == ()


def test_samples_of_rules_have_a_line_only_where_there_is_something_to_say(real: Real) -> None:
    assert [one.name for one in real.notable] == ["Made.Up.Rule"]  # its principal has a history
    silent = msgspec.structs.replace(real.labelled[0], knowable=())
    both = msgspec.structs.replace(real, labelled=(silent, msgspec.structs.replace(silent, corpus=TECHNIQUES)))
    assert [one.corpus for one in both.notable] == [TECHNIQUES]
    assert both.others == {"panther": (1, 1, 1)}


def test_a_folder_that_holds_no_known_log_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a folder of third-party logs"):
        measure(tmp_path)


def test_it_is_kept_as_json(real: Real) -> None:
    assert msgspec.json.decode(msgspec.json.encode(real), type=Real) == real


@pytest.mark.corpora
def test_recorded_techniques_are_read_whole_and_most_of_them_are_not_knowable(corpora: Path) -> None:
    found = [label(case) for case in cases(corpora) if case.corpus == TECHNIQUES]
    assert len(found) == 18
    assert sum(one.records for one in found) == 130
    assert not any(one.rejected for one in found)
    assert [one.name for one in found if one.knowable] == ["aws.credential-access.ec2-get-password-data"]


@pytest.mark.corpora
def test_all_techniques_but_the_sign_in_without_a_key_can_be_grafted(corpora: Path) -> None:
    techniques = [case for case in cases(corpora) if case.corpus == TECHNIQUES]
    left_out = [case.name for case in techniques if recording_of(case) is None]
    assert left_out == ["aws.initial-access.console-login-without-mfa"]
    assert not [case for case in cases(corpora) for record in case.records if b"red-team_" in record.data]


@pytest.mark.corpora
def test_nothing_is_sent_about_what_is_benign(corpora: Path) -> None:
    assert {one.name: one.incidents for one in map(listen, streams(corpora)) if one.incidents} == {}
