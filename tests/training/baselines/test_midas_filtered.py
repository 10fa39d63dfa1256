from __future__ import annotations

from detector.training.baselines.midas import Midas
from detector.training.baselines.midas_filtered import MidasFiltered
from tests.training.uses_of import HOUR, Use, uses_of

STEADY = [Use(at * HOUR) for at in range(72)]
STORM = [Use((72 + hour) * HOUR + at) for hour in range(24) for at in range(60)]


def test_a_storm_does_not_become_normal_by_lasting() -> None:
    uses = uses_of(*STEADY, *STORM)

    filtered, plain = MidasFiltered().score(uses), Midas().score(uses)

    assert filtered[-1] > 0.5 * filtered[72 : 72 + 60].max()
    assert plain[-1] < 0.5 * plain[72 : 72 + 60].max()


def test_an_edge_without_a_past_is_silent_by_itself() -> None:
    steady = [use._replace(principal="worker", address="198.51.100.7", action="") for use in STEADY]
    new = Use(72 * HOUR, "other", "newcomer", address="203.0.113.9", action="")

    assert MidasFiltered().score(uses_of(*steady, new))[-1] == 0
