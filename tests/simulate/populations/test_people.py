from __future__ import annotations

from collections import Counter

import pytest

from detector.domain import ActorClass, Flag
from detector.simulate.fleet import Fleet
from detector.simulate.populations.access_keys import AccessKeys
from detector.simulate.populations.instances import Instances
from detector.simulate.populations.people import People
from tests.simulate.tenants import read, tenant


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return tenant(Instances(), People(), principals=600, trips=0.2)


def test_everyone_who_signs_in_is_read_as_human() -> None:
    fleet = tenant(People(), principals=1200)
    rows = [row for row in read(fleet.calls) if "AWSReservedSSO_" in row.principal]
    assert len(rows) > 1000
    assert {row.actor_class for row in rows} == {ActorClass.HUMAN}


def test_nobody_can_be_stolen_from_who_is_never_scored() -> None:
    assert tenant(People(), principals=1200).holdings == []


def test_people_are_at_home_in_offices_and_on_trips_with_browsers_and_command_lines(fleet: Fleet) -> None:
    rows = [row for row in read(fleet.calls) if "AWSReservedSSO_" in row.principal]
    assert {"244", "245"} <= {row.address.partition(".")[0] for row in rows}
    assert {"Mozilla", "aws-cli"} <= {row.client.partition("/")[0] for row in rows}
    assert {"trip", "ipv6_privacy"} <= {call.churn for call in fleet.calls}


def test_people_work_on_weekdays(fleet: Fleet) -> None:
    days = Counter(
        (call.second // 86_400 + 3) % 7 for call in fleet.calls if b"AWSReservedSSO_" in call.caller.render(call)
    )
    assert days[5] + days[6] < 0.2 * sum(days.values())


def test_aws_acts_on_behalf_of_workloads_right_after_some_of_their_calls(fleet: Fleet) -> None:
    rows = {row.native_id: row for row in read(fleet.calls)}
    behalf = [rows[call.event_id] for call in fleet.calls if call.churn == "on_behalf"]
    asked = Counter(call.action.text for call in fleet.calls if call.churn != "on_behalf")
    assert behalf
    assert all(row.flags & Flag.ON_BEHALF and row.credential for row in behalf)
    triggers = asked["athena:StartQueryExecution"] + asked["athena:GetQueryExecution"] + asked["glue:GetPartitions"]
    triggers += asked["secretsmanager:GetSecretValue"] + asked["dynamodb:Query"] + asked["s3:PutObject"]
    assert 0.08 < len(behalf) / triggers < 0.22


def test_what_aws_does_for_one_population_depends_on_no_other() -> None:
    def behalf(*others: AccessKeys) -> list[str]:
        fleet = tenant(*others, Instances(), People(), principals=200)
        mine = {id(one.caller): one.credential for one in fleet.holdings if one.kind.startswith("aws.session")}
        keys = set(mine.values())
        calls = [call for call in fleet.calls if call.churn == "on_behalf"]
        return [call.event_id for call, row in zip(calls, read(calls), strict=True) if row.credential in keys]

    alone = behalf()
    assert alone
    assert alone == behalf(AccessKeys())
