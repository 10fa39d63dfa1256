from __future__ import annotations

from detector.training.baselines.new_terms_address import NewTermsAddress
from tests.training.uses_of import HOUR, Use, uses_of


def fired(*rows: Use) -> list[bool]:
    return [bool(score) for score in NewTermsAddress().score(uses_of(*rows))]


def test_it_fires_once_on_a_new_address() -> None:
    assert fired(Use(0), Use(HOUR), Use(2 * HOUR, address="203.0.113.9"), Use(3 * HOUR, address="203.0.113.9")) == [
        True,
        False,
        True,
        False,
    ]


def test_it_is_quiet_while_everything_else_changes() -> None:
    assert fired(Use(0), Use(HOUR, resource="other", client="tool/2", action="storage:list", provider="isp-1")) == [
        True,
        False,
    ]
