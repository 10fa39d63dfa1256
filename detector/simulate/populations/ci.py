"""CI jobs: each trades a GitHub OIDC token for a session that outlives it, on hosted or on own runners."""

from __future__ import annotations

from typing import ClassVar, Final

from detector.simulate.call import Action, Context
from detector.simulate.catalogue import AWS_ENUMERATION, AWS_PRIVILEGED
from detector.simulate.clients import TERRAFORM, Sdk, updated
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding
from detector.simulate.formats.cloudtrail import GITHUB, Identity, Json, Role, issued, session, workflow
from detector.simulate.habits import Repertoire, Rhythm
from detector.simulate.populations.base import Population, Shift, group, groups_of, migrated, principal
from detector.simulate.sites import Sites
from detector.simulate.world import DAY, HOUR, MINUTE

DELIVERY: Final = (
    Action("sts", "GetCallerIdentity"),
    Action("ecr", "GetAuthorizationToken"),
    Action("ecr", "BatchCheckLayerAvailability"),
    Action("ecr", "InitiateLayerUpload", read_only=False),
    Action("ecr", "PutImage", read_only=False),
    Action("ecs", "DescribeServices"),
    Action("ecs", "RegisterTaskDefinition", read_only=False),
    Action("ecs", "UpdateService", read_only=False),
    Action("eks", "DescribeCluster"),
    Action("s3", "PutObject", read_only=False, request='{"bucketName":"example-artifacts","key":"build.zip"}'),
    Action("s3", "GetObject", request='{"bucketName":"example-artifacts","key":"cache.tar"}'),
    Action("lambda", "UpdateFunctionCode20150331v2", read_only=False),
    Action("lambda", "GetFunction20150331v2"),
    Action("cloudformation", "DescribeStacks"),
    Action("cloudformation", "CreateChangeSet", read_only=False),
    Action("cloudformation", "ExecuteChangeSet", read_only=False),
    Action("cloudfront", "CreateInvalidation", read_only=False),
    Action("ssm", "GetParameter"),
    Action("secretsmanager", "GetSecretValue", request='{"secretId":"service/database"}'),
    Action("codeartifact", "GetAuthorizationToken"),
)
_EXCHANGE = Action("sts", "AssumeRoleWithWebIdentity")
_LOGIN = (
    "aws-sdk-js/3.654.0 ua/2.0 os/linux#6.8.0-1017-azure lang/js md/nodejs#20.18.0 api/sts#3.654.0 "
    "configure-aws-credentials-for-github-actions"
)
_INFRASTRUCTURE = 0.15  # of groups: their workflows are Terraform's
_THINNED = 1 / 16  # of runs, for each use a day of a principal
_USES = 3.0  # of a job, on average
_LENGTH = 300  # of a job, median
_MATRIX, _MATRIX_SHARES = (1, 2, 3, 4, 8), (0.6, 0.15, 0.1, 0.08, 0.07)
_LIVES, _LIFE_SHARES = (15 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR), (0.1, 0.75, 0.1, 0.05)
_IN_OFFICES = 0.3  # of the teams with runners of their own
_WEEKEND = 0.25  # of the runs of a working day
_REQUESTS = 0.3  # of runs are those of a pull request
_NAMED = 0.4  # of workflows name their sessions by run


class Ci(Population):
    """`aws.session/web-identity`: a job's session, good for an hour and used for minutes."""

    name: ClassVar[str] = "ci"
    title: ClassVar[str] = "CI jobs by OIDC"
    share: ClassVar[float] = 0.12

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        for number, size in enumerate(groups_of(fleet, principals)):
            account = sites.accounts[fleet.between(0, len(sites.accounts))]
            region = fleet.regions[fleet.between(0, len(fleet.regions))]
            infrastructure = bool(fleet.rng.random() < _INFRASTRUCTURE)
            made = _infrastructure(fleet, account, number) if infrastructure else _delivery(fleet, account, number)
            own = _runners(fleet, sites, account, region)
            for member in range(size):
                runners = None if fleet.rng.random() < fleet.parameters.hosted_ci else own
                flow = _Workflow(fleet, made, f"app-{number}-{member}", region, runners)
                flow.run()
                if infrastructure:
                    flow.apply_weekly()


def _delivery(fleet: Fleet, account: str, number: int) -> Group:
    return group(fleet, account, f"/ci-{number}/", "aws.session/web-identity", DELIVERY, families=("js", "boto3", "go"))


def _infrastructure(fleet: Fleet, account: str, number: int) -> Group:
    """Terraform reads everything it manages and changes what is to be changed; one use in ten is of a rare kind."""
    pool = (*AWS_ENUMERATION, *AWS_PRIVILEGED)
    repertoire = Repertoire.draw(fleet.rng, pool, fleet.between(18, 30), rare_rate=0.1)
    begin, first = fleet.between(0, 3), Sdk.first("go")

    def agent(sdk: Sdk) -> str:
        return updated(TERRAFORM, begin + max(0, sdk.minor - first.minor))

    return group(
        fleet, account, f"/infra-{number}/", "aws.session/web-identity", pool,
        families=("go",), agent=agent, repertoire=repertoire,
    )  # fmt: skip


def _runners(fleet: Fleet, sites: Sites, account: str, region: str) -> Egress:
    """Where a team's own runners are: in an office's machine room, or in the cloud."""
    if fleet.rng.random() < _IN_OFFICES:
        return sites.offices[fleet.between(0, 2)]
    return migrated(fleet, sites, sites.nat(account, region), account)


class _Workflow:
    """A workflow of a repository and the role it may take; on hosted runners where it has no `runners` of its own."""

    def __init__(self, fleet: Fleet, made: Group, name: str, region: str, runners: Egress | None) -> None:
        rng = fleet.rng
        self._fleet, self._name, self._region, self._runners = fleet, name, region, runners
        self._role = Role(made.realm, made.path, f"ci-{name}", fleet.key("AROA"))
        self._owner = principal(fleet, made, f"{self._role.arn}#web-identity")
        self._matrix = int(rng.choice(_MATRIX, p=_MATRIX_SHARES))
        runs = rng.gamma(2.0, rng.uniform(1, 12) / 2) * fleet.parameters.uses_per_day * _THINNED
        self._runs_per_day = max(0.2, runs / self._matrix)
        self._life = int(rng.choice(_LIVES, p=_LIFE_SHARES))
        self._is_named = bool(rng.random() < _NAMED)
        subjects = (f"repo:example/{name}:ref:refs/heads/main", f"repo:example/{name}:pull_request")
        self._logins = tuple(workflow(made.realm, subject) for subject in subjects)
        for login in self._logins:
            fleet.attribute(login, self._owner)

    def run(self) -> None:
        """Jobs on pushes and pull requests, most of them on working days."""
        fleet = self._fleet
        shifts: list[Shift] = []
        for second in fleet.arrivals(max(fleet.start, self._owner.since), fleet.end, self._runs_per_day, 0.9):
            if _is_weekend(second) and fleet.rng.random() > _WEEKEND:
                continue
            login = self._logins[int(fleet.rng.random() < _REQUESTS)]
            number = fleet.between(10**9, 10**10)
            for lane in range(self._matrix):
                length = max(30, int(_LENGTH * fleet.rng.lognormal(0.0, 0.8)))
                count = int(fleet.rng.geometric(1 / _USES))
                shifts.append(self._job(login, second + fleet.between(2, 25), length, count, f"{number}/{lane}"))
        fleet.take_turns(shifts)

    def apply_weekly(self) -> None:
        """Terraform changes things, once a week at the same time."""
        fleet = self._fleet
        weekly = Rhythm(0.0, period=7 * DAY, phase=fleet.between(0, 7 * 24) * HOUR)
        shifts = []
        for second in weekly.seconds(fleet, max(fleet.start, self._owner.since), fleet.end):
            count = int(min(300, max(30, 80 * fleet.rng.lognormal(0.0, 0.7))))
            job = f"{fleet.between(10**9, 10**10)}/0"
            shifts.append(self._job(self._logins[0], second, fleet.between(5 * MINUTE, 40 * MINUTE), count, job))
        fleet.take_turns(shifts, churn="terraform")

    def _job(self, login: Identity, start: int, length: int, count: int, job: str) -> Shift:
        """The session of a job that logs in at `start` (seconds), and when it does `count` things."""
        fleet, owner, role = self._fleet, self._owner, self._role
        fleet.story["CI jobs"] += 1
        egress = self._runners or Egress.first_seen(self._region, fleet.plan.runner(), "hosted_runner")
        key, expires = fleet.key(), start + self._life
        name = f"{self._name}-{job.partition('/')[0]}" if self._is_named else "GitHubActions"
        asked = f'{{"roleArn":"{role.arn}","roleSessionName":"{name}","durationSeconds":{self._life}}}'
        address, churn = egress.addresses(fleet.rng, [start])[0]
        fleet.call(
            start, login, _EXCHANGE, Context(address, _LOGIN, egress.region),
            request=asked, response=issued(key, expires, role, name), churn=churn,
        )  # fmt: skip
        provider = f"arn:aws:iam::{role.account}:oidc-provider/{GITHUB}"
        federation: Json = {"webIdFederationData": {"federatedProvider": provider, "attributes": {}}}
        caller = session(role, name, key, start, context=federation)
        end = min(start + length, expires)
        holding = Holding(
            owner, caller, key, owner.group.kind, start, expires, Habitat(egress, owner.group.releases),
            workload=job, workload_end=end, session=name,
        )  # fmt: skip
        return fleet.hold(holding), sorted((start + fleet.rng.integers(1, end - start, count)).tolist())


def _is_weekend(second: int) -> bool:
    return (second // DAY + 3) % 7 >= 5  # 1970 began on a Thursday
