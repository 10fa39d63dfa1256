"""Named attacks on the fleet, with the truth about them kept apart from the events.

Labels never enter a record: a detector sees what CloudTrail would have shown, and an evaluation joins by event id.
"""

from __future__ import annotations

from dataclasses import dataclass

from detector.errors import UsageError
from detector.simulate.call import Action, Context
from detector.simulate.clients import ATTACKER_CLI
from detector.simulate.demo import network
from detector.simulate.demo.world import DemoWorld, Lease
from detector.simulate.world import DAY, HOUR, MINUTE

_SPAN = 50 * MINUTE
_STEPS = (
    (Action("sts", "GetCallerIdentity"), ""),
    (Action("s3", "ListBuckets"), "AccessDenied"),
    (Action("iam", "ListRoles"), "AccessDenied"),
    (Action("dynamodb", "ListTables"), "AccessDenied"),
    (Action("secretsmanager", "ListSecrets"), "AccessDenied"),
    (Action("s3", "GetObject", request='{"bucketName":"example-assets","key":"catalogue.json"}'), ""),
    (Action("secretsmanager", "GetSecretValue", request='{"secretId":"web/database"}'), ""),
    (Action("kms", "Decrypt", request='{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}'), ""),
    (Action("dynamodb", "GetItem", request='{"tableName":"sessions"}'), ""),
    (Action("dynamodb", "GetItem", request='{"tableName":"sessions"}'), ""),
    (Action("dynamodb", "Scan", request='{"tableName":"sessions"}'), "AccessDenied"),
    (Action("dynamodb", "GetItem", request='{"tableName":"sessions"}'), ""),
    (Action("s3", "GetObject", request='{"bucketName":"example-assets","key":"index.html"}'), ""),
    (Action("secretsmanager", "GetSecretValue", request='{"secretId":"web/database"}'), ""),
)


@dataclass(frozen=True, slots=True)
class Theft:
    """One stolen credential and its malicious uses. Times are seconds since 1970 UTC."""

    scenario: str
    techniques: tuple[str, ...]
    realm: str
    principal: str  # the role's ARN
    session: str
    credential: str
    address: str
    event_ids: tuple[str, ...]
    seconds: tuple[int, ...]  # of each malicious use

    @property
    def first_malicious(self) -> int:
        """When the thief first used it."""
        return self.seconds[0]


def imds_replay(world: DemoWorld) -> Theft:
    """The key of a web instance is read through a server-side request forgery and replayed from a hosting network.

    ATT&CK T1552.005 (instance metadata) and T1550.001 (application access token). The victim keeps working, so the
    uses interleave; the thief's address is new, in a prefix from which the fleet's own CI works too, and the thief
    uses a tool the service does not. Begins in the afternoon of the day at 5/7 of the run.
    """
    begin = world.start + int(world.days * 5 / 7) * DAY + 14 * HOUR
    lease = _victim(world, begin)
    begin = max(begin, lease.start + 10 * MINUTE)
    context = Context(network.hosting_address(world.rng), ATTACKER_CLI, lease.region)
    gaps = world.rng.exponential(1.0, len(_STEPS))
    at = begin + (gaps.cumsum() - gaps[0]) / gaps.sum() * _SPAN
    seconds = tuple(int(second) for second in at.tolist())
    return Theft(
        scenario="imds-replay",
        techniques=("T1552.005", "T1550.001"),
        realm=lease.role.account,
        principal=lease.role.arn,
        session=lease.session,
        credential=lease.identity.key,
        address=context.address,
        event_ids=tuple(
            world.call(second, lease.identity, action, context, error=error)
            for second, (action, error) in zip(seconds, _STEPS, strict=True)
        ),
        seconds=seconds,
    )


def _victim(world: DemoWorld, begin: int) -> Lease:
    """A web instance whose key lives through the whole theft."""
    able = [
        lease
        for lease in world.leases
        if lease.role.path == "/web/" and lease.end - max(begin, lease.start + 10 * MINUTE) > _SPAN + MINUTE
        and lease.start <= begin + 2 * HOUR and lease.end <= world.end
    ]  # fmt: skip
    if not able:
        raise UsageError("expected a web instance whose key outlives the theft, found none; simulate at least one day")
    return able[world.between(0, len(able))]
