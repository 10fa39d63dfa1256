"""The tools that run a tenant: infrastructure as code, posture scanners, backup, cost, secrets and account keeping.

They do by right what thieves do first. Beside them, rarely: people who respond to an incident with all rights, a
rehearsed loss of a region, and in the hard tier testers hired to break in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from detector.simulate import sessions
from detector.simulate.addresses import REGIONS
from detector.simulate.call import Action, Context
from detector.simulate.catalogue import (
    AWS_COMPUTE,
    AWS_ENUMERATION,
    AWS_PERSISTENCE,
    AWS_PRIVILEGED,
    AWS_SECRETS,
    AWS_TAMPERING,
    AWS_WORK,
)
from detector.simulate.clients import ATTACKER_CLI, BROWSER, ENGINEER_CLI, TERRAFORM, TOOLS, Sdk
from detector.simulate.desks import SignOn, permission_set, person
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Holding, Principal
from detector.simulate.formats.cloudtrail import Identity, Role, user
from detector.simulate.habits import Releases, Repertoire, Rhythm
from detector.simulate.populations.base import Population, borrowed, migrated
from detector.simulate.sites import Sites, moments
from detector.simulate.world import DAY, HOUR, MINUTE

_BY_KEY: Final = 0.3  # of tools that could assume a role
_DENIED: Final = 0.02  # of what a tool does
_ABORTED: Final = 0.08  # of runs of infrastructure as code end with the first thing they may not do
_BIG_PLAN: Final = 1 / 13  # of weekly runs of infrastructure as code are the quarter's
_RARE: Final = 0.1  # of what such a run does
_ELSEWHERE: Final = 0.5  # of nights the tests of modules run in any region, whether somebody works there or not
_LEAST: Final = 3  # without these nobody does everything in the catalogue
_CONTROL: Final = (*AWS_PRIVILEGED, *AWS_PERSISTENCE, *AWS_TAMPERING)
_MODULES: Final = tuple(dict.fromkeys((*_CONTROL, *AWS_COMPUTE, *AWS_SECRETS, *AWS_WORK)))
_KEEPING: Final = tuple(action for action in (*AWS_PRIVILEGED, *AWS_PERSISTENCE) if action.service == "iam")
_REGIONAL: Final = frozenset({"ec2", "ecs", "eks", "rds", "lambda", "secretsmanager", "servicequotas"})
_PLANNED: Final = (
    *AWS_ENUMERATION, *AWS_COMPUTE,
    *(Action(service, name, read_only=False) for service, name in (
        ("ec2", "CreateTags"), ("s3", "PutBucketTagging"), ("ecs", "UpdateService"), ("rds", "ModifyDBInstance"),
        ("elasticloadbalancing", "ModifyListener"), ("route53", "ChangeResourceRecordSets"), ("sqs", "CreateQueue"),
    )),
)  # fmt: skip
_RESTORE: Final = (
    Action("rds", "RestoreDBInstanceFromDBSnapshot", read_only=False), Action("ec2", "CreateVolume", read_only=False),
    Action("dynamodb", "RestoreTableFromBackup", read_only=False),
)  # fmt: skip
_SCRIPT: Final = Sdk.first("boto3").agent()


@dataclass(frozen=True, slots=True)
class Job:
    """What a tool does: all of `tasks` in each run, or `some` of them; at `hour` UTC of each day, or of one a week.

    `clients` and `places` are what it may run with and where; `rare` comes in between.
    """

    name: str
    path: str
    tasks: tuple[Action, ...]
    clients: tuple[str, ...]
    places: tuple[str, ...]
    hour: int
    some: int = 0
    weekly: bool = False
    rare: tuple[Action, ...] = ()
    churn: str = ""


_JOBS: Final = (
    Job("posture-scanner", "/security/", (*AWS_ENUMERATION, *(action for action in AWS_COMPUTE if action.read_only)),
        (_SCRIPT, "Go-http-client/2.0"), ("rented", "cloud"), 3, churn="posture_scan"),
    Job("module-tests", "/platform/", _MODULES, (TERRAFORM, _SCRIPT), ("cloud", "runner"), 1, churn="module_tests"),
    Job("terraform", "/platform/", _PLANNED, (TERRAFORM,), ("cloud", "runner", "office"), 13, weekly=True,
        rare=_CONTROL, churn="terraform"),
    Job("secrets-audit", "/security/", AWS_SECRETS, (_SCRIPT, ATTACKER_CLI), ("cloud", "office"), 5,
        churn="secrets_audit"),
    Job("backup", "/backup/", tuple(action for action in (*AWS_WORK, *AWS_ENUMERATION) if action.service in
        {"s3", "rds", "dynamodb", "kms", "ec2"}), (Sdk.first("java").agent(), ATTACKER_CLI), ("cloud", "office"), 2,
        some=14),
    Job("cost-report", "/finops/", (*AWS_COMPUTE[:4], *AWS_ENUMERATION[11:24]),
        ("python-requests/2.32.3", _SCRIPT), ("rented", "cloud"), 6, some=9),
    Job("account-keeper", "/platform/", _KEEPING, (ATTACKER_CLI, "curl/8.10.1"), ("office", "cloud"), 9, some=4),
)  # fmt: skip
_OFTEN: Final = (2, 2, 0, 4, 5, 2, 3, 6, 2)  # which of them, when a tenant has more


@dataclass(slots=True, eq=False)
class Tool:
    """A job in one account: `role` is assumed with the key of `parent`, or None where the key does the work."""

    job: Job
    owner: Principal
    habitat: Habitat
    parent: Holding
    role: Role | None
    refused: frozenset[Action] = frozenset()  # what it does every time, and is not allowed to


class Operators(Population):
    """`aws.session/assumed` and `aws.access-key` of the platform's own tools."""

    name: ClassVar[str] = "operators"
    title: ClassVar[str] = "Platform and security tools"
    share: ClassVar[float] = 0.02

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        tools: list[Tool] = []
        while sum(1 if tool.role is None else 2 for tool in tools) < principals or len(tools) < _LEAST:
            number = len(tools)
            job = _JOBS[number if number < len(_JOBS) else _OFTEN[number % len(_OFTEN)]]
            account = sites.accounts[number % len(sites.accounts)]
            tools.append(_tool(fleet, sites, job, f"{job.name}-{number}", account))
            self._work(fleet, tools[-1])
        for second in moments(fleet, fleet.parameters.drills):
            _drill(fleet, tools, second)
        _respond(fleet, sites)
        with fleet.chance("pentests"):
            for second in moments(fleet, fleet.parameters.pentests):
                _test(fleet, second)

    def _work(self, fleet: Fleet, tool: Tool) -> None:
        """All runs of one tool."""
        job, weekday = tool.job, fleet.between(0, 5)
        late, tests = fleet.between(0, 6 * HOUR), list[Action]()
        for day in range(int(fleet.days) + 1):
            second = fleet.start + day * DAY + job.hour * HOUR + late + fleet.between(0, 5 * MINUTE)
            if job.weekly:
                if day % 7 == weekday or fleet.rng.random() < 0.08:  # a fix in between
                    _run(fleet, tool, second, _plan(fleet, job), aborts=fleet.rng.random() < _ABORTED)
            elif job.some:
                _run(fleet, tool, second, _chosen(fleet, job.tasks, job.some))
            elif job.name == "module-tests":
                tests = tests or _chosen(fleet, job.tasks, len(job.tasks), again=False)
                tonight, tests = tests[: len(job.tasks) // 4 + 1], tests[len(job.tasks) // 4 + 1 :]
                anywhere = REGIONS[fleet.between(0, len(REGIONS))] if fleet.rng.random() < _ELSEWHERE else ""
                _run(fleet, tool, second, tonight, region=anywhere)
            else:
                _run(fleet, tool, second, _pages(fleet, job.tasks))
                if job.name == "posture-scanner":
                    regional = [action for action in job.tasks if action.service in _REGIONAL]
                    for at, region in enumerate(REGIONS[1:], start=1):
                        _run(fleet, tool, second + at * HOUR // 4, regional, region=region)


def _tool(fleet: Fleet, sites: Sites, job: Job, name: str, account: str) -> Tool:
    """A job in an account, with what it needs to do it."""
    client = job.clients[fleet.between(0, len(job.clients))]
    releases = Releases([(0, client, "")])
    place = job.places[fleet.between(0, len(job.places))]
    habitat = Habitat(_egress(fleet, sites, place, account), releases)
    by_key = fleet.rng.random() < _BY_KEY
    key_user = user(account, "/automation/", name, fleet.key("AIDA"), fleet.key("AKIA"))
    holder = _principal(fleet, job, key_user.arn, "aws.access-key", "/automation/", releases, by_key=by_key)
    start = fleet.start - fleet.between(DAY, 600 * DAY)
    parent = fleet.hold(
        Holding(holder, key_user, key_user.key, "aws.access-key", start, fleet.end + 400 * DAY, habitat)
    )  # fmt: skip
    if place != "office":
        borrowed(fleet, parent, sites.offices[0])
    refused = frozenset(action for action in job.tasks if fleet.rng.random() < _DENIED and not job.weekly)
    if by_key:
        return Tool(job, holder, habitat, parent, None, refused)
    role = Role(account, job.path, name, fleet.key("AROA"))
    owner = _principal(fleet, job, f"{role.arn}#assumed", "aws.session/assumed", job.path, releases, by_key=True)
    return Tool(job, owner, habitat, parent, role, refused)


def _principal(
    fleet: Fleet, job: Job, name: str, kind: str, path: str, releases: Releases, *, by_key: bool
) -> Principal:
    """Who does the job with this credential; a key that only assumes the role does nothing else."""
    actions = tuple(dict.fromkeys(job.tasks)) if by_key else (sessions.ASSUME_ROLE,)
    repertoire = Repertoire(actions, (1 / len(actions),) * len(actions), denied_rate=_DENIED)
    realm = name.split(":")[4]
    made = Group(realm, path, kind, repertoire, releases, owner=job.path.strip("/"))
    fleet.groups.append(made)
    return Principal(name, made, Rhythm(len(actions) / (7 if job.weekly else 1)))


def _egress(fleet: Fleet, sites: Sites, place: str, account: str) -> Egress:
    """What a tool leaves by; a hosted runner is somewhere else every day."""
    region = fleet.regions[0]
    if place == "office":
        return sites.offices[fleet.between(0, 2)]
    if place == "rented":
        provider = fleet.between(0, 20)
        return Egress.of(region, [fleet.plan.hosting(provider) for _ in range(fleet.between(1, 4))])
    if place == "cloud":
        return migrated(fleet, sites, sites.nat(account, region), account)
    egress = Egress.of(region, [fleet.plan.runner()])
    for midnight in range(fleet.start, fleet.end, DAY):
        egress.change(midnight, [fleet.plan.runner()], "ci_runner", news=DAY)
    return egress


def _chosen(fleet: Fleet, tasks: Sequence[Action], count: int, *, again: bool = True) -> list[Action]:
    """`count` of `tasks` in any order; some of them twice if `again`."""
    order = fleet.pick(len(tasks), count) if again else fleet.rng.permutation(len(tasks)).tolist()[:count]
    return [tasks[at] for at in order]


def _pages(fleet: Fleet, tasks: Sequence[Action]) -> list[Action]:
    """All of `tasks` in their order, most in one page and some in many."""
    pages = fleet.rng.geometric(0.7, len(tasks)).tolist()
    return [action for action, count in zip(tasks, pages, strict=True) for _ in range(count)]


def _plan(fleet: Fleet, job: Job) -> list[Action]:
    """One run of infrastructure as code: thirty to three hundred calls, a tenth of them seldom made."""
    big = fleet.rng.random() < _BIG_PLAN
    count = fleet.between(150, 300) if big else int(min(150, max(30, 55 * fleet.rng.lognormal(0.0, 0.5))))
    planned = _chosen(fleet, job.tasks, count)
    rare = fleet.pick(len(job.rare), count)
    seldom = (fleet.rng.random(count) < _RARE).tolist()
    return [job.rare[rare[at]] if seldom[at] else planned[at] for at in range(count)]


def _run(
    fleet: Fleet,
    tool: Tool,
    second: int,
    actions: Sequence[Action],
    *,
    region: str = "",
    churn: str = "",
    aborts: bool = False,
) -> None:
    """One run: a session if the tool has a role, then `actions` at a machine's pace; if it `aborts`, only some."""
    actions = actions[: fleet.between(1, len(actions) + 1)] if aborts else actions
    pauses = fleet.rng.integers(0, 4, len(actions)).cumsum().tolist()
    holding, begin = tool.parent, second + 2
    if tool.role is not None and fleet.start <= second < fleet.end:
        ((context, moved),) = tool.habitat.contexts(fleet, [second])
        name = f"{tool.job.name}-{second}"
        caller = sessions.assumed(
            fleet, tool.parent.caller, tool.role, name, second, context, churn=churn or moved
        )  # fmt: skip
        holding = fleet.hold(
            Holding(
                tool.owner, caller, caller.key, tool.owner.group.kind, second, second + HOUR, tool.habitat,
                until=begin + (pauses[-1] if pauses else 0) + MINUTE, session=name,
            )
        )  # fmt: skip
    seconds = [begin + pause for pause in pauses]
    contexts = tool.habitat.contexts(fleet, seconds)
    for at, (context, moved) in enumerate(contexts):
        place = context._replace(region=region) if region else context
        refused = actions[at] in tool.refused or (aborts and at == len(actions) - 1)
        error = "AccessDenied" if refused else ""
        fleet.call(seconds[at], holding.caller, actions[at], place, error=error, churn=churn or tool.job.churn or moved)


def _drill(fleet: Fleet, tools: Sequence[Tool], second: int) -> None:
    """The loss of a region is rehearsed: infrastructure and backups come up in one that is otherwise empty."""
    fleet.story["recovery drills"] += 1
    region = REGIONS[len(fleet.regions) % len(REGIONS)]
    for tool in tools:
        if tool.job.name in {"terraform", "backup"}:
            begin = second + fleet.between(0, 4 * HOUR)
            work = _plan(fleet, tool.job) if tool.job.weekly else [*_chosen(fleet, tool.job.tasks, 20), *_RESTORE]
            _run(fleet, tool, begin, work, region=region, churn="recovery_drill")


def _respond(fleet: Fleet, sites: Sites) -> None:
    """Incidents: several people sign in at odd hours, and one or two break the glass."""
    account = sites.accounts[0]
    role = permission_set(fleet, account, "IncidentResponse")
    glass = Role(account, "/break-glass/", "break-glass-admin", fleet.key("AROA"))
    responders = [SignOn(person(fleet, sites, f"responder-{at}"), role) for at in range(5)]
    job = Job("break-glass", glass.path, _CONTROL, (ENGINEER_CLI,), ("office",), 0)
    releases = Releases([(0, ENGINEER_CLI, "")])
    sealed = user(account, glass.path, "break-glass", fleet.key("AIDA"), fleet.key("AKIA"))
    keeper = _principal(fleet, job, sealed.arn, "aws.access-key", glass.path, releases, by_key=False)
    owner = _principal(fleet, job, f"{glass.arn}#assumed", "aws.session/assumed", glass.path, releases, by_key=True)
    habitat = Habitat(responders[0].person.egress, releases)
    parent = fleet.hold(
        Holding(keeper, sealed, sealed.key, "aws.access-key", fleet.start - 90 * DAY, fleet.end + 400 * DAY, habitat)
    )  # fmt: skip
    for second in moments(fleet, fleet.parameters.incidents):
        fleet.story["incidents responded to"] += 1
        for sign_on in responders[: fleet.between(3, 6)]:
            begin = second + fleet.between(0, HOUR)
            _clicks(fleet, sign_on, begin)
        breaker = Tool(job, owner, habitat, parent, glass)
        _run(
            fleet,
            breaker,
            second + fleet.between(10 * MINUTE, HOUR),
            _chosen(fleet, job.tasks, 12),
            churn="incident_response",
        )


def _clicks(fleet: Fleet, sign_on: SignOn, begin: int) -> None:
    """One responder: looks at everything, changes what has to be changed."""
    someone = sign_on.person
    seconds = sorted(begin + fleet.between(0, 5 * HOUR) for _ in range(fleet.between(20, 60)))
    pool = (*AWS_ENUMERATION, *AWS_ENUMERATION, *AWS_SECRETS, *_CONTROL)
    actions = _chosen(fleet, pool, len(seconds))
    for at, (address, _) in enumerate(someone.egress.addresses(fleet.rng, seconds)):
        context = Context(address, BROWSER if at % 3 else ENGINEER_CLI, someone.egress.region)
        caller: Identity = sign_on.at(fleet, seconds[at])
        fleet.call(seconds[at], caller, actions[at], context, churn="incident_response")


def _test(fleet: Fleet, second: int) -> None:
    """Hired testers use what they find, from a rented machine, for a day or two: benign, and hard to tell."""
    found = [one for one in fleet.holdings if one.kind.startswith("aws.") and one.start <= second + HOUR < one.last]
    fleet.story["penetration tests"] += 1
    machine, pool = fleet.plan.hosting(), (*AWS_ENUMERATION, *AWS_SECRETS, *AWS_PRIVILEGED)
    for at in fleet.pick(len(found), fleet.between(3, 7)) if found else ():
        holding, begin = found[at], second + HOUR + fleet.between(0, 10 * MINUTE)
        tool = TOOLS[fleet.between(0, len(TOOLS))]
        for action in _chosen(fleet, pool, fleet.between(5, 40)):
            begin += fleet.between(1, 90)
            error = "AccessDenied" if fleet.rng.random() < 0.35 else ""
            context = Context(machine, tool, holding.habitat.egress.region)
            if begin < holding.end:
                fleet.call(begin, holding.caller, action, context, error=error, churn="pentest")
