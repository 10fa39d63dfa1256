from __future__ import annotations

import json

from detector.domain import KIND_CODE, Activity
from detector.simulate.call import Context
from detector.simulate.formats.cloudtrail import Role, user
from detector.simulate.sessions import assumed, other_account
from detector.simulate.world import HOUR
from tests.simulate.tenants import empty_tenant, read

ROLE = Role("111122223333", "/platform/", "terraform", "AROAEXAMPLE")
HERE = Context("243.0.0.1", "agent")


def test_the_log_names_the_key_that_was_issued_to_whom_and_until_when() -> None:
    fleet, _ = empty_tenant()
    parent = user("111122223333", "/", "builder", "AIDAEXAMPLE", "AKIAEXAMPLE")
    made = assumed(fleet, parent, ROLE, "run-1", fleet.start + HOUR, HERE, life=900)
    use, issue = read(fleet.calls)
    assert (use.credential, issue.activity, issue.parent) == ("AKIAEXAMPLE", Activity.ISSUE, "AKIAEXAMPLE")
    assert (issue.credential, issue.session) == (made.key, "run-1")
    assert (
        issue.principal == f"{ROLE.arn.replace('/platform/', '/')}#assumed" or issue.principal == f"{ROLE.arn}#assumed"
    )
    assert issue.kind == KIND_CODE["aws.session/assumed"]
    assert issue.expires_at - issue.time == 900 * 1_000_000


def test_another_account_is_known_by_its_id_alone_and_says_its_external_id() -> None:
    fleet, _ = empty_tenant()
    parent = other_account("111122223333", "444455556666", "AROAVENDOR", "vendor")
    assumed(fleet, parent, ROLE, "vendor", fleet.start + HOUR, HERE, external_id="abc")
    (call,) = fleet.calls
    record = json.loads(call.caller.render(call))
    assert record["recipientAccountId"] == "111122223333"
    assert record["userIdentity"] == {
        "type": "AWSAccount", "principalId": "AROAVENDOR:vendor", "accountId": "444455556666",
    }  # fmt: skip
    assert record["requestParameters"]["externalId"] == "abc"
