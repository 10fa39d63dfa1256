from __future__ import annotations

import json
from typing import Any

import pytest

from detector.errors import InternalError
from detector.simulate.call import Action, Context
from detector.simulate.fleet import Holding
from detector.simulate.minted import access_key, assume, can_assume, lookalike, mint
from detector.simulate.play import Play
from detector.simulate.sessions import ASSUME_ROLE
from detector.simulate.world import DAY, HOUR
from tests.simulate.scenarios.scope_fleets import HOME, OTHER, tenant

CONTEXT = Context("241.0.10.7", "curl/8.10.1")
LOGIN = Action("idp", "apps.addPassword", read_only=False)


def thief(kind: str) -> tuple[Play, Holding, int]:
    """A theft of the first credential of `kind` that is good on the ninth day, before anything is done."""
    fleet, sites = tenant()
    second = fleet.start + 8 * DAY + HOUR
    victim = next(one for one in fleet.holdings if one.kind == kind and one.start <= second < one.last)
    fleet.stolen.add(id(victim.principal))
    return Play(fleet, sites, victim, "S1", "mixed", second, 12, HOUR, 0), victim, second


def logged(play: Play) -> list[dict[str, Any]]:
    """What the thief's records say."""
    return [json.loads(call.caller.render(call)) for call in play.fleet.calls if call.theft == 0]


@pytest.mark.parametrize(("elsewhere", "account"), [(False, HOME), (True, OTHER)])
def test_an_assumed_role_is_anothers_and_the_answer_names_its_key(*, elsewhere: bool, account: str) -> None:
    play, victim, second = thief("aws.session/instance")

    made = assume(play, victim, second, CONTEXT, elsewhere=elsewhere)
    play.use(second + 60, CONTEXT, LOGIN, holding=made)

    call, use = logged(play)
    assert call["eventName"] == ASSUME_ROLE.name
    assert call["userIdentity"]["accessKeyId"] == victim.credential
    assert call["responseElements"]["credentials"]["accessKeyId"] == use["userIdentity"]["accessKeyId"]
    assert use["userIdentity"]["accountId"] == made.principal.realm == account
    assert made.principal.name != victim.principal.name
    assert made.end - made.start == HOUR


def test_nobody_assumes_the_role_of_somebody_who_is_stolen_from_already() -> None:
    play, victim, second = thief("aws.session/instance")

    assume(play, victim, second, CONTEXT)

    assert not can_assume(play.fleet, victim, elsewhere=False)
    with pytest.raises(InternalError):
        assume(play, victim, second, CONTEXT)


def test_an_access_key_is_a_second_one_of_a_known_user_else_of_one_made_up() -> None:
    play, victim, second = thief("aws.session/instance")

    of_known, made_up = access_key(play, victim, second, CONTEXT), access_key(play, victim, second, CONTEXT)

    assert of_known.principal.name == f"arn:aws:iam::{HOME}:user/deployer"
    assert made_up.principal.name not in {one.principal.name for one in play.fleet.holdings}
    answers = [call["responseElements"]["accessKey"] for call in logged(play)]
    assert [answer["accessKeyId"] for answer in answers] == [of_known.credential, made_up.credential]
    assert answers[0]["userName"] == "deployer"


def test_a_cluster_issues_a_token_of_another_account() -> None:
    play, victim, second = thief("k8s.bound-token")

    made = mint(play, victim, second, CONTEXT, LOGIN)

    (request,) = logged(play)
    assert request["objectRef"]["subresource"] == "token"
    assert request["annotations"]["authentication.kubernetes.io/issued-credential-id"] == made.credential
    assert made.principal.name == "system:serviceaccount:platform:sync"


def test_elsewhere_the_issue_names_parent_and_child() -> None:
    play, victim, second = thief("entra.client-secret")

    made = mint(play, victim, second, CONTEXT, LOGIN)

    asked, issued = sorted(logged(play), key=lambda record: "activity" in record)
    assert asked["credential"] == issued["parent"] == victim.credential
    assert issued["credential"] == made.credential != victim.credential
    assert made.principal is victim.principal


def test_a_fresh_id_has_the_shape_of_the_old_one() -> None:
    fleet, _ = tenant(days=2)
    old = fleet.key("accessor-")

    new = lookalike(fleet, old)

    assert new != old
    assert len(new) == len(old)
    assert new.startswith("accessor-")
    assert new.endswith("EXAMPLE")
