"""Groups that work with a product, and the ways in which they hold its credentials.

What differs between products is mostly a table: which kinds of credential, how long they live, where they are held.
`staff` lets the principals of such a table live; what is more particular than that, a population does itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from detector.simulate import desks, workplaces
from detector.simulate.call import Action
from detector.simulate.clients import Sdk
from detector.simulate.egress import Egress
from detector.simulate.fleet import Fleet, Group, Habitat, Principal
from detector.simulate.formats.use import Identity
from detector.simulate.habits import Repertoire
from detector.simulate.lifecycle import desk, keys, lifetimes, tokens
from detector.simulate.populations.base import borrowed, group, principal
from detector.simulate.products import Product
from detector.simulate.sites import Sites
from detector.simulate.world import DAY, HOUR

Shares = Mapping[str, float]

_PLACES: Final[dict[str, Callable[[Fleet, Sites], Egress]]] = {
    "cloud": workplaces.cloud,
    "cluster": workplaces.cluster,
    "premises": workplaces.premises,
    "functions": workplaces.functions,
    "other-cloud": workplaces.other_cloud,
    "vendor": workplaces.vendor,
    "laptop": lambda fleet, sites: desks.person(fleet, sites, "developer").egress,
}
_REVOKE: Final = Action("keys", "revoke", read_only=False)
_OF_ONE: Final = frozenset({"vendor", "laptop"})  # places that the members of a group do not share
_OPERATORS: Final = 0.08  # of principals, that administer the product
_THOROUGH: Final = 0.7  # of all there is to administer is what a scanner or an infrastructure tool calls
_BUSIER: Final = 3.0  # than others
_CREW: Final = 0.35  # groups are smaller here than a cloud's
_BORROWED: Final = 3  # administrative operations that an ordinary group may use, too
_NAMES: Final = ("orders", "billing", "search", "ledger", "catalog", "risk", "media", "etl", "notify", "portal", "edge")


@dataclass(frozen=True, slots=True)
class Way:
    """A way of holding credentials of `kind`. `places` are names of places and their shares.

    `life` is how long a token is good (seconds), fetched when there is work; 0 = a key that stays. `workload_days` is
    how long a workload lives that its tokens name as their session; 0 = they name none. `expiring` keys say when they
    end. `withdraw` is what its revocation is called.
    """

    kind: str
    share: float
    product: Product
    places: Shares
    prefix: str
    life: int = 0
    workload_days: float = 0.0
    expiring: bool = False
    issuer: str = ""
    actor_class: str = ""
    withdraw: Action = _REVOKE


def crews(fleet: Fleet, principals: int) -> Iterator[tuple[int, bool]]:
    """Sizes of groups that add up to `principals`, the operators' first: (size, whether they are operators)."""
    operators = max(1, round(_OPERATORS * principals)) if principals > 1 else 0
    if operators:
        yield operators, True
    left = principals - operators
    while left > 0:
        size = max(2, int(_CREW * fleet.parameters.group_size * fleet.rng.lognormal(0.0, 0.6)))
        yield min(size, left), False
        left -= size


def team(fleet: Fleet, realm: str, path: str, kind: str, product: Product, *, operators: bool = False) -> Group:
    """A group of `product`: its work and a little of its administration, or, for `operators`, most of the latter."""
    rng = fleet.rng
    repertoire = None
    if operators:
        pool, families = (*product.administration, *product.work[:4]), product.tools
        repertoire = Repertoire.draw(rng, pool, int(_THOROUGH * len(pool)), rare_rate=0.02)
    else:
        lent = rng.permutation(len(product.administration))[:_BORROWED].tolist()
        pool = (*product.work, *(product.administration[at] for at in lent))
        families = (*product.clients, *product.clients, product.tools[int(rng.integers(len(product.tools)))])
    made = group(fleet, realm, path, kind, pool, families=families, repertoire=repertoire)
    made.repertoire.denied_error = product.refusal
    made.unusual, made.tools, made.sdks = product.administration, product.strangers_tools, product.strangers_sdks
    return made


def team_name(fleet: Fleet, number: int) -> str:
    """A name for the `number`th group of a population, such as `ledger-3`."""
    return f"{_NAMES[fleet.between(0, len(_NAMES))]}-{number}"


def place(fleet: Fleet, sites: Sites, shares: Shares) -> Callable[[], Egress]:
    """Where a group works: gives each member its way out, which is everybody's unless each has its own."""
    names = list(shares)
    chosen = names[int(fleet.rng.choice(len(names), p=[shares[name] for name in names]))]
    if chosen in _OF_ONE:
        return lambda: _PLACES[chosen](fleet, sites)
    common = _PLACES[chosen](fleet, sites)
    return lambda: common


def staff(
    fleet: Fleet,
    sites: Sites,
    principals: int,
    realms: Sequence[str],
    ways: Sequence[Way],
    name: Callable[[str, Way, str, int], str],
) -> None:
    """Let `principals` principals live, by the shares of `ways`; `name` gives theirs from realm, way, team and number.

    The path of a group is the one in its members' names, as the detector takes it.
    """
    numbers, share, made = 0, 0.0, 0
    total = sum(way.share for way in ways)
    for way in ways:
        share += way.share / total
        wanted = round(share * principals) - made
        made += wanted
        for size, operators in crews(fleet, wanted):
            realm = realms[fleet.between(0, len(realms))]
            called = team_name(fleet, numbers)
            numbers += 1
            names = [name(realm, way, called, member) for member in range(size)]
            of = team(fleet, realm, path_of(names[0]), way.kind, way.product, operators=operators)
            of.owner = called
            egress = place(fleet, sites, way.places)
            for one in names:
                hold(fleet, sites, principal(fleet, of, one, busier=_BUSIER if operators else 1.0), way, egress())


def path_of(name: str) -> str:
    """What stands between the first and the last slash of a principal's name, as its peer group has it."""
    text = name.rpartition("://")[2]
    first, last = text.find("/"), text.rfind("/")
    return text[first : last + 1] if 0 <= first < last else "/"


def hold(fleet: Fleet, sites: Sites, owner: Principal, way: Way, egress: Egress) -> None:
    """Let one principal hold its credentials in one way."""
    habitat = Habitat(egress, owner.group.releases)
    before = len(fleet.holdings)
    if way.life:
        _tokens(fleet, owner, way, habitat)
    else:
        _keys(fleet, sites, owner, way, habitat)
    office = sites.offices[fleet.between(0, len(sites.offices))]
    tool = Sdk.first(way.product.tools[0]).agent()
    if fleet.parameters.local_debugging:
        for held in fleet.holdings[before:]:
            borrowed(fleet, held, office, tool)


def identity(fleet: Fleet, owner: Principal, way: Way, issued: int, expires: int, session: str = "") -> Identity:
    """A fresh credential of `owner`."""
    return Identity(
        owner.realm, owner.name, fleet.key(way.prefix), way.kind, session=session, issuer=way.issuer,
        issued_at=issued, expires_at=expires, actor_class=way.actor_class,
    )  # fmt: skip


def _tokens(fleet: Fleet, owner: Principal, way: Way, habitat: Habitat) -> None:
    if not way.workload_days:
        span = (max(fleet.start, owner.since), fleet.end)
        tokens(fleet, owner, habitat, span, way.life, lambda at: identity(fleet, owner, way, at, at + way.life))
        return
    for start, end in lifetimes(fleet, owner, way.workload_days):
        session = f"{owner.group.owner}-{fleet.hex(8)}"
        pinned = Habitat(habitat.egress, owner.group.releases, start)

        def mint(at: int, session: str = session) -> Identity:
            return identity(fleet, owner, way, at, at + way.life, session)

        tokens(fleet, owner, pinned, (start, end), way.life, mint, workload_end=end)


def _keys(fleet: Fleet, sites: Sites, owner: Principal, way: Way, habitat: Habitat) -> None:
    shared: list[Egress] = []
    if fleet.rng.random() < fleet.parameters.shared_keys:
        shared = [place(fleet, sites, way.places)() for _ in range(fleet.between(2, 9))]
    administrator = desk(fleet, sites.offices[1], Sdk.first(way.product.tools[0]).agent())

    def mint(at: int) -> Identity:
        expires = max(at, fleet.end) + fleet.between(2 * HOUR, 300 * DAY) if way.expiring else 0
        return identity(fleet, owner, way, at, expires)

    keys(fleet, owner, habitat, mint, withdraw=way.withdraw, desk=administrator, shared=shared)
