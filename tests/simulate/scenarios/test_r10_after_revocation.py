from __future__ import annotations

import pytest

from detector.domain import Activity
from detector.simulate.scenarios.r10_after_revocation import AfterRevocation
from detector.sources.base import Source
from detector.sources.cloudtrail import CloudTrail
from detector.sources.use import Use
from tests.simulate.scenarios.fleets import Scene


@pytest.mark.parametrize(("kind", "source"), [("aws.access-key", CloudTrail()), ("github.pat", Use())])
def test_the_source_reads_a_revocation_of_the_key_before_its_first_malicious_use(kind: str, source: Source) -> None:
    scene = Scene()
    victim = scene.holding(kind)
    theft = scene.steal(AfterRevocation(), "S2", victim)
    rows = source.read([call.caller.render(call) for call in scene.fleet.calls], "").rows
    revoked = [row.time for row in rows if row.activity == Activity.REVOKE and row.credential == victim.credential]
    assert len(revoked) == 1
    assert revoked[0] < theft.seconds[0] * 1_000_000
    used = [row for row in rows if row.activity == Activity.USE and row.credential == victim.credential]
    assert {row.native_id for row in used if row.time > revoked[0]} == set(theft.event_ids)


def test_the_owner_goes_on_with_another_key() -> None:
    scene = Scene()
    victim = scene.holding("aws.access-key")
    before = len(scene.own(victim))
    theft = scene.steal(AfterRevocation(), "S1", victim)
    heirs = [call for call in scene.fleet.calls if call.theft < 0 and call.caller is not victim.caller]
    assert theft.victim_goes_on
    assert len(scene.own(victim)) < before
    assert any(call.second > theft.seconds[0] for call in heirs)
