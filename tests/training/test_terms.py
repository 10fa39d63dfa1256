from __future__ import annotations

import pytest

from detector.domain import Outcome
from detector.training.terms import TERM_BYTES, new_terms, terms_bytes
from detector.training.uses import Uses
from tests.training.uses_of import DAY, HOUR, Use, uses_of


def fired(*rows: Use) -> list[bool]:
    uses = uses_of(*rows)
    return [bool(score) for score in new_terms(uses, uses.address)]


def test_a_value_is_new_once_and_again_after_ten_days_of_silence() -> None:
    assert fired(Use(0), Use(HOUR), Use(10 * DAY), Use(20 * DAY + HOUR)) == [True, False, False, True]


def test_every_use_renews_its_term() -> None:
    assert fired(*(Use(at * 9 * DAY) for at in range(4))) == [True, False, False, False]


def test_a_key_that_lasts_has_terms_of_its_own() -> None:
    assert fired(Use(0, "old"), Use(1, "new")) == [True, True]


def test_a_credential_that_expires_shares_the_terms_of_its_principal() -> None:
    def session(at: int, name: str) -> Use:
        return Use(at, name, kind="aws.session/instance")

    assert fired(session(0, "morning"), session(1, "evening")) == [True, False]


def test_a_principal_and_a_key_never_share_terms() -> None:
    assert fired(Use(0, "key"), Use(1, "session", kind="aws.session/instance")) == [True, True]


@pytest.mark.parametrize("outcome", [Outcome.DENIED, Outcome.FAILED])
def test_a_refused_use_neither_fires_nor_teaches(outcome: Outcome) -> None:
    assert fired(Use(0, outcome=outcome), Use(1), Use(2, outcome=outcome)) == [False, True, False]


def test_an_unknown_value_is_no_term() -> None:
    assert fired(Use(0, address=""), Use(1)) == [False, True]


def test_the_table_holds_each_term_once() -> None:
    def size(uses: Uses) -> int:
        return terms_bytes(uses, uses.address)

    assert size(uses_of(Use(0), Use(1), Use(2, address="203.0.113.9"), Use(3, address=""))) == 2 * TERM_BYTES
