"""Which detections are evaluated, which alerts are sent, and what a control row may change of that.

A detection in shadow is evaluated and counted; an incident on which nothing else fired is not sent.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from detector.assets import NOTHING, Assets, known_assets
from detector.bundle import Bundle, load_bundle
from detector.decision.incidents import Tolerance
from detector.detections.base import Detection, Metadata, load_detections
from detector.domain import SECOND
from detector.errors import ConfigError
from detector.fingerprint.hashing import short_id
from detector.pipeline import Configuration, Pipeline
from detector.resources import bundle_dir
from detector.settings import DetectionSettings, Mode, Settings
from detector.state.epochs import Timing
from detector.telemetry.events import ControlIgnored, Observer


def choose(settings: Settings, known: Mapping[str, Detection], assets: Assets = NOTHING) -> Configuration:
    """What the settings and the assets make of the `known` detections (by id)."""
    modes = {name: mode_of(settings, detection.metadata) for name, detection in known.items()}
    return Configuration(
        detections=known,
        evaluated=frozenset(name for name, mode in modes.items() if mode != "off"),
        sending=frozenset(name for name, mode in modes.items() if mode == "alert"),
        digest=short_id(settings.digest, assets.digest)[:16] if assets.digest else settings.digest,
        tolerated={
            credential: Tolerance(
                one.until, f"{credential} is tolerated through {one.date}, says {one.owner}: {one.reason}"
            )
            for credential, one in assets.tolerated.items()
        },
    )


def mode_of(settings: Settings, metadata: Metadata) -> Mode:
    """What the settings say; where they say nothing, a detection of status `shadow` is in shadow and others alert."""
    return settings.mode(metadata.id) or ("shadow" if metadata.status == "shadow" else "alert")


class Choice:
    """Bundle and configuration by the settings, and by control rows on top of them.

    `observe` is told of what a control row asks for and this installation does not have. Raises ConfigError when the
    bundle or the assets of the settings cannot be used.
    """

    def __init__(self, settings: Settings, observe: Observer = lambda _: None) -> None:
        self._settings = settings
        self._observe = observe
        self._known = load_detections()
        self.first = load_bundle(bundle_dir(settings.bundle))
        self.assets = known_assets(settings.assets)

    def pipeline(self) -> Pipeline:
        """An empty shard."""
        timing = self._settings.timing
        return Pipeline(
            self.first,
            choose(self._settings, self._known, self.assets),
            timing=Timing(round(timing.lateness_seconds * SECOND), round(timing.inactivity_seconds * SECOND)),
            switches=self,
        )

    def bundle(self, name: str, digest: str) -> Bundle:
        """See `Switches.bundle`."""
        found = load_bundle(bundle_dir(name))
        if found.digest != digest:
            raise ConfigError(
                f"bundle {name}: expected the manifest that the control record names, SHA-256 {digest}, found "
                f"{found.digest}; install that bundle, or write a control record that names this one"
            )
        return found

    def configuration(self, modes: Mapping[str, str]) -> Configuration:
        """See `Switches.configuration`. Detections that are not here are passed over: the row stays in the log."""
        unknown = sorted(set(modes) - set(self._known))
        if unknown:
            self._observe(ControlIgnored("config", f"no such detection here: {', '.join(unknown)}"))
        known = {name: mode for name, mode in modes.items() if name in self._known}
        said = {name: msgspec.convert({"mode": mode}, DetectionSettings) for name, mode in known.items()}
        settings = msgspec.structs.replace(self._settings, detections=self._settings.detections | said)
        return choose(settings, self._known, self.assets)
