from __future__ import annotations

from detector.training.baselines.new_terms_provider import NewTermsProvider
from tests.training.uses_of import HOUR, Use, uses_of


def fired(*rows: Use) -> list[bool]:
    return [bool(score) for score in NewTermsProvider().score(uses_of(*rows))]


def test_it_fires_once_on_a_new_provider() -> None:
    assert fired(Use(0), Use(HOUR), Use(2 * HOUR, provider="hosting-1"), Use(3 * HOUR, provider="hosting-1")) == [
        True,
        False,
        True,
        False,
    ]


def test_it_is_quiet_while_everything_else_changes() -> None:
    assert fired(
        Use(0), Use(HOUR, resource="other", client="tool/2", action="storage:list", address="203.0.113.9")
    ) == [True, False]
