"""Microsoft Entra: service principals with secrets and certificates, federated workloads, managed identities."""

from __future__ import annotations

import uuid
from typing import ClassVar, Final

from detector.simulate.call import Action
from detector.simulate.fleet import Fleet
from detector.simulate.populations.base import Population
from detector.simulate.products import ENTRA
from detector.simulate.sites import Sites
from detector.simulate.teams import Way, staff
from detector.simulate.world import DAY, HOUR

_REMOVE: Final = Action("graph", "applications.removePassword", read_only=False, resource="graph.microsoft.com")
_WAYS: Final = (
    Way("entra.client-secret", 0.35, ENTRA, {"premises": 0.3, "vendor": 0.3, "cloud": 0.2, "other-cloud": 0.2},
        "entra-sec-", expiring=True, withdraw=_REMOVE),
    Way("entra.certificate", 0.2, ENTRA, {"premises": 0.5, "cloud": 0.3, "other-cloud": 0.2}, "entra-crt-",
        expiring=True, withdraw=_REMOVE),
    Way("entra.federated", 0.2, ENTRA, {"cluster": 0.7, "cloud": 0.3}, "entra-fed-", life=HOUR,
        issuer="https://oidc.clusters.example.com"),
    Way("entra.managed-identity", 0.25, ENTRA, {"other-cloud": 1.0}, "entra-uti-", life=DAY, workload_days=6.0),
)  # fmt: skip


class Entra(Population):
    """`entra.client-secret`, `entra.certificate`, `entra.federated`, `entra.managed-identity`."""

    name: ClassVar[str] = "entra"
    title: ClassVar[str] = "Microsoft Entra service principals"
    share: ClassVar[float] = 0.04

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        tenant = str(uuid.UUID(bytes=fleet.rng.bytes(16), version=4))

        def name(_tenant: str, _way: Way, _team: str, _number: int) -> str:
            """Sign-in logs name a service principal by its object id: nothing in it says whose it is."""
            return str(uuid.UUID(bytes=fleet.rng.bytes(16), version=4))

        staff(fleet, sites, principals, [tenant], _WAYS, name)
