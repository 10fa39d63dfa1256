"""Reasons: the evidence itself in words, in order of contribution: observed against expected, in nats."""

from __future__ import annotations

from detector.alert import Reason
from detector.decision.incidents import Tolerance
from detector.domain import SECOND
from detector.scoring.episode import Candidate, Episode
from detector.scoring.evidence import (
    ACTION,
    BINDING,
    CLIENT,
    COMPONENTS,
    CONCURRENCY,
    NETWORK,
    PARENTAGE,
    PATH,
    REVOCATION,
    SWEEP,
    TRUST,
    WORKLOAD_END,
)
from detector.scoring.fixed import NAT


def reasons(episode: Episode, suspect: Candidate, tolerance: Tolerance | None = None) -> list[Reason]:
    """One reason for each component of at least half a nat, and why the incident is not sent, if it is tolerated."""
    found = [(quanta, component) for component, quanta in enumerate(episode.components) if 2 * quanta >= NAT]
    told = [
        _reason(component, quanta, episode.strongest.get(component, suspect), suspect)
        for quanta, component in sorted(found, key=lambda pair: (-pair[0], TRUST.index(pair[1])))
    ]
    if tolerance is not None:
        told.append(Reason(facet="exception", observed=tolerance.words, expected="no exception", contribution=0.0))
    return told


def _reason(component: int, quanta: int, use: Candidate, suspect: Candidate) -> Reason:
    observed, expected = _WORDS[component](use, suspect)
    return Reason(
        facet=COMPONENTS[component],
        observed=observed,
        expected=expected,
        contribution=round(quanta / NAT, 2),
    )


def _network(use: Candidate, _: Candidate) -> tuple[str, str]:
    usual = use.expected
    if use.provider and usual.provider and not usual.knows_provider:
        return f"{_where(use)}, which it never used", _usual(usual.provider, usual.providers, "provider")
    return _where(use), _usual(use.expected.prefix, use.expected.prefixes, "network")


def _client(use: Candidate, _: Candidate) -> tuple[str, str]:
    return use.client or "unknown client", _usual(use.expected.client, use.expected.families, "client")


def _concurrency(use: Candidate, suspect: Candidate) -> tuple[str, str]:
    """The suspect's place before any other: the owner's may alternate too, as behind a NAT pool."""
    strange = [place for place in use.places if place.address == suspect.address and place.client == suspect.client]
    one, *others = [*strange, *(place for place in use.places if place not in strange)]
    other = others[0] if others else one
    return (
        f"uses return between {one.words} and {other.words}",
        "one holder in one place: a handover moves once and does not return",
    )


def _path(use: Candidate, suspect: Candidate) -> tuple[str, str]:
    observed, _ = _concurrency(use, suspect)
    return observed, "one path at a time, or a known set of paths"


def _binding(use: Candidate, _: Candidate) -> tuple[str, str]:
    if use.pod is not None:
        whose = f"an address of node {use.pod.address_of}" if use.pod.address_of else "no address of its node"
        known = ", ".join(use.pod.addresses) or "not known"
        return (
            f"{_where(use)}, {whose}, with {use.client or 'unknown client'}",
            f"only pod {use.pod.name or use.session} on node {use.pod.node} (its addresses: {known})",
        )
    home = [place for place in use.places if not place.suspect]
    own = ", ".join(place.words for place in home[:3]) or "its own instance"
    return f"{_where(use)} with {use.client or 'unknown client'}", f"only instance {use.session}: {own}"


def _revocation(use: Candidate, _: Candidate) -> tuple[str, str]:
    return f"accepted {_span(use.time - use.ended_at)} after its end", "no accepted use after expiry or revocation"


def _parentage(_use: Candidate, _: Candidate) -> tuple[str, str]:
    return "accepted long after the credential that issued it was revoked", "sessions that end with their parent"


def _action(use: Candidate, _: Candidate) -> tuple[str, str]:
    home, services = use.expected.action, use.expected.services
    known = f"another that it used in {services} known service{'s' if services != 1 else ''}"
    return f"{use.action}, never used before", f"{home}, or {known}" if home else known


def _sweep(use: Candidate, _: Candidate) -> tuple[str, str]:
    actions = f"{use.refused} different action{'s' if use.refused != 1 else ''} refused within an hour"
    return f"{actions}, at last {use.action}", f"about {use.refused_usually / 100:g} an hour"


def _workload_end(use: Candidate, _: Candidate) -> tuple[str, str]:
    name, ended = (use.pod.name, use.pod.ended_at) if use.pod is not None else ("", 0)
    return f"accepted {_span(use.time - ended)} after pod {name or use.session} ended", "no accepted use of its token"


_WORDS = {
    NETWORK: _network,
    CLIENT: _client,
    CONCURRENCY: _concurrency,
    PATH: _path,
    BINDING: _binding,
    REVOCATION: _revocation,
    PARENTAGE: _parentage,
    ACTION: _action,
    SWEEP: _sweep,
    WORKLOAD_END: _workload_end,
}


def _where(use: Candidate) -> str:
    if not use.address:
        return use.channel or "unknown address"
    within = f"in {use.prefix}" if use.prefix and use.prefix != use.address else ""
    whose = f"of {use.provider}" if use.provider else ""
    known = ", ".join(filter(None, (within, whose)))
    return f"{use.address} ({known})" if known else use.address


def _usual(home: str, known: int, what: str) -> str:
    if not home:
        return f"one of {known} known {what}s" if known > 1 else f"a {what} that it or its peers use"
    if known < 3:
        return f"{home}, or one other known {what}" if known == 2 else home
    return f"{home}, or one of {known - 1} other known {what}s"


def _span(microseconds: int) -> str:
    minutes = microseconds // (60 * SECOND)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} d"
