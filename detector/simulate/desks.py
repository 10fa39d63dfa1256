"""People with laptops: where they sit through time, when they work, and how they sign in.

A laptop leaves by its home's provider (half of homes have IPv6 and a new privacy address every day, the others an
address that changes now and then), by an office, by the web gateway of the employer wherever it is, and on a trip by
whatever the hotel and the phone have.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detector.simulate.addresses import ISPS
from detector.simulate.egress import Egress, Span
from detector.simulate.fleet import Fleet
from detector.simulate.formats.cloudtrail import Identity, Role, session
from detector.simulate.sites import Sites, moments
from detector.simulate.world import DAY, HOUR, MINUTE

ZONES = (-8, -5, 0, 1, 5)  # hours east of UTC that people live in
_ALWAYS_GATEWAY = 0.3  # of people whose laptop leaves by the web gateway wherever it is
_AT_WORK = 0.8  # of weekdays on which somebody uses a given tool at all
_WEEKEND = 0.06
_NEW_LEASE = 1 / 12  # per day: the provider gives the home another IPv4 address
_GATEWAY = 2  # the office that is a web gateway


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody with a laptop. `zone` is in hours east of UTC."""

    name: str
    zone: int
    egress: Egress

    def midnight(self, second: int) -> int:
        """The local midnight before `second`."""
        return second - (second + self.zone * HOUR) % DAY

    def sittings(self, fleet: Fleet, start: int, end: int, per_day: float) -> list[int]:
        """Seconds of about `per_day` uses a day in [start, end), in order: bursts of typing on working days."""
        found: list[int] = []
        for midnight in range(self.midnight(start), end, DAY):
            weekend = (midnight + DAY // 2) // DAY % 7 in {2, 3}  # 1970 began on a Thursday
            if fleet.rng.random() >= (_WEEKEND if weekend else _AT_WORK):
                continue
            sittings = fleet.between(1, 4)
            for _ in range(sittings):
                evening = fleet.rng.random() < 0.12
                begin = midnight + (
                    fleet.between(19 * HOUR, 23 * HOUR) if evening else fleet.between(8 * HOUR, 18 * HOUR)
                )
                count = fleet.rng.geometric(min(1.0, sittings / max(per_day * 1.6, 1.0)))
                pauses = fleet.rng.lognormal(3.0, 1.2, min(int(count), 200)).cumsum()
                found += (begin + pauses.astype(int)).tolist()
        return sorted(second for second in found if start <= second < end)


@dataclass(slots=True, eq=False)
class SignOn:
    """A person who signs in to a role through IAM Identity Center: a fresh session each working day."""

    person: Person
    role: Role
    _sessions: dict[int, Identity] = field(default_factory=dict)

    def at(self, fleet: Fleet, second: int) -> Identity:
        """The session in use at `second`; its key is issued on the first use of a day."""
        day = self.person.midnight(second)
        if day not in self._sessions:
            name = f"{self.person.name}@example.com"
            self._sessions[day] = session(self.role, name, fleet.key(), second - fleet.between(5, 20 * MINUTE))
        return self._sessions[day]


def permission_set(fleet: Fleet, account: str, name: str) -> Role:
    """The role that Identity Center makes of a permission set in an account."""
    return Role(
        account, "/aws-reserved/sso.amazonaws.com/", f"AWSReservedSSO_{name}_{fleet.hex(16)}", fleet.key("AROA")
    )


def person(fleet: Fleet, sites: Sites, name: str) -> Person:
    """Somebody with a laptop, and where it is through the simulated time."""
    zone = ZONES[fleet.between(0, len(ZONES))]
    home = sites.offices[_GATEWAY] if fleet.rng.random() < _ALWAYS_GATEWAY else _home(fleet, zone)
    office = sites.offices[fleet.between(0, len(sites.offices))]
    attendance = float(fleet.rng.choice((0.0, 0.4, 0.9)))
    made = Person(name, zone, Egress(fleet.regions[0]))
    away = _trips(fleet)
    for midnight in range(made.midnight(fleet.start), fleet.end, DAY):
        if trip := next((one for one in away if one.start < midnight + DAY and one.news_until > midnight), None):
            made.egress.spans.append(Span(midnight, _on_the_road(fleet, trip), "trip", midnight + DAY))
            continue
        leaves = midnight
        if fleet.rng.random() < attendance:
            arrives, leaves = (
                midnight + fleet.between(8 * HOUR, 10 * HOUR),
                midnight + fleet.between(16 * HOUR, 19 * HOUR),
            )
            _follow(made.egress, home, midnight, arrives)
            _follow(made.egress, office, arrives, leaves)
        _follow(made.egress, home, leaves, midnight + DAY)
    return made


def _follow(mine: Egress, other: Egress, start: int, end: int) -> None:
    """In [start, end) leave as `other` does, with everything that befalls it meanwhile."""
    now = other.at(start)
    mine.spans.append(Span(start, now.addresses, now.churn, now.news_until))
    mine.spans += [span for span in other.spans if start < span.start < end]


def _home(fleet: Fleet, zone: int) -> Egress:
    """One household: a privacy address a day in a /48 that stays, or an IPv4 address that changes now and then."""
    favourites = fleet.plan.favourite_isps
    isp = favourites[fleet.between(0, len(favourites))] if fleet.rng.random() < 0.7 else fleet.between(0, ISPS)
    if not isp % 2:
        egress = Egress.of(fleet.regions[0], [fleet.plan.residential(isp)])
        for second in moments(fleet, _NEW_LEASE):
            egress.change(second, [fleet.plan.residential(isp)], "dynamic_address", news=DAY)
        return egress
    home = fleet.between(0, 4096)
    egress = Egress.of(fleet.regions[0], [fleet.plan.residential_v6(isp, home)])
    for midnight in range(fleet.start - zone * HOUR, fleet.end, DAY):
        egress.change(midnight, [fleet.plan.residential_v6(isp, home)], "ipv6_privacy", news=DAY)
    return egress


def _trips(fleet: Fleet) -> list[Span]:
    """Trips of one to four days, each with what it leaves by."""
    return [
        Span(second, tuple(fleet.plan.residential() for _ in range(2)), "trip", second + fleet.between(DAY, 4 * DAY))
        for second in moments(fleet, fleet.parameters.trips)
    ]


def _on_the_road(fleet: Fleet, trip: Span) -> tuple[str, ...]:
    """A hotel, or a hotel and a phone."""
    return trip.addresses[: 1 + fleet.between(0, 2)]
