"""Everyone else: vendors with long-lived keys, engineers signed in through SSO, and AWS acting on behalf."""

from __future__ import annotations

from detector.simulate.call import Action, Context
from detector.simulate.clients import BROWSER, ENGINEER_CLI, Sdk
from detector.simulate.demo import network
from detector.simulate.demo.world import PRODUCTION, DemoWorld
from detector.simulate.formats.cloudtrail import Identity, aws_service, session, user
from detector.simulate.world import DAY, HOUR

VENDORS = ("monitoring", "backup", "billing", "security-scan")
ENGINEERS = ("ada", "grace", "edsger", "barbara", "tony")
_VENDOR_ACTIONS = (
    Action("ec2", "DescribeInstances"),
    Action("cloudwatch", "GetMetricData"),
    Action("rds", "DescribeDBInstances"),
    Action("s3", "ListBuckets"),
)
_ENGINEER_ACTIONS = (
    Action("ec2", "DescribeInstances"),
    Action("logs", "FilterLogEvents"),
    Action("s3", "ListObjects", request='{"bucketName":"example-assets"}'),
    Action("iam", "ListRoles"),
)
_ON_BEHALF = (
    ("athena.amazonaws.com", Action("s3", "GetObject", request='{"bucketName":"example-lake","key":"orders.parquet"}')),
    ("cloudformation.amazonaws.com", Action("ec2", "DescribeSubnets")),
)
_SERVICES = (
    ("cloudtrail.amazonaws.com", Action("s3", "GetBucketAcl")),
    ("config.amazonaws.com", Action("iam", "ListPolicies")),
)


def vendor(world: DemoWorld, name: str, per_day: float) -> None:
    """A SaaS vendor that polls with one IAM user key from its two addresses."""
    identity = user(PRODUCTION, "/vendor/", f"vendor-{name}", world.key("AIDA"), world.key("AKIA"))
    agent = Sdk.first(("go", "java", "boto3", "go")[VENDORS.index(name)]).agent()
    contexts = [Context(address, agent) for address in network.vendor_addresses(VENDORS.index(name))]
    seconds = world.arrivals(world.start, world.end, per_day)
    sides = world.pick(2, len(seconds) // 3 + 1)
    for at, (second, choice) in enumerate(zip(seconds, world.pick(len(_VENDOR_ACTIONS), len(seconds)), strict=True)):
        world.call(second, identity, _VENDOR_ACTIONS[choice], contexts[sides[at // 3]])


def engineer(world: DemoWorld, name: str, per_day: float) -> None:
    """A person: office or home, browser or command line, nine to five or so."""
    role = world.role(PRODUCTION, "/aws-reserved/sso.amazonaws.com/", f"AWSReservedSSO_Developer_{world.hex(16)}")
    for morning in range(world.start + 8 * HOUR, world.end, DAY):
        identity = session(role, f"{name}@example.com", world.key(), morning)
        home = world.rng.random() < 0.5
        address = network.home_address(world.rng, ENGINEERS.index(name)) if home else network.OFFICE
        seconds = world.arrivals(morning, morning + 9 * HOUR, per_day * DAY / (9 * HOUR))
        for second, choice in zip(seconds, world.pick(2 * len(_ENGINEER_ACTIONS), len(seconds)), strict=True):
            context = Context(address, BROWSER if choice % 2 else ENGINEER_CLI)
            world.call(second, identity, _ENGINEER_ACTIONS[choice // 2], context)


def aws(world: DemoWorld, per_day: float) -> None:
    """AWS services: half of the calls by themselves, half on behalf of a workload whose key they carry."""
    for second in world.arrivals(world.start, world.end, per_day / 2):
        host, action = _SERVICES[world.between(0, len(_SERVICES))]
        world.call(second, aws_service(PRODUCTION, host), action, Context(host, host))
    leases = [lease for lease in world.leases if lease.role.path == "/batch/" and lease.end - lease.start > HOUR]
    if not leases:
        return
    for _ in range(int(per_day / 2 * world.days)):
        lease = leases[world.between(0, len(leases))]
        host, action = _ON_BEHALF[world.between(0, len(_ON_BEHALF))]
        identity = _on_behalf(lease.identity, host)
        world.call(world.between(lease.start, lease.end), identity, action, Context(host, host, lease.region))


def _on_behalf(identity: Identity, host: str) -> Identity:
    return Identity(identity.account, identity.arn, identity.key, f'{identity.json[:-1]},"invokedBy":"{host}"}}')
