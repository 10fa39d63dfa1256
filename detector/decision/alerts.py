"""From a revision of an incident to the alert that says it: reasons, timeline, advice, paste-ready silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, cast

import msgspec

from detector import __version__
from detector.advice import advice
from detector.alert import (
    Alert,
    CredentialRef,
    DetectorRef,
    Evidence,
    Interval,
    Learning,
    Observable,
    ResponseAdvice,
    SourceEndpoint,
    Taxonomy,
)
from detector.bundle import Bundle
from detector.decision.incidents import Incident, Revision
from detector.decision.reasons import reasons
from detector.detections.base import Detection
from detector.domain import KINDS, SECOND, ActorClass
from detector.fingerprint.hashing import short_id
from detector.scoring.episode import Candidate, Episode
from detector.scoring.evidence import BINDING, CLIENT, NETWORK, REVOCATION, TRUST

# A hundred ordinary ids take 4 KiB. Ids are chosen by whoever is logged: an alert that no broker takes must not be
# within their power.
_LIST_BYTES: Final = 1 << 16


class AlertBuilder:
    """Builds alerts. Knows the bundle, the detections and the digest of the configuration, and nothing else."""

    def __init__(self, bundle: Bundle, detections: Mapping[str, Detection], config_hash: str) -> None:
        self._bundle = bundle
        self._detections = detections
        self._config = config_hash

    def alert(self, revision: Revision, active_credentials: int) -> Alert:
        """The alert of a revision. `active_credentials` is how many the principal has."""
        incident, deciding = revision.incident, revision.deciding
        episode = cast("Episode", incident.episode)
        suspect = _suspect(episode, deciding)
        best = self._strongest(incident.fired)
        said = best.metadata
        return Alert(
            id=short_id(incident.id, incident.revision), incident_id=incident.id, revision=incident.revision,
            dedup_key=incident.id, status=revision.status,
            time=moment(deciding.time), detected_time=moment(deciding.append_time or deciding.time),
            start_time=moment(incident.first_time), end_time=moment(incident.last_time),
            family=said.family, detection=said.id, detections=sorted(incident.fired),
            title=best.title(suspect), description=said.description,
            severity=incident.severity, tier=self._tier(incident), is_alert=revision.is_page,
            confidence=incident.confidence, calibrated=self._bundle.calibrated,
            risk=round(incident.confidence * incident.impact, 4), impact=incident.impact,
            realm=suspect.realm, account=suspect.account or None,
            actor_class=ActorClass(suspect.actor_class).name.lower(),
            credential=_credential(suspect),
            related_credentials=_fitting(one for one in incident.credentials if one != suspect.credential),
            environment=suspect.environment or None, owner=suspect.owner or None,
            src=SourceEndpoint(
                ip=suspect.address or None, asn=_as_number(suspect.provider), region=suspect.region or None
            ),
            observables=_observables(suspect), evidence=_evidence(incident),
            reasons=reasons(episode, suspect, incident.tolerance), timeline=_timeline(deciding, suspect),
            taxonomy=self._taxonomy(incident.fired), response=_response(suspect, active_credentials),
            learning=Learning(
                baseline_age_days=round(suspect.baseline_seconds / 86_400, 1), cold_start=deciding.cold
            ),
            verdict=incident.verdict or None, close_reason=incident.close_reason or None,
            runbook_url=f"runbook:{said.id}", silence=_silence(suspect, said.id, incident.last_time),
            detector=self._made_by(said.version),
        )  # fmt: skip

    def _tier(self, incident: Incident) -> Literal["page", "queue"]:
        return "page" if incident.confidence >= self._bundle.decision.tiers.page else "queue"

    def _made_by(self, detection_version: str) -> DetectorRef:
        return DetectorRef(
            version=__version__,
            bundle=f"{self._bundle.name}@{self._bundle.digest[:12]}",
            config=self._config,
            detection_version=detection_version,
        )

    def _strongest(self, fired: list[str]) -> Detection:
        """The detection that rests on the most trusted evidence."""
        return min((self._detections[name] for name in fired), key=lambda one: min(map(TRUST.index, one.components)))

    def _taxonomy(self, fired: list[str]) -> Taxonomy:
        found = [self._detections[name].metadata for name in fired]
        return Taxonomy(
            owasp_nhi=sorted({one for metadata in found for one in metadata.mapping("owasp.")}),
            attack=sorted({one for metadata in found for one in metadata.mapping("attack.")}),
        )


def moment(time: int) -> str:
    """RFC 3339 in UTC, with microseconds only where there are any."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)).isoformat().replace("+00:00", "Z")


def _optional(time: int) -> str | None:
    return moment(time) if time else None


def _suspect(episode: Episode, deciding: Candidate) -> Candidate:
    """The use that looks most like somebody else's. A return may be the owner's, so what is new comes before it."""
    found = [episode.strongest[c] for c in (BINDING, NETWORK, CLIENT, REVOCATION, *TRUST) if c in episode.strongest]
    return found[0] if found else deciding


def _as_number(provider: str) -> int | None:
    """The number of a provider that is named by it, as `AS64500` is."""
    number = provider.removeprefix("AS")
    return int(number) if provider != number and number.isdecimal() else None


def _credential(use: Candidate) -> CredentialRef:
    kind = KINDS[use.kind]
    return CredentialRef(
        id=use.credential,
        kind=kind.label,
        principal=use.principal,
        issuer=use.issuer or None,
        static=kind.static,
        issued_at=_optional(use.issued_at),
        expires_at=_optional(use.expires_at),
    )


def _evidence(incident: Incident) -> Evidence:
    event_ids, refs = _fitting(use.native_id for use in incident.uses), _fitting(use.ref for use in incident.uses)
    listed = min(len(event_ids), len(refs))
    return Evidence(
        event_ids=event_ids[:listed],
        event_count=incident.count,
        truncated=incident.count > listed,
        first_time=moment(incident.first_time),
        last_time=moment(incident.last_time),
        source_refs=refs[:listed],
    )


def _fitting(texts: Iterable[str]) -> list[str]:
    """The first of `texts` that together take at most `_LIST_BYTES` as JSON."""
    found, room = [], _LIST_BYTES
    for text in texts:
        room -= len(msgspec.json.encode(text))
        if room < 0:
            break
        found.append(text)
    return found


def _response(use: Candidate, active_credentials: int) -> ResponseAdvice:
    what = advice(KINDS[use.kind])
    return ResponseAdvice(
        recommended=what.recommended,
        handle=what.handle,
        blast_radius=what.blast_radius,
        active_credentials=active_credentials,
        reversible=what.reversible,
        survives=what.survives,
    )


def _observables(use: Candidate) -> list[Observable]:
    observed = [
        ("ip", use.address),
        ("provider", use.provider),
        ("user_agent", use.client),
        ("credential", use.credential),
        ("action", use.action),
    ]
    expected = [("network", use.expected.prefix), ("provider", use.expected.provider), ("client", use.expected.client)]
    if use.pod is not None:
        observed += [("pod", use.pod.name), ("node", use.pod.address_of)]
        expected += [("node", use.pod.node), *(("ip", address) for address in use.pod.addresses)]
    return [
        *(Observable(type=kind, value=value, role="observed") for kind, value in observed if value),
        *(Observable(type=kind, value=value, role="expected") for kind, value in expected if value),
    ]


def _timeline(deciding: Candidate, suspect: Candidate) -> list[Interval]:
    def observed(address: str, client: str) -> bool:
        return (address, client) == (suspect.address, suspect.client)

    return [
        Interval(
            context=place.words,
            role="observed" if place.suspect or observed(place.address, place.client) else "expected",
            first_time=moment(place.first * SECOND),
            last_time=moment(place.last * SECOND),
        )
        for place in sorted(deciding.places, key=lambda place: (place.first, place.address, place.client))
    ]


def _silence(use: Candidate, detection: str, last: int) -> str:
    until = moment(last + 7 * 86_400 * SECOND)[:10]
    return (
        f"- match: {{realm: {_quoted(use.realm)}, principal: {_quoted(use.principal)}, detection: {detection}}}\n"
        f"  until: {until}\n  reason: \n  owner: \n"
    )


def _quoted(text: str) -> str:
    """A YAML scalar that reads back as `text`, whatever a caller put into its name."""
    escaped = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'"{escaped}"'
