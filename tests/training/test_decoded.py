from __future__ import annotations

from pathlib import Path

import numpy as np

from detector.assets import load
from detector.fingerprint.facets import Fingerprinter
from detector.simulate import arrivals, knowledge
from detector.simulate.tenant import Dataset
from detector.training.decoded import decode, uses_of
from tests.training.conftest import SMALL


def test_rows_come_in_order_of_arrival_across_logs_and_nothing_is_refused() -> None:
    fleet = Dataset("dev", "ordinary", thefts=0).tenant(0, **SMALL)
    records = list(arrivals.records(arrivals.deliver(fleet)))
    decoded = decode(records)
    assert decoded.rejected == 0
    assert {record.log.partition(".")[0] for record in records} == {"cloudtrail", "kubernetes", "use"}
    assert (np.diff(decoded.batch.append_time) >= 0).all()
    assert len(decoded.batch) >= len(records)
    assert sum(len(part) for part in decoded.slices(100)) == len(decoded.batch)


def test_uses_are_the_scored_rows_with_codes_that_keep_what_they_stand_for(tmp_path: Path) -> None:
    fleet = Dataset("dev", "ordinary", thefts=0).tenant(0, **SMALL)
    bare = decode(arrivals.records(arrivals.deliver(fleet)))
    decoded = bare.enriched(load(knowledge.write(fleet, tmp_path)))
    uses = uses_of(decoded)
    assert uses_of(bare).providers == ("",)
    batch = decoded.batch.take(np.flatnonzero(Fingerprinter().facets(decoded.batch).scored))
    assert uses.native_id == tuple(batch.native_id.tolist())
    codes: dict[tuple[str, str], set[int]] = {}
    for at, code in enumerate(uses.principal.tolist()):
        codes.setdefault((batch.text("realm", at), batch.text("principal", at)), set()).add(code)
    assert all(len(found) == 1 for found in codes.values())
    assert len(set.union(*codes.values())) == len(codes)
    assert {"", "cloud", "corporate:office-0"} < set(uses.providers)
    assert (uses.provider[uses.address == 0] == uses.providers.index("")).all()
    assert uses.principal.min() > 0
