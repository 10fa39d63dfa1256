from __future__ import annotations

import msgspec
import numpy as np
import pytest

from detector.bundle import NoveltyPriors
from detector.domain import DAY, HOUR, Activity, Flag, Outcome, UseRow
from detector.scoring.novelty import Novelty
from tests.detections.scenario import BOTO_NEXT
from tests.uses import BOTO, BUNDLE, CLI, MINIMUM, NAT, START, Mind, fingerprint, history, use

NETWORK, CLIENT, ACTION = range(3)
NEW = {"address": "203.0.113.9"}
TOMORROW = START + 7 * DAY


def score(
    mind: Mind, *rows: UseRow, priors: NoveltyPriors = BUNDLE.novelty, minimum: int = MINIMUM
) -> list[list[float]]:
    """Nats of the network, the client and the action ladder for each row."""
    batch, facets = fingerprint(rows)
    found = Novelty(priors, minimum).score(batch, facets, mind.shard.admit(batch, facets), mind.shard)
    return [(ladder / NAT).tolist() for ladder in found]


def network(mind: Mind, **columns: object) -> float:
    """Nats for the network of one use, on the day after a week of history."""
    return score(mind, use(TOMORROW, **columns))[NETWORK][0]


def after(*rows: list[UseRow]) -> Mind:
    mind = Mind()
    mind.learn(sorted((row for part in rows for row in part), key=lambda row: row.time))
    return mind


def peers(count: int, **columns: object) -> list[UseRow]:
    """A day of uses by others of the peer group."""
    mine = history(1)
    return [row._replace(principal=f"peer-{at}", credential=f"K{at}", **columns) for at in range(count) for row in mine]  # type: ignore[arg-type]


def ten_hours() -> Mind:
    """Ten hour cells in one prefix, from one address, on one day, by the only principal of its realm."""
    return after(history(1, HOUR)[:10])


def test_a_new_prefix_worked_by_hand() -> None:
    """d = 0.5, θ = 1, w = 0.5, p_0 = 0.0005; one member in a sketch of 16 registers reads 66/64 = 1.03125.

    p_T = (1 + 0.5·1.03125)·0.0005 / (1.03125 + 1) = 3.7308e-4
    p_g = (1 + 0.5·1.03125)·p_T   / (1.03125 + 1) = 2.7837e-4
    p_c = (1 + 0.5·1)·p_g / (10 + 1)              = 3.7960e-5
    q   = 0.5·p_0 + 0.5·p_T                       = 4.3654e-4, so the prefix is worth ln 11.50 = 2.442 nats.
    Nobody knows anything under the new prefix: every level of the address is p_0, which is worth ln 1 = 0.
    """
    row = use(START + 10 * HOUR, **NEW)
    assert score(ten_hours(), row)[NETWORK] == [pytest.approx(2.442, abs=0.005)]


def test_a_new_address_in_the_known_prefix_worked_by_hand() -> None:
    """The prefix speaks for the owner: p_T = 0.26191, p_g = 0.45696, p_c = (9.5 + 1.5·p_g)/11 = 0.92595,
    q = 0.13121, so ln 0.14170 = -1.954. Its address (p_0 = 0.02, the same counts as above) adds ln 11.50 = 2.442.
    """
    row = use(START + 10 * HOUR, address="198.51.100.250")
    assert score(ten_hours(), row)[NETWORK] == [pytest.approx(0.488, abs=0.005)]


def test_what_the_principal_always_uses_is_worth_nothing() -> None:
    assert score(after(history()), use(TOMORROW)) == [[0], [0], [0]]


def test_what_nobody_has_used_is_worth_much() -> None:
    mind = after(history(), peers(5))
    found = score(mind, use(TOMORROW, **NEW, client=CLI))
    assert found[NETWORK][0] > 4
    assert found[CLIENT][0] > 2


@pytest.mark.parametrize("count", [1, 2, 5])
def test_what_peers_use_is_worth_little(count: int) -> None:
    assert network(after(history(), peers(count, **NEW)), **NEW) < 2
    assert network(after(history(), peers(count)), **NEW) > 4


def test_peers_outside_the_group_help_less_and_other_realms_not_at_all() -> None:
    away = {"address": "192.0.2.1"}
    inside, outside, elsewhere, nowhere = (
        network(after(history(), peers(4, **{**NEW, **columns})), **NEW)
        for columns in ({}, {"peer_group": "another"}, {"realm": "999988887777"}, {"realm": "999988887777", **away})
    )
    assert inside < outside < elsewhere
    assert elsewhere == nowhere


def test_a_principal_whose_addresses_always_change_is_not_surprised() -> None:
    """56 hours in 56 prefixes: K = N, so the next new one is what it does."""
    roaming = [row._replace(address=f"203.0.{at}.1") for at, row in enumerate(history())]
    assert network(after(roaming), address="203.0.250.1") < 2.5
    assert network(after(history()), address="203.0.250.1") > 4


def test_hours_are_counted_and_not_uses() -> None:
    busy = [row._replace(time=row.time + at) for row in history() for at in range(20)]
    assert network(after(busy), **NEW) == network(after(history()), **NEW)


def test_a_refused_use_counts_half() -> None:
    mind = after(history(), peers(2))
    full, half = network(mind, **NEW), network(mind, **NEW, outcome=Outcome.DENIED)
    assert half == pytest.approx(full / 2, abs=1 / NAT)


@pytest.mark.parametrize("outcome", [Outcome.ALLOWED, Outcome.FAILED, Outcome.UNKNOWN])
def test_other_outcomes_count_in_full(outcome: Outcome) -> None:
    mind = after(history())
    assert network(mind, **NEW, outcome=outcome) == network(mind, **NEW)


def test_an_unknown_value_is_no_anomaly() -> None:
    assert score(after(history()), use(TOMORROW, address="", client="", action="")) == [[0], [0], [0]]


def test_private_traffic_through_a_new_endpoint_is_judged_by_the_endpoint() -> None:
    mind = after(history())
    assert network(mind, address="", channel="vpce:vpce-1") == network(mind, address="10.0.0.9", channel="vpce:vpce-1")


@pytest.mark.parametrize(
    "columns",
    [{"activity": Activity.REVOKE}, {"flags": Flag.ON_BEHALF}, {"flags": Flag.TS_SUSPECT}, {"actor_class": 2}],
)
def test_a_row_that_is_not_scored_is_worth_nothing(columns: dict[str, object]) -> None:
    assert network(after(history()), **NEW, **columns) == 0


def test_a_level_is_worth_no_more_than_its_clip() -> None:
    mind = after(history(), peers(5))
    priors = msgspec.structs.replace(BUNDLE.novelty, clip=(-2.0, 1.25))
    assert score(mind, use(TOMORROW, **NEW), priors=priors, minimum=NAT)[NETWORK][0] <= 2 * 1.25
    assert score(mind, use(TOMORROW, **NEW), minimum=NAT)[NETWORK][0] > 2 * 1.25


def every_mixture() -> list[UseRow]:
    """Uses of the principal and of a peer that are known, new in part, new altogether, or unknown."""
    addresses = ("198.51.100.7", "198.51.100.8", "203.0.113.9", "192.0.2.1", "10.1.1.1", "")
    clients = (BOTO, BOTO_NEXT, CLI, "")
    return [
        use(TOMORROW, address=address, client=client, principal=principal, outcome=outcome)
        for address in addresses
        for client in clients
        for principal in (use(0).principal, "peer-0")
        for outcome in (Outcome.ALLOWED, Outcome.DENIED)
    ]


@pytest.mark.parametrize(("nats", "dismissed"), [(2, 0), (4, 0), (7.2, 1)])
def test_rows_that_are_not_looked_at_could_not_have_reached_the_minimum(nats: float, dismissed: int) -> None:
    """Most rows are dismissed by a bound on what they could be worth; with a minimum of 0, none is."""
    mind = after(history(), peers(3), peers(1, **NEW))
    every, quick = (np.array(score(mind, *every_mixture(), minimum=least)) for least in (0, round(nats * NAT)))
    differs = every != quick
    assert (quick[differs] == 0).all()
    assert (every[differs] < nats).all()
    assert (every >= 0).all()  # what is likelier for the owner than for an attacker is no credit
    assert differs.sum() >= dismissed


def test_a_row_is_judged_alone() -> None:
    """The tables are frozen: neither the order nor the company of a row matters."""
    mind, rows = after(history(), peers(3)), every_mixture()
    whole = np.array(score(mind, *rows))
    assert np.array_equal(np.array(score(mind, *rows[::-1]))[:, ::-1], whole)
    assert np.array_equal(np.concatenate([score(mind, row) for row in rows], axis=1), whole)


def test_no_rows_are_worth_nothing() -> None:
    assert score(Mind()) == [[], [], []]


# --- actions -------------------------------------------------------------------------------------------------------


def action(mind: Mind, what: str, **columns: object) -> float:
    return score(mind, use(TOMORROW, action=what, **columns))[ACTION][0]


def test_a_new_action_is_worth_more_in_a_new_service() -> None:
    mind = after(history(), peers(3))
    assert action(mind, "iam:CreateUser") > action(mind, "s3:PutObject") > 2


def test_a_used_action_is_worth_nothing_however_rarely_it_was_used() -> None:
    """One hour in seven days, of a service that was used in no other."""
    mind = after(history(), [use(START + HOUR, action="iam:CreateUser")])
    assert action(mind, "iam:CreateUser") == 0
    assert action(mind, "iam:DeleteUser") > 0


def test_an_action_that_peers_use_is_worth_less() -> None:
    alone, among = (after(history(), peers(3, action=what)) for what in ("s3:GetObject", "sqs:SendMessage"))
    assert action(among, "sqs:SendMessage") < action(alone, "sqs:SendMessage") - 2


def test_a_refused_new_action_is_worth_half_and_teaches_nothing() -> None:
    refused = [use(START + turn * HOUR, action="iam:CreateUser", outcome=Outcome.DENIED) for turn in range(20)]
    mind = after(history(), refused)
    accepted = action(mind, "iam:CreateUser")
    assert accepted == action(after(history()), "iam:CreateUser")
    assert action(mind, "iam:CreateUser", outcome=Outcome.DENIED) == pytest.approx(accepted / 2, abs=1 / NAT)


# --- by provider -----------------------------------------------------------------------------------------------------


def named(rows: list[UseRow], provider: str) -> list[UseRow]:
    return [row._replace(provider=provider) for row in rows]


def test_a_new_prefix_of_a_provider_worked_by_hand() -> None:
    """As above, with p_0 = 0.02 for the provider and 0.0005 / 0.02 = 0.025 for a prefix within it.

    The provider, used by the one member: p_T = (0.53125 + 1.5·0.02) / 2.03125 = 0.27631, p_g = 0.46558,
    p_c = (9.5 + 1.5·p_g) / 11 = 0.92713, q = 0.5·0.02 + 0.5·p_T = 0.14815: ln 0.15980 = -1.834.
    The prefix within it has the ratio of a prefix below the root, 2.442, for both scale with p_0.
    """
    row = use(START + 10 * HOUR, **NEW)
    mind = after(named(history(1, HOUR)[:10], "cloud"))
    known, new, bare = (
        score(mind, row._replace(provider=provider))[NETWORK][0] for provider in ("cloud", "hosting-7", "")
    )

    assert bare == pytest.approx(2.442, abs=0.005)
    assert known == pytest.approx(2.442 - 1.834, abs=0.03)
    assert new == pytest.approx(bare, abs=0.1), "nobody knows the provider: it is as new as the prefix was"


def test_a_provider_that_nobody_used_stands_out_though_prefixes_change_all_the_time() -> None:
    rows = named(history(7, HOUR), "cloud")
    roaming = [row._replace(address=f"198.51.{at % 100}.7") for at, row in enumerate(rows)]
    mind = after(roaming)
    same, other, bare = (network(mind, **NEW, provider=provider) for provider in ("cloud", "hosting-7", ""))

    assert same < bare < other - 2, (same, bare, other)


def test_a_name_makes_a_network_that_is_known_no_newer() -> None:
    mind = after(history())

    assert network(mind, provider="cloud") == network(mind) == 0
    assert network(mind, **NEW, provider="cloud") == network(mind, **NEW), "most of its history names no provider yet"


def test_a_network_that_was_used_is_judged_as_without_its_provider() -> None:
    mind = after(named(history(), "cloud"))

    assert network(mind, provider="renamed") == network(mind) == 0


def test_peers_that_use_a_provider_make_it_less_novel() -> None:
    mine = named(history(), "cloud")
    alone, among = after(mine), after(mine, peers(4, address="192.0.2.1", provider="hosting-7"))

    assert network(among, **NEW, provider="hosting-7") < network(alone, **NEW, provider="hosting-7")


def test_provider_and_prefix_are_together_worth_one_level() -> None:
    mine = named(history(14, HOUR), "cloud")
    strangers = [row._replace(peer_group="other") for row in peers(30, **NEW, provider="hosting-7")]
    own = named(history(14, HOUR, address="203.0.113.200"), "hosting-7")[:1]
    mind = after(mine, own, strangers)

    assert network(mind, address="192.0.2.77", provider="hosting-8") <= BUNDLE.novelty.clip[1]


def test_no_network_is_new_where_the_principal_was_declared_to_come_from() -> None:
    mind = after(history())

    assert network(mind, **NEW) > 2
    assert network(mind, **NEW, provider="corporate:HQ", flags=Flag.KNOWN_EGRESS) == 0
