from __future__ import annotations

from detector.domain import Activity
from detector.simulate.call import Action
from detector.simulate.formats import use
from detector.simulate.scenarios.r13_copied_svid import CopiedSvid
from detector.simulate.world import HOUR
from detector.sources.use import Use
from tests.simulate.scenarios.fleets import Scene


def test_two_machines_use_and_renew_by_one_key() -> None:
    scene = Scene()
    victim = scene.holding("spiffe.x509-svid")
    assert isinstance(victim.caller, use.Identity)
    renewing = victim.caller.stating("renew", expires_at=scene.day(12))
    ((home, _),) = victim.habitat.contexts(scene.fleet, [scene.day(8)])
    scene.fleet.call(scene.day(8), renewing, Action("agent", "renew"), home)
    scene.steal(CopiedSvid(), "S2", victim)
    rows = Use().read([call.caller.render(call) for call in scene.fleet.calls], "").rows
    renewed = {row.address for row in rows if row.activity == Activity.RENEW}
    assert len(renewed) == 2
    assert (
        len({row.address for row in rows if row.time > scene.day(8) * 1_000_000 and row.activity == Activity.USE}) == 2
    )


def test_who_has_a_copy_acts_with_the_workloads_client() -> None:
    scene = Scene()
    victim = scene.holding("mtls.cert", start=scene.day(8), end=scene.day(8) + 24 * HOUR)
    scene.steal(CopiedSvid(), "S2", victim)
    assert {call.context.client for call in scene.malicious()} == {call.context.client for call in scene.own(victim)}
