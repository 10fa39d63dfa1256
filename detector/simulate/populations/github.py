"""GitHub: OIDC tokens of jobs, installations of apps, people's and robots' access tokens, deploy keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from detector.simulate import workplaces
from detector.simulate.call import Action
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Habitat, Principal
from detector.simulate.formats.use import Identity
from detector.simulate.lifecycle import holding
from detector.simulate.populations.base import Population, principal, schedule
from detector.simulate.products import FEDERATION, GIT, GITHUB
from detector.simulate.sites import Sites
from detector.simulate.teams import Way, crews, staff, team, team_name
from detector.simulate.world import HOUR, MINUTE

_OIDC: Final = "github.oidc"
_OIDC_SHARE: Final = 0.35
_OIDC_LIFE: Final = 5 * MINUTE
_ISSUER: Final = "https://token.actions.githubusercontent.com"
_DELETE_KEY: Final = Action("repos", "delete-deploy-key", read_only=False, resource="infra")
_REVOKE: Final = Action("orgs", "revoke-token", read_only=False)
_WAYS: Final = (
    Way("github.app", 0.3, GITHUB, {"vendor": 0.5, "cloud": 0.25, "cluster": 0.25}, "ghapp-", life=HOUR),
    Way("github.pat", 0.25, GITHUB, {"premises": 0.25, "cloud": 0.25, "vendor": 0.2, "laptop": 0.3}, "ghpat-",
        expiring=True, withdraw=_REVOKE),
    Way("github.deploy-key", 0.1, GIT, {"premises": 0.4, "cloud": 0.4, "vendor": 0.2}, "ghkey-", withdraw=_DELETE_KEY),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Job:
    """A run of a workflow until `end` (seconds), and where its runner is."""

    run: str
    end: int
    habitat: Habitat


class Github(Population):
    """`github.oidc`, `github.app`, `github.pat`, `github.deploy-key`."""

    name: ClassVar[str] = "github"
    title: ClassVar[str] = "GitHub jobs, apps and tokens"
    share: ClassVar[float] = 0.05

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        organisation = f"{fleet.name}-org"
        workflows = round(_OIDC_SHARE * principals)
        staff(fleet, sites, principals - workflows, [organisation], _WAYS, _name)
        for number, (size, operators) in enumerate(crews(fleet, workflows)):
            repository = team_name(fleet, number)
            of = team(fleet, organisation, f"/{repository}/", _OIDC, FEDERATION, operators=operators)
            runner = _runners(fleet, sites)
            for member in range(size):
                owner = principal(fleet, of, f"{organisation}/{repository}/workflow-{member}.yml")
                _jobs(fleet, owner, runner)


def _runners(fleet: Fleet, sites: Sites) -> Callable[[], Egress]:
    """Hosted runners, each with an address that nobody saw before, or the tenant's own behind its gateways."""
    if fleet.rng.random() < fleet.parameters.hosted_ci:
        return lambda: Egress.first_seen("us-east-1", fleet.plan.runner(), "ci_runner")
    own = workplaces.cloud(fleet, sites)
    return lambda: own


def _jobs(fleet: Fleet, owner: Principal, runner: Callable[[], Egress]) -> None:
    """Jobs of a workflow. Each trades a token for each service it needs, and each token once."""
    for seconds, churn in schedule(fleet, owner, fleet.start, fleet.end):
        done = owner.group.repertoire.done(fleet.rng, seconds)
        job: _Job | None = None
        for second, one in zip(seconds, done, strict=True):
            if job is None or second >= job.end:
                lasts = max(MINUTE, int(5 * MINUTE * fleet.rng.lognormal(0.0, 0.8)))
                habitat = Habitat(runner(), owner.group.releases, second)
                job = _Job(f"{fleet.between(10**9, 10**10)}", second + lasts, habitat)
            said = Identity(
                owner.realm, owner.name, fleet.key("jti-"), _OIDC, session=job.run, issuer=_ISSUER,
                issued_at=second - 2, expires_at=second - 2 + _OIDC_LIFE, activity="exchange",
            )  # fmt: skip
            held = fleet.hold(
                holding(owner, said, second - 2, second - 2 + _OIDC_LIFE, job.habitat, workload_end=job.end)
            )
            ((context, moved),) = job.habitat.contexts(fleet, [second])
            fleet.call(second, held.caller, one.action, context, error=one.error, churn=churn or moved or one.churn)


def _name(organisation: str, way: Way, team: str, number: int) -> str:
    """An installation of an app, a robot's account, or a key of a repository."""
    if way.kind == "github.app":
        return f"{organisation}/apps/{team}/installation-{number}"
    if way.kind == "github.pat":
        return f"{organisation}/users/{team}-bot-{number}"
    return f"{organisation}/{team}/deploy-key-{number}"
