from __future__ import annotations

import numpy as np
import pytest

from detector.domain import KIND_CODE, KINDS, UseRow
from detector.scoring.concurrency import Concurrency, Contexts
from detector.state.contexts import ContextTable
from detector.state.rates import KNOWN, STRANGE, RateTable
from tests.streams import random_rows
from tests.uses import (
    AGENT,
    BOTO,
    BUNDLE,
    CLI,
    HOUR,
    MINIMUM,
    MINUTE,
    NAT,
    SECOND,
    START,
    Mind,
    fingerprint,
    history,
    instance,
    use,
)

DAY_EIGHT = START + 7 * 24 * HOUR
OTHER = {"address": "192.0.2.66"}
ASSUMED = {"kind": KIND_CODE["aws.session/assumed"]}  # neither static nor single-holder: rate 0.01


def step(mind: Mind, *rows: UseRow, candidates: bool = False) -> Contexts:
    """Contexts of rows, in one batch. `candidates`: every row is one already."""
    batch, facets = fingerprint(rows)
    mind.shard.admit(batch, facets)
    rules = Concurrency(BUNDLE.concurrency, BUNDLE.binding, MINIMUM)
    return rules.step(batch, facets, np.full(len(batch), candidates), mind.shard)


def own(minutes: float, **columns: object) -> UseRow:
    return use(DAY_EIGHT + round(minutes * MINUTE), **{**ASSUMED, **columns})


def other(minutes: float, **columns: object) -> UseRow:
    return own(minutes, **{**OTHER, "client": CLI, **columns})


def at_home() -> Mind:
    """A mind that knows which client the owner runs, and nothing of contexts and rates of returns."""
    mind = Mind()
    mind.learn(history(**ASSUMED))
    mind.shard.contexts = ContextTable(1000)
    mind.shard.rates = RateTable(1000)
    return mind


def gains(*rows: UseRow, mind: Mind | None = None) -> list[float]:
    """Nats of strange returns."""
    return [quanta / NAT for quanta in step(mind or at_home(), *rows).concurrency.tolist()]


def paths(*rows: UseRow, mind: Mind | None = None) -> list[float]:
    """Nats of returns between known clients."""
    return [quanta / NAT for quanta in step(mind or at_home(), *rows).path.tolist()]


def about(nats: float) -> object:
    return pytest.approx(nats, abs=3e-3)


# --- what a return is ----------------------------------------------------------------------------------------------


def test_a_copy_makes_both_sides_speak() -> None:
    """A B A B: the first two open a context each; each later one is a return, worth ln(0.5 / 0.01) = 3.912."""
    assert gains(own(0), other(20), own(40), other(60)) == [0, 0, about(3.912), about(3.912)]


def test_a_handover_moves_once_and_never_returns() -> None:
    rows = [*(own(minute) for minute in range(30)), *(other(minute) for minute in range(30, 60))]
    assert gains(*rows) == [0] * 60
    assert paths(*rows) == [0] * 60


def test_staying_in_one_place_is_no_return() -> None:
    assert gains(*(own(minute) for minute in range(0, 600, 20))) == [0] * 30


def test_only_the_row_that_goes_back_is_a_return() -> None:
    found = step(at_home(), own(0), other(20), other(30), own(40), own(50), other(60))
    assert found.returns[:, STRANGE].tolist() == [0, 0, 0, 1, 0, 1]
    assert found.returns[:, KNOWN].tolist() == [0] * 6


def test_a_late_row_of_the_old_place_is_no_return() -> None:
    """Logs arrive shuffled: a use of A from before B began says nothing about a return, and B's next is none."""
    assert gains(own(0), other(20), own(15), own(19), other(30)) == [0] * 5


def test_a_late_row_between_uses_of_the_new_place_is_a_return() -> None:
    """A0 B20 B40 and then A30 arrives: A spoke while B did. B was the latest all along, so B50 is none."""
    assert gains(own(0), other(20), other(40), own(30), other(50)) == [0, 0, 0, about(3.912), 0]


def test_two_clients_on_one_network_are_no_two_places() -> None:
    rows = [own(20 * turn, client=CLI if turn % 2 else BOTO) for turn in range(10)]
    assert gains(*rows) == [0] * 10
    assert paths(*rows) == [0] * 10


def test_addresses_of_one_prefix_are_one_place() -> None:
    assert paths(*(own(20 * turn, address=f"198.51.100.{turn % 2}") for turn in range(10))) == [0] * 10


def test_a_place_that_was_silent_for_more_than_six_hours_is_not_returned_to() -> None:
    assert gains(own(0), other(60), own(360)) == [0, 0, about(3.912)]
    assert gains(own(0), other(60), own(360 + 1 / 60)) == [0, 0, 0]


def test_each_credential_has_contexts_of_its_own() -> None:
    assert gains(own(0), other(20, credential="ASIAANOTHER"), own(40)) == [0, 0, 0]


def test_the_keys_of_a_single_holder_session_share_its_contexts() -> None:
    rows = [
        instance(DAY_EIGHT, key="ASIA1"),
        instance(DAY_EIGHT + 20 * MINUTE, key="ASIA2", address="192.0.2.66", client=CLI),
        instance(DAY_EIGHT + 40 * MINUTE, key="ASIA3"),
    ]
    assert gains(*rows, mind=Mind()) == [0, 0, about(6.215)]


def test_the_longest_unused_of_four_places_is_forgotten() -> None:
    """Five places in turn, then the first again: it was forgotten for the fifth, so it is new, not a return."""
    places = [own(30 * at, address=f"192.0.{at}.1", client=CLI) for at in range(5)]
    again = [own(150, address="192.0.0.1", client=CLI), own(180, address="192.0.4.1", client=CLI)]
    found = step(at_home(), *places, *again)
    assert found.opened.tolist() == [True] * 6 + [False]
    assert found.returns.sum(axis=1).tolist() == [0] * 6 + [1]


# --- what a return is worth ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "nats"),
    [
        (0, 0.511),  # ln(0.5 / 0.3)
        (30, 1.511),  # ln(0.5 / 0.11036): one nat more after one drain constant
        (60, 2.511),
        (90, 3.511),
        (120, 3.912),  # 0.3·e^-4 = 0.0055 is below the benign rate 0.01: ln 50
        (600, 3.912),
    ],
)
def test_returns_while_the_old_place_drains_are_expected(seconds: int, nats: float) -> None:
    assert gains(own(0), other(20), own(20 + seconds / 60)) == [0, 0, about(nats)]


def test_draining_is_counted_from_the_younger_of_both_places() -> None:
    assert gains(own(0), other(20), own(40), other(40.5)) == [0, 0, about(3.912), about(3.912)]


@pytest.mark.parametrize(
    ("kind", "nats"),
    [
        ("aws.session/assumed", 3.912),  # ln(0.5 / 0.01)
        ("aws.access-key", 2.813),  # static: ln(0.5 / 0.03)
        ("aws.session/container", 6.215),  # single holder: ln(0.5 / 0.001)
    ],
)
def test_the_prior_of_a_return_depends_on_how_the_credential_is_held(kind: str, nats: float) -> None:
    code = KIND_CODE[kind]
    assert gains(own(0, kind=code), other(20, kind=code), own(40, kind=code)) == [0, 0, about(nats)]


def test_a_return_is_worth_no_more_than_its_floor_allows() -> None:
    """However long a principal never returned: ln(0.5 / 0.0001) = 8.517."""
    mind, facets = at_home(), fingerprint([own(0)])[1]
    for keys in (facets.group, facets.principal):
        mind.shard.rates.learn(keys, np.array([1_000_000]), np.array([[0, 0]]))
    assert gains(own(0), other(20), own(40), mind=mind) == [0, 0, about(8.517)]


def learnt(returns: int, kind: int, key: str) -> Mind:
    """A mind whose rates know 450 uses of the principal, or of its peer group, with so many returns."""
    mind, facets = at_home(), fingerprint([own(0)])[1]
    known = np.zeros((1, 2), np.int64)
    known[0, kind] = returns
    mind.shard.rates.learn(getattr(facets, key), np.array([450]), known)
    return mind


def test_a_learnt_rate_of_returns_silences_them() -> None:
    """225 of 450: ρ = (225 + 50·0.01)/(450 + 50) = 0.451, worth ln(0.5 / 0.451) = 0.103."""
    assert gains(own(0), other(20), own(40), mind=learnt(225, STRANGE, "principal")) == [0, 0, about(0.103)]


def test_a_principal_backs_off_to_its_peer_group() -> None:
    """The group's 0.451 is the prior of a principal of whom no uses are counted: (0 + 50·0.451)/(0 + 50)."""
    assert gains(own(0), other(20), own(40), mind=learnt(225, STRANGE, "group")) == [0, 0, about(0.103)]


def test_more_returns_than_an_attacker_would_cause_are_worth_nothing() -> None:
    assert gains(own(0), other(20), own(40), mind=learnt(400, STRANGE, "principal")) == [0, 0, 0]


def test_a_pool_of_gateways_says_nothing_about_returns_of_a_strange_client() -> None:
    """Known-client returns are counted apart: ρ of strange ones is (0 + 50·0.01)/500 = 0.001, worth 6.215."""
    mind = learnt(225, KNOWN, "principal")
    assert gains(own(0), other(20), own(40), mind=mind) == [0, 0, about(6.215)]


# --- who is strange ------------------------------------------------------------------------------------------------


def test_a_known_client_on_two_networks_only_supports() -> None:
    rows = [own(0), own(20, **OTHER), own(40), own(60, **OTHER)]
    assert gains(*rows) == [0] * 4
    assert paths(*rows) == [0, 0, about(3.912), about(3.912)]


def test_an_agent_that_the_principal_runs_elsewhere_only_supports() -> None:
    mind = at_home()
    mind.learn([own(-60 * hour, credential="ASIAEARLIER", client=AGENT) for hour in range(3, 0, -1)])
    rows = [own(0), own(20, **OTHER, client=AGENT), own(40)]
    assert gains(*rows, mind=mind) == [0] * 3
    assert gains(*rows, mind=at_home()) == [0, 0, about(3.912)]


def test_a_client_of_less_than_three_hours_is_strange() -> None:
    mind = at_home()
    mind.learn([own(-60 * hour, credential="ASIAEARLIER", client=AGENT) for hour in range(2, 0, -1)])
    assert gains(own(0), own(20, **OTHER, client=AGENT), own(40), mind=mind)[2] > 3


def test_a_client_that_two_peers_run_only_supports() -> None:
    mind = at_home()
    mind.learn([own(-60, principal=f"peer-{peer}", credential=f"K{peer}", client=CLI) for peer in range(2)])
    assert gains(own(0), other(20), own(40), mind=mind) == [0] * 3


def test_an_unknown_client_is_not_strange() -> None:
    assert gains(own(0), other(20, client=""), own(40)) == [0] * 3


# --- what is kept for explanations, and how rows are stepped -------------------------------------------------------


def test_a_telling_return_carries_both_places_with_their_intervals_current_first() -> None:
    found = step(at_home(), own(0), own(10), other(20), own(40))
    assert list(found.seen) == [3]
    start = DAY_EIGHT // SECOND
    assert [(one.first - start, one.last - start) for one in found.seen[3]] == [(0, 2400), (1200, 1200)]


def test_a_candidate_for_another_reason_carries_its_places() -> None:
    assert list(step(at_home(), own(0), own(1), candidates=True).seen) == [0, 1]


def test_a_quiet_row_carries_nothing() -> None:
    assert step(at_home(), own(0), own(1), other(20)).seen == {}


def test_rows_that_are_not_scored_move_no_context() -> None:
    assert gains(own(0), other(20, actor_class=2), own(40), other(60, principal=""), own(80)) == [0] * 5


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_is_stepped_as_its_rows_one_by_one(seed: int) -> None:
    rows = [row._replace(flags=0) for row in random_rows(seed, 300)]
    whole, mind = step(Mind(), *rows), Mind()
    single = [step(mind, row) for row in rows]
    for name in ("concurrency", "path", "binding", "returns", "opened"):
        assert np.array_equal(np.concatenate([getattr(one, name) for one in single]), getattr(whole, name)), name
    assert {at: one.seen[0] for at, one in enumerate(single) if one.seen} == whole.seen
    assert whole.returns.sum() > 5


def test_every_kind_has_a_prior() -> None:
    assert all(0 < BUNDLE.concurrency.rate.of(kind) < BUNDLE.concurrency.return_probability for kind in KINDS)
