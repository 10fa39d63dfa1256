"""Lambda functions: short-lived environments, each with its own key and an address of the shared pool.

Several environments of one function run at once under one session name, from different addresses: the session is not
held by a single workload, and only the key's own history says where it belongs.
"""

from __future__ import annotations

from detector.simulate.call import Action, Context
from detector.simulate.clients import Sdk
from detector.simulate.demo import network
from detector.simulate.demo.world import PRODUCTION, DemoWorld
from detector.simulate.formats.cloudtrail import session
from detector.simulate.world import HOUR

NAMES = ("resize", "notify", "webhook", "audit", "price", "stock", "mail", "search-index")
_ACTIONS = (
    Action("dynamodb", "GetItem", request='{"tableName":"orders"}'),
    Action("s3", "GetObject", request='{"bucketName":"example-uploads","key":"picture.png"}'),
    Action("sns", "Publish", read_only=False),
    Action("logs", "CreateLogStream", read_only=False),
)


def run(world: DemoWorld, name: str, per_day: float) -> None:
    """One function with about `per_day` calls a day, one or two environments at a time."""
    role = world.role(PRODUCTION, "/lambda/", f"lambda-{name}")
    arn = f"arn:aws:lambda:us-east-1:{PRODUCTION}:function:{name}"
    python = NAMES.index(name) % 2 == 0
    agent = (
        Sdk.first("boto3").agent("exec-env/AWS_Lambda_python3.12")
        if python
        else Sdk.first("js").agent("exec-env/AWS_Lambda_nodejs20.x")
    )
    lanes = 1 + NAMES.index(name) % 2
    scope = {"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": arn}
    for _ in range(lanes):
        start = world.start - world.between(0, HOUR)
        while start < world.end:
            end = start + world.between(HOUR, 4 * HOUR)
            identity = session(role, name, world.key(), start, inScopeOf=scope)
            context = Context(network.function_pool(world.rng), agent)
            seconds = world.arrivals(start, end, per_day / lanes, amplitude=0.4)
            for second, choice in zip(seconds, world.pick(len(_ACTIONS), len(seconds)), strict=True):
                world.call(second, identity, _ACTIONS[choice], context)
            world.story["function environments"] += 1
            start = end
