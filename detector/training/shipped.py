"""The detector as it is shipped, over records or rows: everything it would tell somebody, sent or in shadow."""

from __future__ import annotations

from collections.abc import Iterable

from detector.bundle import load_bundle
from detector.detections.base import load_detections
from detector.domain import UseBatch
from detector.pipeline import Emission, Pipeline
from detector.resources import bundle_dir
from detector.runtime.choice import choose
from detector.settings import Settings
from detector.simulate.arrivals import Record
from detector.stream.reorder import Reorder
from detector.training.decoded import Decoded, decode


def read(records: Iterable[Record]) -> Decoded:
    """Records of files as uses in the order in which `scan` decides on them: that of event time."""
    decoded = decode(records)
    order = Reorder()
    order.strings = decoded.batch.strings
    parts = [*order.push(decoded.batch), *order.flush()]
    return Decoded(UseBatch.concat(parts, order.strings), decoded.rejected)


def run(batches: Iterable[UseBatch]) -> list[Emission]:
    """What the detector says with the settings it is shipped with."""
    pipeline = Pipeline(load_bundle(bundle_dir(Settings().bundle)), choose(Settings(), load_detections()))
    return [emission for batch in batches for emission in pipeline.process(batch)]
