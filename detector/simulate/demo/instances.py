"""EC2 services: instances behind NAT or with their own address, keys from instance metadata, rolling deploys.

Benign churn made here: **deploys** (each instance replaced in turn: new instance id, new key, new address of a known
prefix; often a new minor SDK version, once a new major one) and the **NAT pool** (several addresses in different
prefixes, picked per connection, shared by everything behind them). Batch services reach S3 through a VPC endpoint and
assume roles of the data platform.
"""

from __future__ import annotations

from dataclasses import dataclass

from detector.simulate.call import Action, Context
from detector.simulate.clients import SSM_AGENT, Sdk
from detector.simulate.demo import network
from detector.simulate.demo.world import PRODUCTION, SHARED, DemoWorld, Lease
from detector.simulate.formats.cloudtrail import Role, aws_service, issued, session
from detector.simulate.world import HOUR, MINUTE

_KEY_LIFE = 6 * HOUR
_CONNECTION = 4  # calls that share a connection, hence a NAT gateway
_DENIED, _ASSUMING = 0.004, 0.93  # of a uniform chance per call: below the one, above the other
_HEARTBEAT = Action("ssm", "UpdateInstanceInformation", read_only=False)
_TERMINATE = Action("ec2", "TerminateInstances", read_only=False)
_ASSUME = Action("sts", "AssumeRole")
_READ_DATA = (Action("athena", "GetQueryExecution"), Action("glue", "GetTable"), Action("s3", "GetObject"))

_ACTIONS = {
    "/web/": (
        Action("dynamodb", "GetItem", request='{"tableName":"sessions"}'),
        Action("dynamodb", "PutItem", read_only=False, request='{"tableName":"sessions"}'),
        Action("secretsmanager", "GetSecretValue", request='{"secretId":"web/database"}'),
        Action("kms", "Decrypt", request='{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}'),
        Action("sqs", "SendMessage", read_only=False),
        Action("s3", "GetObject", request='{"bucketName":"example-assets","key":"catalogue.json"}'),
    ),
    "/batch/": (
        Action("s3", "GetObject", request='{"bucketName":"example-lake","key":"orders.parquet"}'),
        Action("s3", "PutObject", read_only=False, request='{"bucketName":"example-lake","key":"report.parquet"}'),
        Action("sqs", "ReceiveMessage"),
        Action("cloudwatch", "PutMetricData", read_only=False),
        Action("glue", "GetPartitions"),
    ),
}


@dataclass(slots=True)
class Service:
    """One service on EC2: its role, how many instances it runs, where, with which SDK, and who it assumes."""

    role: Role
    slots: int
    region: str
    sdk: Sdk
    own_address: bool = False
    endpoint: str = ""
    assumes: Role | None = None
    migrates: bool = False  # moves to a new major SDK version in the middle of the run
    per_day: float = 0.0  # calls a day, all instances together


def services(world: DemoWorld) -> list[Service]:
    """Six web and five batch services of the production account."""
    web = ("storefront", "checkout", "search", "accounts", "media", "recommendations")
    batch = ("ingest", "invoices", "thumbnails", "reports", "export")
    families = ("boto3", "java", "go", "java", "js", "boto3")
    made = [
        Service(
            world.role(PRODUCTION, "/web/", f"web-{name}"), 3, network.REGIONS[at % 2], Sdk.first(family),
            own_address=name == "media", migrates=name == "accounts",
        )
        for at, (name, family) in enumerate(zip(web, families, strict=True))
    ]  # fmt: skip
    for at, name in enumerate(batch):
        role = world.role(PRODUCTION, "/batch/", f"batch-{name}")
        reader = world.role(SHARED, "/data/", f"data-{name}-reader") if at < 4 else None
        endpoint = f"vpce-{world.hex(17)}" if at % 2 == 0 else ""
        made.append(Service(role, 2, network.REGIONS[at % 2], Sdk.first("boto3"), endpoint=endpoint, assumes=reader))
    return made


def run(world: DemoWorld, service: Service) -> None:
    """Let a service live through the simulated time."""
    launch = [world.start - world.between(0, 20 * HOUR) for _ in range(service.slots)]
    deploy = world.start + world.between(2 * HOUR, 30 * HOUR)
    while True:
        for slot in range(service.slots):
            retired = deploy + slot * 4 * MINUTE
            _live(world, service, launch[slot], min(retired, world.end))
            launch[slot] = retired - world.between(30, 3 * MINUTE)  # the new instance overlaps the old one
        if deploy >= world.end:
            return
        _update(world, service)
        deploy += world.between(20 * HOUR, 44 * HOUR)


def _update(world: DemoWorld, service: Service) -> None:
    world.story["deploys"] += 1
    if service.migrates and world.story["deploys"] > 4:
        service.sdk, service.migrates = service.sdk.major_update(), False
        world.story["SDK major updates"] += 1
    elif world.rng.random() < 0.5:
        service.sdk = service.sdk.minor_update()
        world.story["SDK minor updates"] += 1


def _live(world: DemoWorld, service: Service, launch: int, end: int) -> None:
    """One instance from launch to termination: a new key every six hours, a little before the old one expires."""
    if launch >= end:
        return
    instance, agent = f"i-{world.hex(17)}", service.sdk.agent()
    pool = network.nat_pool(service.role.account, service.region)
    own = (network.public_address(world.rng, service.region),)
    outside = [Context(address, agent, service.region) for address in (own if service.own_address else pool)]
    inside = Context(network.private_address(world.rng), agent, service.region, service.endpoint)
    refresh = _KEY_LIFE - world.between(10 * MINUTE, 40 * MINUTE)
    world.story["instances"] += 1
    for start in range(launch, end, refresh):
        identity = session(service.role, instance, world.key(), start, context={"ec2RoleDelivery": "2.0"})
        lease = Lease(service.role, instance, identity, service.region, start, min(start + refresh, end))
        world.leases.append(lease)
        _work(world, service, lease, outside, inside)
    if end < world.end:
        host = "autoscaling.amazonaws.com"
        items = f'{{"instancesSet":{{"items":[{{"instanceId":"{instance}"}}]}}}}'
        context = Context(host, host, service.region)
        world.call(end + 90, aws_service(service.role.account, host), _TERMINATE, context, request=items)


def _work(world: DemoWorld, service: Service, lease: Lease, outside: list[Context], inside: Context) -> None:
    """The calls of one key: through the endpoint `inside` where the service has one for S3, else one of `outside`."""
    actions = _ACTIONS[service.role.path]
    seconds = world.arrivals(lease.start, lease.end, service.per_day / service.slots, amplitude=0.6)
    gateways = world.pick(len(outside), len(seconds) // _CONNECTION + 1)
    chosen = world.pick(len(actions), len(seconds))
    chance = world.rng.random(len(seconds)).tolist()
    for at, second in enumerate(seconds):
        action, context = actions[chosen[at]], outside[gateways[at // _CONNECTION]]
        private = inside.endpoint and action.service == "s3"
        error = "AccessDenied" if chance[at] < _DENIED else ""
        world.call(second, lease.identity, action, inside if private else context, error=error)
        if service.assumes and chance[at] > _ASSUMING:
            _read_data(world, service.assumes, lease, second, context)
    for second in range(lease.start + 5 * MINUTE, lease.end, 4 * HOUR):
        world.call(second, lease.identity, _HEARTBEAT, outside[0]._replace(client=SSM_AGENT))


def _read_data(world: DemoWorld, role: Role, lease: Lease, second: int, context: Context) -> None:
    """Assume the reader role of the data platform and use it for a moment."""
    key, name = world.key(), f"reader-{lease.session[2:10]}"
    request = f'{{"roleArn":"{role.arn}","roleSessionName":"{name}","durationSeconds":3600}}'
    answer = issued(key, second + HOUR, role, name)
    world.call(second, lease.identity, _ASSUME, context, request=request, response=answer)
    identity = session(role, name, key, second)
    for at, choice in enumerate(world.pick(len(_READ_DATA), 3)):
        world.call(second + 3 + 7 * at, identity, _READ_DATA[choice], context)


def share(services: list[Service], per_day: float) -> None:
    """Split `per_day` calls over the services: a web instance is twice as busy as a batch one."""
    weights = [service.slots * (2.0 if service.role.path == "/web/" else 1.0) for service in services]
    for service, weight in zip(services, weights, strict=True):
        service.per_day = per_day * weight / sum(weights)
