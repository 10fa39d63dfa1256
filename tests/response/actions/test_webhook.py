from __future__ import annotations

import msgspec
import pytest

from detector.alert import CredentialRef, Reason
from detector.errors import ConfigError
from detector.response.actions.webhook import EVENT_TYPE, MAX_BODY, Webhook
from detector.settings import ResponseSettings
from detector.settings import Webhook as WebhookSettings
from tests.alerts import CREDENTIAL, alert

HIDDEN_PATH = "T000/B000/notforlogs"
SETTINGS = ResponseSettings(webhook=WebhookSettings(url=f"https://soc.example.com/{HIDDEN_PATH}"))


def test_the_request_names_the_credential_its_limits_and_the_evidence() -> None:
    plan = Webhook().plan(alert(), SETTINGS)
    body = msgspec.json.decode(plan.body)
    assert (plan.method, plan.url) == ("POST", SETTINGS.webhook.url)
    assert body["type"] == EVENT_TYPE
    assert body["data"]["credential"]["id"] == CREDENTIAL.id
    assert body["data"]["blast_radius"] == "one EC2 instance"
    assert body["data"]["survives"] == "sessions under another name"
    assert body["data"]["evidence"]["hash"].startswith("sha256:")
    assert body["data"]["reasons"][0]["observed"] == "curl/8 linux"


def test_the_same_incident_always_gives_the_same_action_id_and_key() -> None:
    first, later = Webhook().plan(alert(), SETTINGS), Webhook().plan(alert(id="alert-2", revision=2), SETTINGS)
    assert first.action_id == later.action_id
    assert dict(first.headers)["idempotency-key"] == first.action_id
    assert dict(first.headers)["webhook-id"] == f"act_{first.action_id}"


def test_other_evidence_or_another_credential_changes_what_an_approval_is_bound_to() -> None:
    plans = [
        Webhook().plan(case, SETTINGS)
        for case in (
            alert(),
            alert(event_ids=["a", "b", "c"]),
            alert(credential=msgspec.structs.replace(CREDENTIAL, id="ASIAOTHEREXAMPLE")),
        )
    ]
    assert len({msgspec.json.decode(plan.body)["data"]["evidence"]["hash"] for plan in plans}) == 3


def test_the_plan_is_neither_signed_nor_stamped() -> None:
    headers = dict(Webhook().plan(alert(), SETTINGS).headers)
    assert headers["webhook-signature"] == "<unsigned>"
    assert headers["webhook-timestamp"] == "<set when sent>"


def test_a_hostile_log_cannot_blow_up_the_payload() -> None:
    hostile = "\u0000\U0001f512" * 100_000
    credential = CredentialRef(id=hostile, kind="aws.access-key", principal=hostile)
    reasons = [Reason(facet="network", observed=hostile, expected=hostile, contribution=1.0)] * 9
    plan = Webhook().plan(alert(realm=hostile, credential=credential, reasons=reasons), SETTINGS)
    assert len(plan.body) < MAX_BODY
    assert msgspec.json.decode(plan.body)["data"]["credential"]["id"].endswith("…")


def test_rendering_shows_the_request_but_not_the_secret_part_of_the_url() -> None:
    text = Webhook().plan(alert(), SETTINGS).render()
    assert text.startswith("POST https://soc.example.com/")
    assert HIDDEN_PATH not in text
    assert '"type": "detector.credential.revoke.requested"' in text


@pytest.mark.parametrize(
    "url",
    [None, "http://soc.example.com/hook", "https://user:word@soc.example.com/hook", "https:///hook", "soc.example.com"],
)
def test_a_url_that_is_missing_or_unsafe_is_refused_without_being_repeated(url: str | None) -> None:
    with pytest.raises(ConfigError, match=r"response\.webhook\.url: expected https://HOST") as refused:
        Webhook().plan(alert(), ResponseSettings(webhook=WebhookSettings(url=url)))
    assert "word" not in str(refused.value)
    assert "soc.example.com" not in str(refused.value)


def test_a_receiver_on_this_machine_needs_no_tls() -> None:
    settings = ResponseSettings(webhook=WebhookSettings(url="http://127.0.0.1:8080/hook"))
    assert Webhook().plan(alert(), settings).url == "http://127.0.0.1:8080/hook"
