"""How the long-lived keys of one user follow each other: created, for some days both good, switched off, deleted.

A quarter of keys is rotated at all, every ninety days or so: by an administrator who is signed in, or by the tool
that holds the key. Some are withdrawn for good. The log tells each step; a secret is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from detector.simulate.call import Action, Context
from detector.simulate.clients import BROWSER, ENGINEER_CLI
from detector.simulate.desks import SignOn
from detector.simulate.fleet import Fleet, Habitat
from detector.simulate.formats.cloudtrail import Identity
from detector.simulate.world import DAY, HOUR, MINUTE

CREATE_KEY: Final = Action("iam", "CreateAccessKey", read_only=False)
UPDATE_KEY: Final = Action("iam", "UpdateAccessKey", read_only=False)
DELETE_KEY: Final = Action("iam", "DeleteAccessKey", read_only=False)
_ROTATED: Final = 0.25  # of users
_OVERLAP: Final = 7 * DAY
_RETIRED: Final = 0.03 / 21  # of users a day: the key is withdrawn and there is no other
_ITSELF: Final = 0.35  # of rotations are done by the tool that holds the key
_SWITCHED_OFF_FIRST: Final = 0.6  # of withdrawn keys; the others are deleted at once
_CHURN: Final = "rotation"

Log = Callable[[int, Action, str, str], None]  # second, action, request, response


@dataclass(frozen=True, slots=True)
class Tenure:
    """One key of a user, good in [start, end) (seconds)."""

    identity: Identity
    start: int
    end: int


def tenures(
    fleet: Fleet,
    administrator: SignOn,
    name: str,
    habitat: Habitat,
    *,
    since: int,
    identity: Callable[[str], Identity],
) -> list[Tenure]:
    """The keys of user `name` in order, with what the log says of their changes.

    `habitat` is where the tool sits that rotates its own key, `since` (0 = before the simulation) when the user was
    made; `identity` makes a caller of a key.
    """
    first = identity(fleet.key("AKIA"))
    good_until = fleet.end + 400 * DAY
    hand = partial(_by_hand, fleet, administrator)
    if since:
        _create(hand, name, first.key, since - 10 * MINUTE)
        return [Tenure(first, since, good_until)]
    start = fleet.start - fleet.between(DAY, 500 * DAY)
    if fleet.rng.random() < _RETIRED * fleet.days:
        ends = _at_work(fleet, administrator, fleet.start + fleet.between(0, fleet.end - fleet.start))
        _withdraw(fleet, hand, name, first.key, ends)
        return [Tenure(first, start, ends)]
    due = fleet.start + fleet.between(0, max(60.0, fleet.rng.normal(90, 20)) * DAY)
    if fleet.rng.random() >= _ROTATED or due >= fleet.end:
        return [Tenure(first, start, good_until)]
    fleet.story["key rotations"] += 1
    due = _at_work(fleet, administrator, due)
    ends = _at_work(fleet, administrator, due + 2 * HOUR + fleet.between(0, _OVERLAP))
    second = identity(fleet.key("AKIA"))
    itself = fleet.rng.random() < _ITSELF
    _create(partial(_by_itself, fleet, first, habitat) if itself else hand, name, second.key, due)
    _withdraw(fleet, partial(_by_itself, fleet, second, habitat) if itself else hand, name, first.key, ends)
    return [Tenure(first, start, ends), Tenure(second, due, good_until)]


def moves(fleet: Fleet, keys: Sequence[Tenure]) -> list[tuple[int, int]]:
    """When one holder uses each of `keys`: [start, until), moving on at a moment of its own while both are good."""
    found, start = [], keys[0].start
    for key, successor in zip(keys, [*keys[1:], None], strict=True):
        until = key.end if successor is None else fleet.between(successor.start + MINUTE, key.end)
        found.append((start, until))
        start = until
    return found


def _at_work(fleet: Fleet, administrator: SignOn, second: int) -> int:
    """The first moment from `second` on at which the administrator sits at a desk."""
    person = administrator.person
    midnight = person.midnight(second)
    weekend = (0, 0, 2, 1, 0, 0, 0)[(midnight + DAY // 2) // DAY % 7]  # 1970 began on a Thursday
    if weekend:
        return midnight + weekend * DAY + fleet.between(9 * HOUR, 12 * HOUR)
    return max(second, midnight + 8 * HOUR + fleet.between(0, HOUR)) + fleet.between(0, HOUR)


def _create(log: Log, name: str, key: str, second: int) -> None:
    answer = f'{{"accessKey":{{"accessKeyId":"{key}","status":"Active","userName":"{name}"}}}}'
    log(second, CREATE_KEY, f'{{"userName":"{name}"}}', answer)


def _withdraw(fleet: Fleet, log: Log, name: str, key: str, second: int) -> None:
    """Switched off, and deleted when nobody has complained; or deleted at once."""
    delete = second
    if fleet.rng.random() < _SWITCHED_OFF_FIRST:
        log(second, UPDATE_KEY, f'{{"userName":"{name}","status":"Inactive","accessKeyId":"{key}"}}', "null")
        delete += fleet.between(DAY, 10 * DAY)
    log(delete, DELETE_KEY, f'{{"userName":"{name}","accessKeyId":"{key}"}}', "null")


def _by_hand(fleet: Fleet, administrator: SignOn, second: int, action: Action, request: str, response: str) -> None:
    """The administrator does it, in the console or on the command line."""
    if fleet.start <= second < fleet.end:
        ((address, _),) = administrator.person.egress.addresses(fleet.rng, [second])
        agent = BROWSER if fleet.rng.random() < 0.5 else ENGINEER_CLI
        caller = administrator.at(fleet, second)
        fleet.call(second, caller, action, Context(address, agent), request=request, response=response, churn=_CHURN)


def _by_itself(
    fleet: Fleet, caller: Identity, habitat: Habitat, second: int, action: Action, request: str, response: str
) -> None:
    """The tool that holds the key does it with the key it has."""
    ((context, _),) = habitat.contexts(fleet, [second])
    fleet.call(second, caller, action, context, request=request, response=response, churn=_CHURN)
