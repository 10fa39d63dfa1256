"""Vault: service tokens that are renewed while their workload lives, AppRole logins, batch tokens of an hour.

A token's lease is renewed at two thirds. Half of the workloads that stop revoke theirs; the others' dies by itself.
"""

from __future__ import annotations

from typing import ClassVar, Final

from detector.simulate.call import Action, Context
from detector.simulate.clients import Sdk
from detector.simulate.fleet import Fleet, Habitat, Holding, Principal
from detector.simulate.formats.use import Identity
from detector.simulate.habits import Rhythm
from detector.simulate.lifecycle import desk, holding, lease, lifetimes, serve, state, tokens
from detector.simulate.populations.base import Population, borrowed, principal
from detector.simulate.products import APPROLE, VAULT
from detector.simulate.sites import Sites
from detector.simulate.teams import Shares, crews, place, team, team_name
from detector.simulate.world import DAY, HOUR, MINUTE

_TOKEN: Final = "vault.token"  # noqa: S105 - a kind, no secret
_SECRET: Final = "vault.approle"  # noqa: S105 - another
_LOGIN: Final = Action("auth", "login", read_only=False, resource="auth/approle/login")
_KUBERNETES: Final = Action("auth", "login", read_only=False, resource="auth/kubernetes/login")
_RENEW: Final = Action("token", "renew-self", read_only=False)
_REVOKE: Final = Action("token", "revoke-self", read_only=False)
_DESTROY: Final = Action("auth", "destroy-secret-id", read_only=False, resource="auth/approle")
_PODS: Final = 0.5  # of principals
_BATCHES: Final = 0.2
_LIVES: Final = (HOUR, 12 * HOUR, DAY, 32 * DAY)
_LIFE_SHARES: Final = (0.05, 0.15, 0.4, 0.4)  # long ones more often than in the world: renewals are thinned as uses are
_BATCH: Final = HOUR
_SECRET_LIVES: Final = (0, 30 * DAY, 90 * DAY)  # of secret ids; 0 = without an end
_TIDY: Final = 0.5  # of workloads revoke their token when they stop
_PROBES: Final = 0.3  # a day: what a role does besides the logins of its workload
_SERVER_DAYS: Final = 6.0  # a process on a server lives longer than a pod

_CLUSTER: Final[Shares] = {"cluster": 1.0}
_SERVERS: Final[Shares] = {"cloud": 0.4, "premises": 0.4, "other-cloud": 0.2}
_JOBS: Final[Shares] = {"cluster": 0.5, "functions": 0.2, "premises": 0.3}


class Vault(Population):
    """`vault.token`, `vault.approle`."""

    name: ClassVar[str] = "vault"
    title: ClassVar[str] = "Vault tokens and AppRoles"
    share: ClassVar[float] = 0.05

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        realm = f"{fleet.name}-vault"
        pods, batches = round(_PODS * principals), round(_BATCHES * principals)
        for number, (size, operators) in enumerate(crews(fleet, pods)):
            self._pods(fleet, sites, realm, f"{team_name(fleet, number)}-pods", size, operators=operators)
        for batch, wanted in ((True, batches), (False, principals - pods - batches)):
            # Every workload is two principals: the role that logs in, and the entity that its tokens are of.
            for number, (size, operators) in enumerate(crews(fleet, (wanted + 1) // 2)):
                called = f"{team_name(fleet, number)}-{'jobs' if batch else 'servers'}"
                self._roles(fleet, sites, realm, called, size, batch=batch, operators=operators)

    def _pods(self, fleet: Fleet, sites: Sites, realm: str, called: str, size: int, *, operators: bool) -> None:
        """Workloads of a cluster that log in with their service account and keep the token."""
        of = team(fleet, realm, f"/kubernetes/{called}/", _TOKEN, VAULT, operators=operators)
        life = _LIVES[int(fleet.rng.choice(len(_LIVES), p=_LIFE_SHARES))]
        egress = place(fleet, sites, _CLUSTER)
        for member in range(size):
            owner = principal(fleet, of, f"auth/kubernetes/{called}/{called}-{member}")
            for start, end in lifetimes(fleet, owner, fleet.parameters.pod_life):
                habitat = Habitat(egress(), of.releases, start)
                said = _issued(fleet, owner, start)
                ((context, _),) = habitat.contexts(fleet, [start])
                state(fleet, owner, start, said.stating("issue", expires_at=start + life), _KUBERNETES, context)
                _keep(fleet, sites, owner, habitat, said, (start, end), life)

    def _roles(
        self, fleet: Fleet, sites: Sites, realm: str, called: str, size: int, *, batch: bool, operators: bool
    ) -> None:
        """Workloads that log in with a role id and a secret id, and get a token of either type for it."""
        of = team(fleet, realm, f"/approle/{called}/", _TOKEN, VAULT, operators=operators)
        roles = team(fleet, realm, f"/role/{called}/", _SECRET, APPROLE, operators=operators)
        roles.releases = of.releases  # the same programs
        life = _LIVES[int(fleet.rng.choice(len(_LIVES), p=_LIFE_SHARES))]
        lasts = _SECRET_LIVES[fleet.between(0, len(_SECRET_LIVES))]
        egress = place(fleet, sites, _JOBS if batch else _SERVERS)
        for member in range(size):
            owner = principal(fleet, of, f"auth/approle/{called}/{called}-{member}")
            role = Principal(f"approle/role/{called}/{called}-{member}", roles, Rhythm(_PROBES), owner.since)
            secrets = _Secrets(fleet, sites, role, Habitat(egress(), of.releases), lasts)
            if batch:
                _batch(fleet, owner, secrets)
                continue
            for start, end in lifetimes(fleet, owner, _SERVER_DAYS):
                habitat = Habitat(egress(), of.releases, start)
                said = secrets.login(owner, start, life, habitat.contexts(fleet, [start])[0][0])
                _keep(fleet, sites, owner, habitat, said, (start, end), life)


class _Secrets:
    """The secret ids of one role: the one in use, replaced by an operator before it ends."""

    def __init__(self, fleet: Fleet, sites: Sites, role: Principal, habitat: Habitat, lasts: int) -> None:
        self._fleet, self._role = fleet, role
        administrator = desk(fleet, sites.offices[0], Sdk.first("vault-cli").agent())
        start = max(fleet.start - fleet.between(0, lasts or 400 * DAY), role.since)
        self.held: list[Holding] = []
        self._logins: list[Identity] = []
        while not self.held or (lasts and start < fleet.end):
            end = start + lasts if lasts else fleet.end + 400 * DAY
            until = end - fleet.between(HOUR, 3 * DAY) if lasts else 0
            said = Identity(
                role.realm, role.name, fleet.key("secret-id-"), _SECRET, issued_at=start, expires_at=end if lasts else 0
            )
            self._logins.append(said.stating("exchange"))
            self.held.append(holding(role, self._logins[-1], start, end, habitat, until=until))
            serve(fleet, self.held[-1])
            if lasts and fleet.rng.random() < _TIDY:
                state(fleet, role, until + 30 * MINUTE, said, _DESTROY, administrator, activity="revoke")
            start = until

    def login(self, owner: Principal, second: int, life: int, context: Context) -> Identity:
        """The role logs in at `second` and gets a token for `owner`, whose identity this gives."""
        at = next((n for n, held in enumerate(self.held) if second < held.last), len(self.held) - 1)
        fleet, login = self._fleet, self._logins[at]
        said = _issued(fleet, owner, second)
        state(fleet, self._role, second, login, _LOGIN, context)
        issued = said.stating("issue", parent=login.credential, expires_at=second + life)
        state(fleet, owner, second, issued, _LOGIN, context)
        return said


def _issued(fleet: Fleet, owner: Principal, second: int) -> Identity:
    """A fresh token. Its uses do not say when it ends, because leases are renewed: logins and renewals do."""
    return Identity(owner.realm, owner.name, fleet.key("accessor-"), _TOKEN, issued_at=second)


def _keep(
    fleet: Fleet, sites: Sites, owner: Principal, habitat: Habitat, said: Identity, span: tuple[int, int], life: int
) -> None:
    """A service token that its workload keeps, and perhaps revokes when it stops."""
    held = lease(fleet, owner, habitat, said, span, life, _RENEW)
    borrowed(fleet, held, sites.offices[0], Sdk.first("vault-cli").agent())
    if fleet.rng.random() < _TIDY:
        ((context, _),) = habitat.contexts(fleet, [span[1]])
        state(fleet, owner, span[1], said, _REVOKE, context, activity="revoke")


def _batch(fleet: Fleet, owner: Principal, secrets: _Secrets) -> None:
    """Batch tokens: no lease, no renewal, a login whenever one is needed."""
    habitat = Habitat(secrets.held[0].habitat.egress, owner.group.releases)
    span = (max(fleet.start, owner.since), fleet.end)
    tokens(
        fleet, owner, habitat, span, _BATCH,
        lambda at: secrets.login(owner, at, _BATCH, habitat.contexts(fleet, [at])[0][0]),
    )  # fmt: skip
