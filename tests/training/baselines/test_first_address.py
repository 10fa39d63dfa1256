from __future__ import annotations

from detector.training.baselines.first_address import FirstAddress
from tests.training.uses_of import HOUR, Use, uses_of

ELSEWHERE = "203.0.113.9"


def fired(*rows: Use) -> list[bool]:
    return [bool(score) for score in FirstAddress().score(uses_of(*rows))]


def session(at: int, address: str, credential: str = "session") -> Use:
    return Use(at, credential, kind="aws.session/instance", address=address)


def test_it_fires_on_every_use_from_another_address_than_the_first() -> None:
    home = Use(0).address

    assert fired(session(0, home), session(1, ELSEWHERE), session(2, home), session(HOUR, ELSEWHERE)) == [
        False, True, False, True,
    ]  # fmt: skip


def test_it_trusts_a_thief_who_comes_first() -> None:
    assert fired(session(0, ELSEWHERE), session(1, Use(0).address)) == [False, True]


def test_it_is_quiet_about_keys_that_last_and_about_a_session_that_is_renewed_elsewhere() -> None:
    assert not any(fired(Use(0), Use(1, address=ELSEWHERE)))
    assert not any(fired(session(0, Use(0).address, "monday"), session(1, ELSEWHERE, "tuesday")))
