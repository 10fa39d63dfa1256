from __future__ import annotations

from detector.domain import Activity
from detector.simulate.call import Action
from detector.simulate.formats import cloudtrail, use
from detector.simulate.scenarios.r12_assertion_reuse import AssertionReuse
from detector.simulate.world import HOUR
from detector.sources.cloudtrail import CloudTrail
from detector.sources.use import Use
from tests.simulate.scenarios.fleets import Scene

TRADE = Action("sts", "AssumeRoleWithWebIdentity")


def test_aws_issues_a_second_session_for_the_assertion_and_the_thief_uses_it() -> None:
    scene = Scene()
    begin = scene.day(9)
    role = cloudtrail.Role(scene.realm, "/ci/", "deploy", scene.fleet.key("AROA"))
    key = scene.fleet.key()
    session = cloudtrail.session(role, "run-1", key, begin)
    victim = scene.holding("aws.session/web-identity", start=begin, end=begin + HOUR, caller=session)
    job = cloudtrail.workflow(scene.realm, "repo:example/shop:ref:refs/heads/main")
    ((context, _),) = victim.habitat.contexts(scene.fleet, [begin])
    answer = cloudtrail.issued(key, begin + HOUR, role, "run-1")
    scene.fleet.call(begin, job, TRADE, context, response=answer)
    theft = scene.steal(AssertionReuse(), "S1", victim)
    assert begin < theft.seconds[0] < begin + 300
    rows = CloudTrail().read([call.caller.render(call) for call in scene.malicious()], "").rows
    (issue,) = (row for row in rows if row.activity == Activity.ISSUE)
    assert issue.credential not in {"", key}
    used = [row for row in rows if row.native_id != issue.native_id]
    assert {row.credential for row in used} == {issue.credential}
    assert issue.issued_at < issue.expires_at <= (theft.seconds[0] + HOUR) * 1_000_000


def test_in_other_logs_the_same_assertion_is_traded_again() -> None:
    scene = Scene()
    begin = scene.day(9)
    owner = scene.principal("github.oidc")
    assertion = use.Identity(scene.realm, owner.name, scene.fleet.key("jti-"), "github.oidc", issued_at=begin)
    victim = scene.holding(
        "github.oidc", owner=owner, start=begin, end=begin + 300, caller=assertion.stating("exchange"), seconds=[begin]
    )
    scene.steal(AssertionReuse(), "S2", victim)
    rows = Use().read([call.caller.render(call) for call in scene.fleet.calls], "").rows
    assert len(rows) >= 2
    assert {(row.activity, row.credential) for row in rows} == {(Activity.EXCHANGE, victim.credential)}


def test_what_its_owner_trades_again_and_again_is_no_assertion() -> None:
    scene = Scene()
    begin = scene.day(9)
    owner = scene.principal("oauth.refresh-token")
    token = use.Identity(scene.realm, owner.name, scene.fleet.key("rt-"), "oauth.refresh-token").stating("exchange")
    refreshed = scene.holding(
        "oauth.refresh-token", owner=owner, caller=token, seconds=[begin, begin + HOUR, begin + 2 * HOUR]
    )
    assert AssertionReuse().begin(scene.fleet, refreshed) is None
