"""Control records: what may be said, what is refused, and what compaction keeps of it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.control import (
    LIMIT,
    Config,
    Control,
    ControlSource,
    Feedback,
    Model,
    Revoked,
    decode,
    encode,
    key,
)
from detector.domain import SECOND, Activity
from detector.errors import RecordError
from detector.records import REASONS

TIME = "2026-11-23T04:05:06.789Z"
FEEDBACK = Feedback(time=TIME, incident_id="a2" * 13, verdict="benign", reason="failover", author="ada")
REVOKED = Revoked(time=TIME, realm="111122223333", principal="role/web", credential="ASIAEXAMPLE", action_id="a1")
MODEL = Model(time=TIME, bundle="default", digest="0f" * 32)
CONFIG = Config(time=TIME, detections={"replay.new_origin": "shadow"}, author="ada")
EACH: list[Control] = [FEEDBACK, REVOKED, MODEL, CONFIG]

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
SAID = st.one_of(
    st.builds(
        Feedback, time=st.just(TIME), incident_id=st.from_regex("[a-z2-7]{26}", fullmatch=True), reason=TEXT,
        author=TEXT, verdict=st.sampled_from(["confirm", "benign"]),
    ),
    st.builds(Revoked, time=st.just(TIME), realm=TEXT, principal=TEXT, credential=TEXT, action_id=TEXT),
    st.builds(Model, time=st.just(TIME), bundle=TEXT, digest=st.from_regex("[0-9a-f]{64}", fullmatch=True)),
    st.builds(
        Config, time=st.just(TIME), author=TEXT,
        detections=st.dictionaries(TEXT, st.sampled_from(["alert", "shadow", "off"]), max_size=5),
    ),
)  # fmt: skip


@given(SAID)
def test_what_is_encoded_is_decoded_as_it_was(said: Control) -> None:
    assert decode(encode(said)) == said
    assert decode(encode(said).decode()) == said


@pytest.mark.parametrize("said", EACH, ids=lambda said: type(said).__name__)
def test_a_record_says_first_what_kind_it_is(said: Control) -> None:
    assert encode(said).startswith(b'{"kind":"%s",' % type(said).__name__.lower().encode())


# --- what is refused -------------------------------------------------------------------------------------------------


def changed(said: Control, **fields: object) -> bytes:
    """The record with these fields; one that is None is left out."""
    tree = msgspec.json.decode(encode(said)) | fields
    return msgspec.json.encode({name: value for name, value in tree.items() if value is not None})


@pytest.mark.parametrize(
    "data",
    [
        changed(FEEDBACK, kind="verdict"),
        changed(FEEDBACK, kind=None),
        changed(FEEDBACK, verdict="maybe"),
        changed(FEEDBACK, incident_id="a2" * 12),
        changed(FEEDBACK, incident_id="A2" * 13),
        changed(FEEDBACK, reason=""),
        changed(FEEDBACK, reason="x" * 1_025),
        changed(FEEDBACK, author=None),
        changed(FEEDBACK, silence="for ever"),
        changed(REVOKED, credential=None),
        changed(REVOKED, realm=7),
        changed(MODEL, digest="0f" * 8),
        changed(MODEL, digest="0F" * 32),
        changed(CONFIG, detections={"replay.new_origin": "on"}),
        changed(CONFIG, detections=["replay.new_origin"]),
        *(changed(said, time=None) for said in EACH),
        *(changed(said, time="") for said in EACH),
        b"[]",
        b'"feedback"',
    ],
)
def test_a_field_that_is_missing_wrong_or_unknown_is_a_bad_field(data: bytes) -> None:
    with pytest.raises(RecordError, match="expected a control record") as raised:
        decode(data)

    assert raised.value.reason == "bad_field"


@pytest.mark.parametrize("data", [b"", b"{", b"not json", b"\xff\xfe", b'{"kind":"model"', b'{"kind":"\\ud800"}'])
def test_what_is_no_json_is_refused_without_repeating_it(data: bytes) -> None:
    with pytest.raises(RecordError, match="expected a control record, found no JSON object") as raised:
        decode(data)

    assert raised.value.reason == "not_json"


@pytest.mark.parametrize("time", ["yesterday", "2026-06-31T00:00:00Z", "1999-01-01T00:00:00Z"])
@pytest.mark.parametrize("said", EACH, ids=lambda said: type(said).__name__)
def test_a_time_that_is_none_is_refused(said: Control, time: str) -> None:
    with pytest.raises(RecordError) as raised:
        decode(changed(said, time=time))

    assert raised.value.reason in REASONS


def test_a_record_has_a_largest_size() -> None:
    modes = {"replay.new_origin": "off"} | {f"replay.detection_{at:04}": "off" for at in range(120)}
    fits = changed(CONFIG, detections=modes)
    fits += b" " * (LIMIT - len(fits))

    assert isinstance(decode(fits), Config)
    with pytest.raises(RecordError, match=rf"at most {LIMIT} bytes, found {LIMIT + 1}") as raised:
        decode(fits + b" ")
    assert raised.value.reason == "oversize"


def test_a_refusal_does_not_repeat_what_the_record_held() -> None:
    with pytest.raises(RecordError) as raised:
        decode(changed(FEEDBACK, reason="AKIASECRET" * 200, author="x"))

    assert "AKIASECRET" not in str(raised.value)


# --- what compaction keeps -------------------------------------------------------------------------------------------


@given(SAID)
def test_what_is_said_again_of_the_same_replaces_what_was_said(said: Control) -> None:
    later = msgspec.structs.replace(said, time="2026-11-24T00:00:00Z")

    assert key(later) == key(said)


def test_a_verdict_is_kept_for_each_incident_and_the_last_of_them_stands() -> None:
    other = msgspec.structs.replace(FEEDBACK, incident_id="b2" * 13)
    turned = msgspec.structs.replace(FEEDBACK, verdict="confirm", author="bob")

    assert key(other) != key(FEEDBACK) == key(turned)


def test_one_model_and_one_configuration_are_kept() -> None:
    assert key(msgspec.structs.replace(MODEL, bundle="other")) == key(MODEL)
    assert key(msgspec.structs.replace(CONFIG, detections={})) == key(CONFIG)
    assert len({key(said) for said in EACH}) == len(EACH)


SHORT = st.text('ab/"\\,', min_size=1, max_size=4)


@given(st.tuples(SHORT, SHORT, SHORT), st.tuples(SHORT, SHORT, SHORT))
def test_no_revocation_can_take_the_place_of_that_of_another_credential(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    keys = [key(Revoked(time=TIME, realm=r, principal=p, credential=c)) for r, p, c in (one, other)]

    assert (keys[0] == keys[1]) == (one == other)


def test_a_slash_in_a_name_does_not_make_two_revocations_one() -> None:
    one = Revoked(time=TIME, realm="org", principal="team/app", credential="key")
    other = Revoked(time=TIME, realm="org/team", principal="app", credential="key")

    assert key(one) != key(other)


# --- as rows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", EACH, ids=lambda said: type(said).__name__)
def test_a_record_is_one_control_row_that_holds_it(said: Control) -> None:
    reading = ControlSource().read([encode(said)], "realm")

    (row,) = reading.rows
    assert reading.rejected == []
    assert decode(row.resource) == said
    assert (row.activity, row.source) == (Activity.CONTROL, "control")
    assert row.action == f"control:{type(said).__name__.lower()}"
    assert row.time == 1_795_406_706 * SECOND + 789_000
    assert (row.realm, row.principal, row.credential) == ("", "", ""), "it belongs to every realm"


def test_rows_and_refusals_say_which_record_they_are_of() -> None:
    reading = ControlSource().read([encode(MODEL), b"{}", encode(CONFIG), b"no"], "")

    assert reading.record == [0, 2]
    assert [(rejected.index, rejected.reason) for rejected in reading.rejected] == [(1, "bad_field"), (3, "not_json")]
    assert {rejected.reason for rejected in reading.rejected} <= set(REASONS)


def test_whatever_is_in_the_control_topic_is_meant_for_it_but_an_empty_record() -> None:
    assert ControlSource.recognises(b"anything")
    assert not ControlSource.recognises(b"")
