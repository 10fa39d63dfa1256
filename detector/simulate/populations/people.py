"""Engineers signed in through IAM Identity Center, and AWS acting by itself and on behalf of workloads.

People are counted and never scored; they are the noise that thieves hide in. Nobody steals from them here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from detector.simulate.call import Action, Call, Context
from detector.simulate.catalogue import (
    AWS_COMPUTE,
    AWS_ENUMERATION,
    AWS_PERSISTENCE,
    AWS_PRIVILEGED,
    AWS_SECRETS,
    AWS_TAMPERING,
    AWS_WORK,
)
from detector.simulate.clients import ATTACKER_CLI, BROWSER, ENGINEER_CLI, TERRAFORM
from detector.simulate.desks import SignOn, permission_set, person
from detector.simulate.fleet import Fleet
from detector.simulate.formats.cloudtrail import Identity, aws_service
from detector.simulate.habits import rate_of
from detector.simulate.populations.base import Population
from detector.simulate.sites import Sites

_SETS: Final = {
    "ReadOnly": (*AWS_ENUMERATION, *AWS_COMPUTE[:4]),
    "Developer": (*AWS_WORK, *AWS_COMPUTE, *AWS_ENUMERATION, *AWS_SECRETS),
    "Administrator": (
        *AWS_WORK, *AWS_ENUMERATION, *AWS_COMPUTE, *AWS_SECRETS, *AWS_PRIVILEGED, *AWS_PERSISTENCE,
        *AWS_TAMPERING,
    ),
}  # fmt: skip
_SET_SHARES: Final = (0.3, 0.55, 0.15)
_DENIED: Final = 0.03
_USES: Final = 14.0  # median of a person on an average day
_SIGN_IN: Final = Action("signin", "ConsoleLogin", read_only=False)
_BY_ITSELF: Final = (
    ("cloudtrail.amazonaws.com", Action("s3", "GetBucketAcl")),
    ("config.amazonaws.com", Action("iam", "ListPolicies")),
    ("autoscaling.amazonaws.com", Action("ec2", "DescribeInstances")),
    ("guardduty.amazonaws.com", Action("ec2", "DescribeSecurityGroups")),
)
_BY_ITSELF_PER_DAY: Final = 8.0  # per account
_ON_BEHALF: Final = 0.15  # of the calls below make AWS call something in the caller's name
_LAKE: Final = Action("s3", "GetObject", request='{"bucketName":"example-lake","key":"orders.parquet"}')
_THEN: Final = {
    "athena:StartQueryExecution": ("athena.amazonaws.com", _LAKE),
    "athena:GetQueryExecution": ("athena.amazonaws.com", Action("glue", "GetTable")),
    "glue:GetPartitions": ("glue.amazonaws.com", _LAKE),
    "secretsmanager:GetSecretValue": ("secretsmanager.amazonaws.com", Action("kms", "Decrypt")),
    "dynamodb:Query": ("dynamodb.amazonaws.com", Action("kms", "Decrypt")),
    "s3:PutObject": ("s3.amazonaws.com", Action("kms", "GenerateDataKey")),
    "cloudformation:DescribeStacks": ("cloudformation.amazonaws.com", Action("ec2", "DescribeVpcs")),
}


class People(Population):
    """Humans, one for each sixty principals, and the cloud itself."""

    name: ClassVar[str] = "people"
    title: ClassVar[str] = "Engineers, and AWS itself"
    share: ClassVar[float] = 1 / 60

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        roles = {(account, name): permission_set(fleet, account, name) for account in sites.accounts for name in _SETS}
        for number in range(principals):
            account = sites.accounts[fleet.between(0, len(sites.accounts))]
            rights = str(fleet.rng.choice(list(_SETS), p=_SET_SHARES))
            someone = person(fleet, sites, f"engineer-{number}")
            self._work(fleet, SignOn(someone, roles[account, rights]), _SETS[rights])
        for account in sites.accounts:
            self._by_itself(fleet, account)
        self._on_behalf(fleet)

    def _work(self, fleet: Fleet, sign_on: SignOn, rights: tuple[Action, ...]) -> None:
        """The days of one engineer: signs in, clicks in the console, types on the command line."""
        rng, someone = fleet.rng, sign_on.person
        mine = [rights[at] for at in fleet.pick(len(rights), 25)]
        weights = rng.dirichlet([0.5] * len(mine)).cumsum()
        shell = (ENGINEER_CLI, ATTACKER_CLI, TERRAFORM)[fleet.between(0, 3)]
        in_console = float(rng.uniform(0.2, 0.8))
        seconds = someone.sittings(fleet, fleet.start, fleet.end, rate_of(rng, _USES, 0.7))
        signed_in = 0
        for second, (address, churn) in zip(seconds, someone.egress.addresses(rng, seconds), strict=True):
            chance, which, denied = rng.random(3).tolist()
            browser = Context(address, BROWSER, someone.egress.region)
            if signed_in != someone.midnight(second):
                signed_in = someone.midnight(second)
                fleet.call(second - 20, sign_on.at(fleet, second), _SIGN_IN, browser, churn=churn)
            action = mine[min(int(weights.searchsorted(which)), len(mine) - 1)]
            context = browser if chance < in_console else browser._replace(client=shell)
            error = "AccessDenied" if denied < _DENIED else ""
            fleet.call(second, sign_on.at(fleet, second), action, context, error=error, churn=churn)

    def _by_itself(self, fleet: Fleet, account: str) -> None:
        """Services that look after themselves."""
        services = {host: aws_service(account, host) for host, _ in _BY_ITSELF}
        seconds = fleet.arrivals(fleet.start, fleet.end, _BY_ITSELF_PER_DAY)
        for second, at in zip(seconds, fleet.pick(len(_BY_ITSELF), len(seconds)), strict=True):
            host, action = _BY_ITSELF[at]
            fleet.call(second, services[host], action, Context(host, host, fleet.regions[0]))

    def _on_behalf(self, fleet: Fleet) -> None:
        """What AWS does for the workloads simulated so far, with their key, right after they asked for something.

        Each group has a chance of its own: another population more or less changes nobody else's events.
        """
        asked: dict[str, list[Call]] = {}
        for call in fleet.calls:
            owner = fleet.callers.get(id(call.caller))
            if owner is not None and not call.error and call.action.text in _THEN:
                asked.setdefault(f"{owner.group.owner} {owner.realm} {owner.group.kind}", []).append(call)
        for name, calls in asked.items():
            with fleet.chance(f"on behalf of {name}"):
                for call, chance in zip(calls, fleet.rng.random(len(calls)).tolist(), strict=True):
                    if chance < _ON_BEHALF:
                        host, action = _THEN[call.action.text]
                        self._for(fleet, call, host, action)

    def _for(self, fleet: Fleet, call: Call, host: str, action: Action) -> None:
        if not isinstance(call.caller, Identity):
            return
        caller = replace(call.caller, json=f'{call.caller.json[:-1]},"invokedBy":"{host}"}}')
        context = Context(host, host, call.context.region)
        fleet.call(call.second + fleet.between(0, 4), caller, action, context, churn="on_behalf")
