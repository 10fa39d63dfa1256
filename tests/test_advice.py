from __future__ import annotations

import pytest

from detector.advice import advice
from detector.domain import KINDS, Kind


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.label)
def test_every_kind_has_complete_advice(kind: Kind) -> None:
    found = advice(kind)
    assert all([found.recommended, found.handle, found.blast_radius, found.survives])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.static], ids=lambda kind: kind.label)
def test_advice_on_a_credential_that_never_expires_does_not_wait_for_its_expiry(kind: Kind) -> None:
    assert "until it expires" not in advice(kind).recommended


def test_an_access_key_is_switched_off_before_it_is_deleted() -> None:
    found = advice(next(kind for kind in KINDS if kind.name == "aws.access-key"))
    assert found.reversible
    assert "Inactive" in found.recommended
    assert "GetSessionToken" in found.survives


def test_where_the_log_carries_no_usable_handle_the_advice_says_so() -> None:
    labels = {kind.label: advice(kind) for kind in KINDS}
    assert "not accepted" in labels["github.pat"].handle
    assert "does not take" in labels["vault.token"].handle
