"""CI jobs: each trades its OIDC token for a session, from an address nobody has seen before, often as a matrix.

Benign churn made here: **CI noise**. The exchange is logged with the key it issued and its expiry, so a detector can
follow the lineage; the address is as good as random among the prefixes of one hosting provider.
"""

from __future__ import annotations

from detector.simulate.call import Action, Context
from detector.simulate.clients import TERRAFORM, Sdk
from detector.simulate.demo import network
from detector.simulate.demo.world import SHARED, DemoWorld
from detector.simulate.formats.cloudtrail import Role, issued, session, workflow
from detector.simulate.world import DAY, HOUR

REPOSITORIES = ("shop", "search", "mobile", "platform", "data", "site", "infra", "tools")
_JOBS_PER_DAY = 5.0
_EXCHANGE = Action("sts", "AssumeRoleWithWebIdentity")
_DEPLOY = (
    Action("ecr", "GetAuthorizationToken"),
    Action("ecr", "PutImage", read_only=False),
    Action("ecs", "UpdateService", read_only=False),
    Action("s3", "PutObject", read_only=False, request='{"bucketName":"example-artifacts","key":"build.zip"}'),
    Action("cloudformation", "DescribeStacks"),
)
_TERRAFORM = (
    Action("ec2", "DescribeInstances"),
    Action("iam", "GetRole"),
    Action("s3", "GetBucketPolicy"),
    Action("rds", "DescribeDBInstances"),
    Action("lambda", "GetFunction20150331v2"),
)
_LOGIN = "configure-aws-credentials-for-github-actions"


def run(world: DemoWorld, repository: str, per_day: float) -> None:
    """One repository with about `per_day` calls a day in a handful of jobs."""
    role = world.role(SHARED, "/ci/", f"ci-{repository}")
    uses = max(2.0, per_day / _JOBS_PER_DAY)
    for second in world.arrivals(world.start, world.end, _JOBS_PER_DAY / 1.75, amplitude=0.9):
        for lane in range(1 + world.between(0, 2.5)):  # a matrix: one to three jobs at the same moment
            _job(world, role, repository, second + 2 * lane, uses)


def _job(world: DemoWorld, role: Role, repository: str, second: int, uses: float) -> None:
    world.story["CI jobs"] += 1
    key, name = world.key(), "GitHubActions"
    subject = f"repo:example/{repository}:ref:refs/heads/main"
    terraform = repository in ("infra", "platform")
    runner = Context(network.hosting_address(world.rng), TERRAFORM if terraform else Sdk.first("js").agent())
    actions = _TERRAFORM if terraform else _DEPLOY
    request = f'{{"roleArn":"{role.arn}","roleSessionName":"{name}","durationSeconds":3600}}'
    answer = issued(key, second + HOUR, role, name)
    login = runner._replace(client=_LOGIN)
    world.call(second, workflow(SHARED, subject), _EXCHANGE, login, request=request, response=answer)
    federation = {"federatedProvider": f"arn:aws:iam::{SHARED}:oidc-provider/token.actions.githubusercontent.com"}
    identity = session(role, name, key, second, context={"webIdFederationData": {**federation, "attributes": {}}})
    length = world.between(120, 900)
    for at in world.arrivals(second + 3, second + length, uses * DAY / length):
        action = actions[world.between(0, len(actions))]
        denied = "AccessDenied" if terraform and world.rng.random() < 0.02 else ""
        world.call(at, identity, action, runner, error=denied)
