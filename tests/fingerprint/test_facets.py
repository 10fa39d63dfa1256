from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import HOUR, KIND_CODE, Activity, ActorClass, Flag, StringTable, UseBatch, UseRow
from detector.fingerprint.facets import ACTION, ADDRESS, CLIENT, FAMILY, LEVELS, PREFIX, SERVICE, Facets, Fingerprinter
from tests.rows import START, batch_of, fingerprint, row

FEW = st.sampled_from(["", "one", "two"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "realm": FEW,
            "principal": FEW,
            "session": FEW,
            "credential": FEW,
            "peer_group": FEW,
            "instance": FEW,
            "parent": FEW,
            "delivery": FEW,
            "address": st.sampled_from(["", "198.51.100.1", "198.51.100.2", "203.0.113.1", "10.0.0.1"]),
            "channel": st.sampled_from(["", "vpce:vpce-1", "service:s3", "console"]),
            "action": st.sampled_from(["", "s3:GetObject", "s3:PutObject", "StopLogging"]),
            "client": st.sampled_from(["", "Boto3/1.34.0", "Boto3/1.35.0", "aws-cli/2.15.0", "..."]),
            "kind": st.sampled_from([0, KIND_CODE["aws.access-key"], KIND_CODE["aws.session/instance"]]),
        }
    ).map(lambda columns: UseRow(**{**row()._asdict(), **columns})),
    min_size=1,
    max_size=8,
)


def meaning(batch: UseBatch, facets: Facets) -> list[tuple[object, ...]]:
    """Facets of each row with codes read as texts, so that batches with other tables compare."""
    columns: list[list[object]] = []
    for field in fields(facets):
        column = getattr(facets, field.name).tolist()
        columns.append([batch.strings[code] for code in column] if field.name.endswith("_code") else column)
    return list(zip(*columns, strict=True))


def of(**columns: Any) -> Facets:
    """Facets of one row."""
    return fingerprint(row(**columns))[1]


@given(ROWS)
def test_the_same_text_has_the_same_key_in_every_batch_and_whatever_was_seen_before(rows: list[UseRow]) -> None:
    whole, forgetful = batch_of(*rows), Fingerprinter(cache=1)
    alone = []
    for one in rows:
        batch = batch_of(one)
        alone += meaning(batch, forgetful.facets(batch))
    assert meaning(whole, Fingerprinter().facets(whole)) == alone


@given(ROWS)
def test_unknown_is_zero_and_a_known_text_never_is(rows: list[UseRow]) -> None:
    facets = fingerprint(*rows)[1]
    for at, one in enumerate(rows):
        known = {
            "realm": one.realm,
            "principal": one.principal,
            "credential": one.principal and one.credential,
            "parent": one.parent,
            "instance": one.instance,
            "delivery": one.delivery,
        }
        for name, text in known.items():
            assert bool(getattr(facets, name)[at]) == bool(text), name
        where, what = one.address or one.channel.startswith("vpce:"), one.action
        levels = (where, one.address, one.client, one.client, what, what, one.provider)
        assert [bool(value) for value in facets.value[at].tolist()] == [bool(text) for text in levels]


def test_a_ladder_value_holds_its_parents() -> None:
    value = fingerprint(
        row(address="10.0.0.1"),
        row(address="10.0.0.2"),
        row(address="10.0.0.1", channel="vpce:vpce-1"),
        row(address="10.9.9.9", channel="vpce:vpce-1"),
    )[1].value

    assert value[0, PREFIX] == value[1, PREFIX]
    assert value[0, ADDRESS] != value[1, ADDRESS]
    assert value[0, ADDRESS] != value[2, ADDRESS], "one private address of two networks"
    assert value[2, PREFIX] == value[3, PREFIX] != value[0, PREFIX]


def test_a_patch_of_a_client_changes_nothing_and_another_client_both_levels() -> None:
    value = fingerprint(row(client="Boto3/1.34.0"), row(client="Boto3/1.35.9"), row(client="Boto3/2.0"), row())[1].value
    other = of(client="aws-cli/2.15.0").value

    assert value[0, CLIENT] == value[1, CLIENT] != value[2, CLIENT]
    assert value[0, FAMILY] == value[1, FAMILY] == value[2, FAMILY]
    assert {int(value[0, FAMILY]), int(value[0, CLIENT])}.isdisjoint(other[0, [FAMILY, CLIENT]].tolist())


def test_actions_of_one_service_share_its_value_and_only_that() -> None:
    actions = ("s3:GetObject", "s3:PutObject", "sqs:GetObject", "s3")
    value = fingerprint(*(row(action=action) for action in actions))[1].value

    assert value[0, SERVICE] == value[1, SERVICE] == value[3, SERVICE] != value[2, SERVICE]
    assert len(set(value[:, ACTION].tolist())) == len(actions)


def test_each_row_carries_the_privilege_of_its_action() -> None:
    actions = ("s3:GetObject", "s3:PutObject", "iam:CreateUser", "")

    assert fingerprint(*(row(action=action) for action in actions))[1].privilege.tolist() == [0, 1, 2, 1]


def test_one_text_has_another_value_at_each_level() -> None:
    values = of(address="boto", client="boto", action="boto", provider="boto").value[0].tolist()

    assert len(set(values)) == len(LEVELS)


def test_keys_live_within_their_realm() -> None:
    here, there = of(realm="one"), of(realm="two")

    for name in ("realm", "group", "principal", "credential", "holder"):
        assert getattr(here, name) != getattr(there, name), name
    assert here.value.tolist() == there.value.tolist(), "where a use comes from means the same in every realm"


def test_one_credential_of_two_principals_is_two() -> None:
    assert of(principal="one").credential != of(principal="two").credential


def two_keys_of_one_session(kind: str) -> Facets:
    return fingerprint(*(row(kind=KIND_CODE[kind], credential=key) for key in ("K1", "K2")))[1]


@pytest.mark.parametrize("kind", ["aws.session/instance", "aws.session/container", "k8s.bound-token"])
def test_keys_of_a_session_that_one_workload_holds_are_compared_together(kind: str) -> None:
    facets = two_keys_of_one_session(kind)

    assert facets.holder[0] == facets.holder[1]
    assert facets.holder[0] not in facets.credential


@pytest.mark.parametrize("kind", ["aws.session/assumed", "aws.access-key", "unknown"])
def test_keys_of_a_session_that_many_may_hold_are_compared_alone(kind: str) -> None:
    facets = two_keys_of_one_session(kind)

    assert facets.holder.tolist() == facets.credential.tolist()
    assert facets.holder[0] != facets.holder[1]


def test_a_single_holder_of_an_unknown_session_is_compared_by_its_credential() -> None:
    facets = of(kind=KIND_CODE["aws.session/instance"], session="")

    assert facets.holder == facets.credential != 0


def test_a_session_is_not_the_credential_of_the_same_text() -> None:
    session = of(kind=KIND_CODE["aws.session/instance"], session="X", credential="Y")
    credential = of(kind=KIND_CODE["aws.session/instance"], session="", credential="X")

    assert session.holder != credential.holder


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("address", "203.0.113.7"),
        ("channel", "vpce:vpce-1"),
        ("client", "aws-cli/2.15.0"),
        ("instance", "i-1"),
    ],
)
def test_another_prefix_client_family_or_instance_is_another_context(column: str, text: str) -> None:
    assert of(**{column: text}).context != of().context


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("address", "198.51.100.99"),
        ("client", "Boto3/2.0.0 os/macos#24"),
        ("action", "iam:CreateUser"),
        ("delivery", "1.0"),
        ("channel", "service:s3"),
    ],
)
def test_a_neighbour_address_an_update_and_another_action_stay_in_the_context(column: str, text: str) -> None:
    assert of(**{column: text}).context == of().context


@pytest.mark.parametrize("activity", list(Activity))
def test_uses_exchanges_and_renewals_are_scored(activity: Activity) -> None:
    assert bool(of(activity=activity).scored) == (activity.name in {"USE", "EXCHANGE", "RENEW"})


@pytest.mark.parametrize("actor", list(ActorClass))
def test_everybody_but_a_person_is_scored(actor: ActorClass) -> None:
    assert bool(of(actor_class=actor).scored) == (actor != ActorClass.HUMAN)


@pytest.mark.parametrize(
    "columns",
    [{"flags": Flag.ON_BEHALF}, {"flags": Flag.TS_SUSPECT}, {"flags": 3}, {"principal": ""}, {"credential": ""}],
)
def test_what_a_service_does_for_others_or_nobody_is_named_in_is_not_scored(columns: dict[str, Any]) -> None:
    assert not of(**columns).scored


def test_the_hour_is_that_of_the_event() -> None:
    facets = fingerprint(row(0), row(HOUR - 1), row(HOUR))[1]

    assert facets.hour.tolist() == [START // HOUR, START // HOUR, START // HOUR + 1]


@given(ROWS, st.integers(0, 8), st.integers(0, 8))
def test_the_facets_of_a_slice_are_the_slice_of_the_facets(rows: list[UseRow], start: int, stop: int) -> None:
    batch, facets = fingerprint(*rows)
    part = slice(start, stop)

    assert meaning(batch.take(part), facets.take(part)) == meaning(batch, facets)[part]


def test_an_empty_batch_has_empty_facets() -> None:
    facets = fingerprint()[1]

    assert facets.value.shape == (0, len(LEVELS))
    assert all(len(getattr(facets, field.name)) == 0 for field in fields(facets))


def test_codes_of_new_texts_stand_in_the_table_of_the_batch() -> None:
    strings = StringTable()
    batch = UseBatch.from_rows([row(address="198.51.100.7", client="Boto3/1.34.0")], strings)
    facets = Fingerprinter().facets(batch)

    codes = (facets.prefix_code, facets.family_code, facets.client_code)
    assert [strings[int(code[0])] for code in codes] == ["198.51.100.0/24", "boto3", "boto3/1"]
    assert np.array_equal(facets.instance, strings.hashes[batch.instance])
