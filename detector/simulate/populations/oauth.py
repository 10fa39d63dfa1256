"""Machine clients of APIs: client credentials, integrations' refresh tokens, partners' certificates, Okta's tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from detector.simulate.call import Action, Context
from detector.simulate.fleet import Fleet, Habitat, Principal
from detector.simulate.formats.use import Identity
from detector.simulate.lifecycle import holding, state
from detector.simulate.populations.base import Population, principal, schedule
from detector.simulate.products import OAUTH, OKTA
from detector.simulate.sites import Sites
from detector.simulate.teams import Way, crews, path_of, place, staff, team, team_name
from detector.simulate.world import DAY, HOUR

_REVOKE: Final = Action("clients", "revoke", read_only=False)
_REFRESH: Final = Action("token", "refresh", read_only=False)
_WAYS: Final = (
    Way("oauth.client", 0.4, OAUTH, {"cloud": 0.35, "cluster": 0.25, "vendor": 0.25, "premises": 0.15}, "client-",
        withdraw=_REVOKE),
    Way("mtls.cert", 0.15, OAUTH, {"premises": 0.4, "vendor": 0.4, "cloud": 0.2}, "crt-", expiring=True,
        withdraw=Action("keys", "revoke-certificate", read_only=False)),
    Way("okta.api-token", 0.15, OKTA, {"cloud": 0.4, "premises": 0.3, "vendor": 0.3}, "okta-",
        withdraw=Action("api-tokens", "revoke", read_only=False)),
)  # fmt: skip
_REFRESHED: Final = Way("oauth.refresh-token", 0.3, OAUTH, {"vendor": 0.8, "functions": 0.2}, "rt-")
_IDLE: Final = (14 * DAY, 30 * DAY, 90 * DAY)  # after which a refresh token that was not used is dead
_ACCESS: Final = HOUR  # how long the access token lives that a refresh gives


class Oauth(Population):
    """`oauth.client`, `oauth.refresh-token`, `mtls.cert`, `okta.api-token`."""

    name: ClassVar[str] = "oauth"
    title: ClassVar[str] = "Machine clients of APIs"
    share: ClassVar[float] = 0.03

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        realm = f"{fleet.name}-id"
        refreshed = round(_REFRESHED.share * principals)
        staff(fleet, sites, principals - refreshed, [realm], _WAYS, _name)
        for number, (size, operators) in enumerate(crews(fleet, refreshed)):
            called = f"integration-{team_name(fleet, number)}"
            names = [_name(realm, _REFRESHED, called, member) for member in range(size)]
            of = team(fleet, realm, path_of(names[0]), _REFRESHED.kind, _REFRESHED.product, operators=operators)
            of.owner = called
            idle, egress = _IDLE[fleet.between(0, len(_IDLE))], place(fleet, sites, _REFRESHED.places)
            for one in names:
                _refresh(fleet, principal(fleet, of, one), Habitat(egress(), of.releases), idle)


def _refresh(fleet: Fleet, owner: Principal, habitat: Habitat, idle: int) -> None:
    """A grant to an integration: refreshed whenever there is work and no access token, and longer good by that."""
    start = max(fleet.start - fleet.between(0, 200 * DAY), owner.since)
    granted = Identity(
        owner.realm, owner.name, fleet.key(_REFRESHED.prefix), _REFRESHED.kind, issuer="https://id.example.com",
        issued_at=start,
    )  # fmt: skip
    held = fleet.hold(holding(owner, granted, start, fleet.end + idle, habitat))
    for seconds, churn in schedule(fleet, owner, start, fleet.end):
        for second, (context, moved) in _refreshes(fleet, habitat, seconds):
            longer = granted.stating("renew", expires_at=second + idle)
            state(fleet, owner, second, longer, _REFRESH, context, churn=churn or moved)
        fleet.work(held, seconds, churn=churn)


def _refreshes(fleet: Fleet, habitat: Habitat, seconds: list[int]) -> Iterator[tuple[int, tuple[Context, str]]]:
    """When the access token is too old for the next use, and from where it is fetched."""
    due, at = 0, []
    for second in seconds:
        if second >= due:
            at.append(second - 1)
            due = second + _ACCESS
    yield from zip(at, habitat.contexts(fleet, at), strict=True)


def _name(realm: str, way: Way, team: str, number: int) -> str:
    """The path of an application of a team; a certificate's subject names no team."""
    return f"CN=gateway-{number}.{team}.example.net" if way.kind == "mtls.cert" else f"{realm}/{team}/app-{number}"
