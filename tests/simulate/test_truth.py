from __future__ import annotations

from pathlib import Path

import pytest

from detector.errors import InputError
from detector.simulate.truth import Theft, Truth, read, write

THEFT = Theft(
    index=0,
    scenario="r19_poisoning_ramp",
    family="replay",
    stealth="S2",
    style="mixed",
    techniques=("T1550.001",),
    void=False,
    kind="aws.access-key",
    realm="111122223333",
    principals=("arn:aws:iam::111122223333:user/app",),
    credentials=("AKIAEXAMPLE",),
    event_ids=("a", "b", "c"),
    seconds=(10, 20, 30),
    victim_goes_on=True,
    prior_uses=7,
    opening=2,
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    truth = Truth((THEFT,), {"d": "nat_rotation"})
    write(truth, tmp_path / "apart" / "truth.json")
    assert read([tmp_path / "apart" / "truth.json"]) == [truth]


def test_every_malicious_use_names_its_theft() -> None:
    assert Truth((THEFT,), {}).malicious == {"a": 0, "b": 0, "c": 0}


def test_a_file_that_is_no_truth_says_what_writes_one(tmp_path: Path) -> None:
    (tmp_path / "log.ndjson").write_text('{"eventName":"GetObject"}')
    with pytest.raises(InputError, match="expected what `detector simulate run` writes"):
        read([tmp_path / "log.ndjson"])
    with pytest.raises(InputError, match="expected a truth file"):
        read([tmp_path / "missing.json"])


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected to write the truth there"):
        write(Truth((), {}), tmp_path / "file" / "truth.json")
