"""Google Cloud: keys of service accounts far from it, tokens inside it, and workloads of elsewhere that federate."""

from __future__ import annotations

from typing import ClassVar, Final

from detector.simulate.call import Action
from detector.simulate.fleet import Fleet
from detector.simulate.populations.base import Population
from detector.simulate.products import GOOGLE
from detector.simulate.sites import Sites
from detector.simulate.teams import Way, staff
from detector.simulate.world import HOUR

_DELETE: Final = Action("iam", "serviceAccounts.keys.delete", read_only=False)
_WAYS: Final = (
    Way("gcp.sa-key", 0.5, GOOGLE, {"premises": 0.35, "vendor": 0.2, "cloud": 0.25, "other-cloud": 0.1, "laptop": 0.1},
        "gcp-key-", withdraw=_DELETE),
    Way("gcp.access-token", 0.3, GOOGLE, {"other-cloud": 1.0}, "gcp-tok-", life=HOUR),
    Way("gcp.federated", 0.2, GOOGLE, {"cluster": 0.6, "cloud": 0.4}, "gcp-fed-", life=HOUR,
        issuer="https://oidc.clusters.example.com"),
)  # fmt: skip


class Google(Population):
    """`gcp.sa-key`, `gcp.access-token`, `gcp.federated`."""

    name: ClassVar[str] = "google"
    title: ClassVar[str] = "Google Cloud service accounts"
    share: ClassVar[float] = 0.04

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        projects = [f"{fleet.name}-{what}-{fleet.between(1000, 10_000)}" for what in ("prod", "data")]
        staff(fleet, sites, principals, projects, _WAYS, _name)


def _name(project: str, way: Way, team: str, number: int) -> str:
    """An e-mail address, or the subject of a workload identity pool."""
    if way.kind == "gcp.federated":
        return f"principal://iam.googleapis.com/{project}/pools/workloads/subject/{team}/{team}-{number}"
    return f"{team}-{number}@{project}.iam.gserviceaccount.com"
