from __future__ import annotations

from pathlib import Path

from detector.assets import load
from detector.simulate import knowledge
from detector.simulate.tenant import Dataset


def test_what_an_operator_knows_is_read_by_the_detectors_own_loader(tmp_path: Path) -> None:
    fleet = Dataset("dev", "ordinary", thefts=0).tenant(0, principals=120, days=8)
    assets = load(knowledge.write(fleet, tmp_path))
    assert {one.name for one in assets.file.corporate_egress} == {"office-0", "office-1"}
    assert assets.file.vendors
    assert all(one.principals and one.egress for one in assets.file.vendors)
    names = {holding.principal.name for holding in fleet.holdings}
    assert {name for one in assets.file.vendors for name in one.principals} <= names


def test_it_holds_nothing_that_happens_later_and_nothing_about_thieves() -> None:
    quiet = Dataset("dev", "hard", thefts=0).tenant(0, principals=120, days=10)
    stolen = Dataset("dev", "hard", thefts=1).tenant(0, principals=120, days=10)
    assert stolen.thefts
    assert knowledge.assets_of(quiet) == knowledge.assets_of(stolen)
