"""A small hand-made tenant to misuse credentials in: three roles in two accounts, a user, two service accounts, two
applications with API keys, two tokens of an identity provider. Everybody works every hour, from one place each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.simulate import sites as places
from detector.simulate.call import Action, Call, Caller
from detector.simulate.catalogue import AWS_WORK, CLUSTER_STRANGE, cluster_work
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding, Principal
from detector.simulate.formats.cloudtrail import Role, session, user
from detector.simulate.formats.kubernetes import pod_token
from detector.simulate.formats.use import Identity
from detector.simulate.habits import Releases, Repertoire, Rhythm
from detector.simulate.parameters import Parameters
from detector.simulate.play import Play
from detector.simulate.scenarios.base import Scenario
from detector.simulate.sites import Sites
from detector.simulate.truth import Stealth, Style
from detector.simulate.world import DAY, HOUR, START

HOME, OTHER = "111111111111", "222222222222"
AGENT = "aws-sdk-java/1.12.1 Linux/6.1.112"
SESSION = 6 * HOUR

MODELS = tuple(
    Action("llm", "completions.create", read_only=False, resource=model) for model in ("small", "medium", "large")
)
DIRECTORY = (
    *(Action("graph", name) for name in ("users.list", "groups.list", "applications.list", "me.get", "sites.search")),
    *(Action("graph", name, read_only=False) for name in ("applications.addPassword", "roleAssignments.create")),
    *(Action("graph", name, read_only=False) for name in ("users.create", "auditRetention.update")),
    *(Action("vault", name) for name in ("secrets.get", "secrets.list", "keys.get")),
)
FILES = tuple(Action("files", "objects.get", resource=f"share-{number}") for number in range(6))


@dataclass
class Played:
    """What a scenario did: the tenant, the victim, and the malicious calls in order of time."""

    fleet: Fleet
    victim: Holding
    begin: int
    calls: list[Call]

    @property
    def by_victim(self) -> list[Call]:
        """Those made with a credential that the victim's principal holds."""
        callers = {one.caller for one in self.fleet.holdings if one.principal is self.victim.principal}
        return [call for call in self.calls if call.caller in callers]

    @property
    def made(self) -> list[Call]:
        """Those made with any other credential."""
        known = self.by_victim
        return [call for call in self.calls if call not in known]

    @property
    def gaps(self) -> list[int]:
        """Seconds between them."""
        return [after.second - before.second for before, after in zip(self.calls, self.calls[1:], strict=False)]


def tenant(seed: int = 1, days: int = 21) -> tuple[Fleet, Sites]:
    """The tenant before anything is stolen."""
    parameters = Parameters(principals=40, days=days)
    fleet = Fleet(np.random.default_rng(seed), START, START + days * DAY, parameters=parameters, seeds=(seed,))
    sites = places.draw(fleet)
    for account, name, number in ((HOME, "web", 10), (HOME, "batch", 30), (OTHER, "audit", 50)):
        _role(fleet, account, name, f"241.0.{number}.7")
    key = fleet.key("AKIA")
    deployer = user(HOME, "/", "deployer", "AIDADEPLOYEREXAMPLE", key)
    _work(fleet, HOME, f"arn:aws:iam::{HOME}:user/deployer", "aws.access-key", AWS_WORK[:9], deployer, key, "245.1.2.3")
    for namespace, account, node in (("shop", "api", 4), ("platform", "sync", 9)):
        token = f"JTI=0000000{node}-0000-4000-a000-000000000001"
        subject = pod_token("c1", namespace, account, f"uid-{account}", token, pod=(f"{account}-1", f"uid-{node}"))
        name = f"system:serviceaccount:{namespace}:{account}"
        _work(fleet, "c1", name, "k8s.bound-token", cluster_work(namespace)[:8], subject, token, f"10.64.0.{node}",
              unusual=CLUSTER_STRANGE)  # fmt: skip
    _use(fleet, "shop-llm", "api-key", MODELS[:1])
    _use(fleet, "chat-llm", "api-key", MODELS[1:])
    _use(fleet, "app-crm", "entra.client-secret", (DIRECTORY[0], FILES[0]), unusual=DIRECTORY)
    _use(fleet, "app-backup", "entra.client-secret", (*FILES[1:], DIRECTORY[9], DIRECTORY[10], DIRECTORY[11]))
    return fleet, sites


def stolen(
    scenario: Scenario, kind: str, stealth: Stealth, *, style: Style = "noisy", count: int = 12, span: int = HOUR,
    seed: int = 1,
) -> Played:  # fmt: skip
    """Play `scenario` on the first principal of `kind`, at a moment that the scenario agrees to."""
    fleet, sites = tenant(seed)
    first = next(one for one in fleet.holdings if one.kind == kind).principal
    suited = [one for one in fleet.holdings if one.principal is first]
    begins = [(one, begin) for one in suited if (begin := scenario.begin(fleet, one)) is not None]
    victim, begin = begins[len(begins) // 2]
    fleet.stolen.add(id(first))
    play = Play(fleet, sites, victim, stealth, style, begin, count, span, 0)
    scenario.play(play)
    play.end(scenario.name, scenario.family, scenario.techniques)
    fleet.finish()
    return Played(fleet, victim, begin, [call for call in fleet.calls if call.theft == 0])


def suits(scenario: Scenario, kind: str) -> bool:
    """Whether `scenario` can be played on some credential of `kind` at all."""
    fleet, _ = tenant()
    ofkind = [one for one in fleet.holdings if one.kind == kind]
    return scenario.suits_kind(kind) and any(scenario.begin(fleet, one) is not None for one in ofkind)


def _role(fleet: Fleet, account: str, name: str, address: str) -> None:
    """An instance a role, with a fresh session every six hours."""
    role = Role(account, f"/{name}/", name, f"AROA{name.upper()}EXAMPLE")
    owner = _principal(account, f"{role.arn}#instance", "aws.session/instance", AWS_WORK[:9], ())
    habitat = Habitat(Egress.of("us-east-1", [address]), owner.group.releases)
    fleet.groups.append(owner.group)
    for start in range(fleet.start, fleet.end, SESSION):
        instance = f"i-{name}"
        caller = session(role, instance, fleet.key(), start, context={"ec2RoleDelivery": "2.0"})
        end = start + SESSION
        held = Holding(owner, caller, caller.key, owner.group.kind, start, end, habitat, workload=instance)
        fleet.work(fleet.hold(held), range(start, end, HOUR))


def _use(fleet: Fleet, name: str, kind: str, actions: tuple[Action, ...], *, unusual: tuple[Action, ...] = ()) -> None:
    identity = Identity("t00-apps", name, fleet.key(f"{name}-"), kind)
    _work(fleet, "t00-apps", name, kind, actions, identity, identity.credential, "241.0.3.4", unusual=unusual)


def _work(
    fleet: Fleet, realm: str, name: str, kind: str, actions: tuple[Action, ...], caller: Caller, credential: str,
    address: str, *, unusual: tuple[Action, ...] = (),
) -> None:  # fmt: skip
    """A principal with one credential for the whole time."""
    owner = _principal(realm, name, kind, actions, unusual)
    habitat = Habitat(Egress.of("us-east-1", [address]), owner.group.releases)
    fleet.groups.append(owner.group)
    held = Holding(owner, caller, credential, kind, fleet.start, fleet.end + 90 * DAY, habitat)
    fleet.work(fleet.hold(held), range(fleet.start, fleet.end, HOUR))


def _principal(realm: str, name: str, kind: str, actions: tuple[Action, ...], unusual: tuple[Action, ...]) -> Principal:
    even = tuple(1 / len(actions) for _ in actions)
    denied = "Forbidden" if kind.startswith("k8s.") else "AccessDenied"
    group = Group(
        realm, "/", kind, Repertoire(actions, even, denied_error=denied), Releases([(0, AGENT, "")]), unusual=unusual
    )
    return Principal(name, group, Rhythm(24.0))
