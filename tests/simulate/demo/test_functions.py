from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from detector.simulate.demo import functions
from detector.simulate.world import HOUR
from tests.simulate.worlds import aws, empty_world, identity


def test_each_environment_has_its_own_key_and_address_for_at_most_four_hours() -> None:
    world = empty_world()
    functions.run(world, "notify", 800)
    calls = defaultdict(list)
    for call in world.calls:
        calls[aws(call).key].append(call)
    assert len(calls) > 40
    assert all(len({call.context.address for call in used}) == 1 for used in calls.values())
    assert all(max(c.second for c in used) - min(c.second for c in used) < 4 * HOUR for used in calls.values())


def test_environments_of_one_function_run_at_once_under_one_session_name() -> None:
    world = empty_world()
    functions.run(world, "notify", 800)
    spans = defaultdict(list)
    for call in world.calls:
        spans[aws(call).key].append(call.second)
    ends = sorted((min(seconds), max(seconds)) for seconds in spans.values())
    assert any(start < end for (_, end), (start, _) in pairwise(ends))
    assert {aws(call).arn.rpartition("/")[2] for call in world.calls} == {"notify"}


def test_a_function_says_that_it_is_one() -> None:
    world = empty_world(days=1)
    functions.run(world, "resize", 400)
    assert {identity(call)["inScopeOf"]["issuerType"] for call in world.calls} == {"AWS::Lambda::Function"}
    assert all("exec-env/AWS_Lambda" in call.context.client for call in world.calls)
