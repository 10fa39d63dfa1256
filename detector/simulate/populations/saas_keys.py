"""Keys of vendors' APIs: language models, payments, mail, customers; and service users of a warehouse."""

from __future__ import annotations

from typing import ClassVar, Final

from detector.simulate.call import Action
from detector.simulate.fleet import Fleet
from detector.simulate.populations.base import Population
from detector.simulate.products import LLM, SAAS, SNOWFLAKE
from detector.simulate.sites import Sites
from detector.simulate.teams import Way, staff

_DELETE: Final = Action("keys", "delete", read_only=False)
_REVOKE: Final = Action("mail", "revoke-key", read_only=False)
_ALTER: Final = Action("snowflake", "ALTER_USER", read_only=False)
_WAYS: Final = (
    Way("api-key", 0.3, LLM, {"cloud": 0.3, "cluster": 0.3, "functions": 0.15, "laptop": 0.15, "vendor": 0.1},
        "llm-key-", withdraw=_DELETE),
    Way("api-key", 0.4, SAAS, {"cloud": 0.3, "cluster": 0.25, "functions": 0.1, "premises": 0.15, "vendor": 0.2},
        "key-", withdraw=_REVOKE),
    Way("snowflake.password", 0.15, SNOWFLAKE, {"vendor": 0.5, "premises": 0.3, "laptop": 0.2}, "sf-pw-",
        withdraw=_ALTER),
    Way("snowflake.keypair", 0.15, SNOWFLAKE, {"vendor": 0.3, "cluster": 0.4, "cloud": 0.3}, "sf-rsa-",
        withdraw=_ALTER),
)  # fmt: skip


class SaasKeys(Population):
    """`api-key`, `snowflake.password`, `snowflake.keypair`."""

    name: ClassVar[str] = "saas_keys"
    title: ClassVar[str] = "Vendors' API keys and warehouse users"
    share: ClassVar[float] = 0.05

    def populate(self, fleet: Fleet, sites: Sites, principals: int) -> None:
        """See `Population.populate`."""
        for product in (LLM, SAAS, SNOWFLAKE):
            ways = [way for way in _WAYS if way.product is product]
            share = sum(way.share for way in ways)
            realm = {LLM: "models", SAAS: "saas", SNOWFLAKE: "warehouse"}[product]
            staff(fleet, sites, round(share * principals), [f"{fleet.name}-{realm}"], ways, _name)


def _name(realm: str, way: Way, team: str, number: int) -> str:
    """A project and its key's name, or a user of the warehouse, whose name has no path."""
    return f"{realm}/{team}/{team}-{number}" if way.kind == "api-key" else f"{team}_{number}".upper().replace("-", "_")
