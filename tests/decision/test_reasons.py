from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alert import Reason
from detector.decision.incidents import Tolerance
from detector.decision.reasons import reasons
from detector.domain import DAY
from detector.scoring.episode import Candidate, Episode, Episodes, Expected, Place, Pod
from detector.scoring.evidence import COMPONENTS
from tests.uses import AWAY, BUNDLE, HOME, HOUR, MINUTE, NAT, START, candidate, quanta

NATS = st.fixed_dictionaries({name: st.integers(0, 12 * NAT).map(lambda quanta: quanta / NAT) for name in COMPONENTS})


def episode(*uses: Candidate) -> Episode:
    episodes = Episodes(BUNDLE)
    for use in uses:
        episodes.observe(1, use)
    return episodes.open[1]


def say(**columns: object) -> Reason:
    """The only reason of an episode of one use."""
    use = candidate(**columns)
    (reason,) = reasons(episode(use), use)
    return reason


# --- laws ----------------------------------------------------------------------------------------------------------


@given(st.lists(NATS, min_size=1, max_size=4))
def test_the_contributions_add_up_to_the_score(evidence: list[dict[str, float]]) -> None:
    """Components under half a nat are not told; each contribution is rounded to a hundredth."""
    one = episode(*(candidate(quanta=quanta(**nats)) for nats in evidence))
    told = reasons(one, candidate())
    untold = sum(held for held in one.components if 2 * held < NAT)
    assert sum(reason.contribution for reason in told) == pytest.approx(
        (one.score - untold) / NAT, abs=0.005 * len(told) + 1e-9
    )


@given(NATS)
def test_the_strongest_reason_comes_first(nats: dict[str, float]) -> None:
    told = [reason.contribution for reason in reasons(episode(candidate(quanta=quanta(**nats))), candidate())]
    assert told == sorted(told, reverse=True)


@given(NATS)
def test_each_component_of_half_a_nat_or_more_has_one_reason(nats: dict[str, float]) -> None:
    one = episode(candidate(quanta=quanta(**nats)))
    told = [reason.facet for reason in reasons(one, candidate())]
    assert sorted(told) == sorted(
        name for name, held in zip(COMPONENTS, one.components, strict=True) if 2 * held >= NAT
    )


def test_equal_reasons_come_in_the_order_of_trust() -> None:
    one = episode(candidate(quanta=quanta(client=3, network=3, binding=3)))
    assert [reason.facet for reason in reasons(one, candidate())] == ["binding", "network", "client"]


# --- words ---------------------------------------------------------------------------------------------------------


def test_a_new_network_is_told_with_its_prefix_and_the_usual_one() -> None:
    reason = say(quanta=quanta(network=5))
    assert reason.observed == "192.0.2.66 (in 192.0.2.0/24)"
    assert reason.expected == "198.51.100.0/24"
    assert reason.contribution == 5


@pytest.mark.parametrize(
    ("address", "channel", "prefix", "observed"),
    [
        ("10.0.0.7", "vpce:vpce-1", "vpce:vpce-1", "10.0.0.7 (in vpce:vpce-1)"),
        ("", "vpce:vpce-1", "vpce:vpce-1", "vpce:vpce-1"),
        ("255.18.064.253", "", "255.18.064.253", "255.18.064.253"),
        ("", "", "", "unknown address"),
    ],
)
def test_a_place_is_named_by_what_is_known_of_it(address: str, channel: str, prefix: str, observed: str) -> None:
    reason = say(quanta=quanta(network=5), address=address, channel=channel, prefix=prefix)
    assert reason.observed == observed


@pytest.mark.parametrize(
    ("home", "known", "expected"),
    [
        ("198.51.100.0/24", 1, "198.51.100.0/24"),
        ("198.51.100.0/24", 2, "198.51.100.0/24, or one other known network"),
        ("198.51.100.0/24", 9, "198.51.100.0/24, or one of 8 other known networks"),
        ("", 9, "one of 9 known networks"),
        ("", 0, "a network that it or its peers use"),
    ],
)
def test_what_is_expected_says_how_much_is_known(home: str, known: int, expected: str) -> None:
    reason = say(quanta=quanta(network=5), expected=Expected(home, "boto3", known, 1, "s3:GetObject", 1))
    assert reason.expected == expected


def test_a_new_client_is_told_against_the_usual_one() -> None:
    reason = say(quanta=quanta(client=4), expected=Expected("198.51.100.0/24", HOME.client, 1, 3, "s3:GetObject", 1))
    assert (reason.observed, reason.expected) == (AWAY.client, f"{HOME.client}, or one of 2 other known clients")
    assert say(quanta=quanta(client=4), client="").observed == "unknown client"


@pytest.mark.parametrize("component", ["concurrency", "path"])
def test_returns_name_both_places(component: str) -> None:
    observed = say(quanta=quanta(**{component: 2.5})).observed
    assert observed == "uses return between 192.0.2.66 with aws-cli/2 linux and 198.51.100.7 with boto3/1 linux"


def test_the_place_of_the_suspect_is_named_before_two_of_the_owner() -> None:
    """The owner of a NAT pool alternates too; the return that counts is the one to or from elsewhere."""
    pool = Place("198.51.100.8", HOME.client, 0, 9, suspect=False)
    observed = say(quanta=quanta(concurrency=4), places=(HOME, pool, AWAY)).observed
    assert observed == "uses return between 192.0.2.66 with aws-cli/2 linux and 198.51.100.7 with boto3/1 linux"


def test_returns_to_private_places_are_told_without_gaps() -> None:
    private = Place("", "", 0, 9, suspect=False)
    observed = say(quanta=quanta(concurrency=4), places=(AWAY, private)).observed
    assert observed.endswith("and unknown address with unknown client")


def test_a_violated_binding_names_the_session_and_its_own_places_only() -> None:
    elsewhere = Place("203.0.113.5", "curl/8", 0, 9, suspect=True)
    reason = say(quanta=quanta(binding=12), session="i-0abc", places=(AWAY, HOME, elsewhere))
    assert reason.observed == "192.0.2.66 (in 192.0.2.0/24) with aws-cli/2 linux"
    assert reason.expected == "only instance i-0abc: 198.51.100.7 with boto3/1 linux"


@pytest.mark.parametrize(
    ("addresses", "address_of", "observed", "expected"),
    [
        (("10.0.0.1", "2001:db8::1"), "node-b", "an address of node node-b", "its addresses: 10.0.0.1, 2001:db8::1"),
        (("10.0.0.1",), "", "no address of its node", "its addresses: 10.0.0.1"),
        ((), "", "no address of its node", "its addresses: not known"),
    ],
)
def test_a_pod_off_its_node_is_told_with_both_nodes(
    addresses: tuple[str, ...], address_of: str, observed: str, expected: str
) -> None:
    reason = say(quanta=quanta(binding=12), pod=Pod("shop/web-0", "node-a", addresses, address_of, 0))
    assert reason.observed == f"192.0.2.66 (in 192.0.2.0/24), {observed}, with aws-cli/2 linux"
    assert reason.expected == f"only pod shop/web-0 on node node-a ({expected})"


def test_use_after_the_end_of_a_pod_names_it_and_says_how_long_after() -> None:
    gone = Pod("shop/web-0", "node-a", (), "", START)
    reason = say(quanta=quanta(workload_end=11), time=START + 3 * HOUR, pod=gone)
    assert reason.observed == "accepted 3 h after pod shop/web-0 ended"


@pytest.mark.parametrize(
    ("overrun", "span"),
    [
        (MINUTE, "1 min"),
        (119 * MINUTE, "119 min"),
        (2 * HOUR, "2 h"),
        (47 * HOUR, "47 h"),
        (2 * DAY, "2 d"),
        (40 * DAY, "40 d"),
    ],
)
def test_use_after_the_end_says_how_long_after(overrun: int, span: str) -> None:
    reason = say(quanta=quanta(revocation=10), time=START + overrun, ended_at=START)
    assert reason.observed == f"accepted {span} after its end"


def test_use_after_the_parents_end_is_told() -> None:
    assert "issued it was revoked" in say(quanta=quanta(parentage=6)).observed


@pytest.mark.parametrize(
    ("home", "services", "expected"),
    [
        ("s3:GetObject", 1, "s3:GetObject, or another that it used in 1 known service"),
        ("s3:GetObject", 7, "s3:GetObject, or another that it used in 7 known services"),
        ("", 7, "another that it used in 7 known services"),
    ],
)
def test_a_new_action_is_told_against_the_usual_one(home: str, services: int, expected: str) -> None:
    usual = Expected("198.51.100.0/24", "boto3", 1, 1, home, services)
    reason = say(quanta=quanta(action=5), action="iam:CreateUser", expected=usual)
    assert (reason.observed, reason.expected) == ("iam:CreateUser, never used before", expected)


@pytest.mark.parametrize(("usually", "expected"), [(10, "about 0.1 an hour"), (250, "about 2.5 an hour")])
def test_a_sweep_is_told_with_what_is_usual(usually: int, expected: str) -> None:
    reason = say(quanta=quanta(sweep=5), action="iam:ListUsers", refused=4, refused_usually=usually)
    assert reason.observed == "4 different actions refused within an hour, at last iam:ListUsers"
    assert reason.expected == expected


def test_each_reason_is_told_by_the_use_that_set_it() -> None:
    first = candidate(quanta=quanta(network=5), address="192.0.2.1")
    second = candidate(quanta=quanta(network=3, client=6), address="192.0.2.2", client="curl/8")
    told = {reason.facet: reason.observed for reason in reasons(episode(first, second), second)}
    assert told == {"network": "192.0.2.1 (in 192.0.2.0/24)", "client": "curl/8"}


# --- providers and exceptions ----------------------------------------------------------------------------------------


def usual(provider: str = "cloud", providers: int = 1, *, knows_provider: bool) -> Expected:
    return Expected(
        prefix="198.51.100.0/24", client=HOME.client, prefixes=3, families=1, action="", services=0,
        provider=provider, providers=providers, knows_provider=knows_provider,
    )  # fmt: skip


def test_a_provider_that_it_never_used_is_told_against_its_own() -> None:
    said = say(quanta=quanta(network=4), provider="hosting-7", expected=usual(knows_provider=False))

    assert said.observed == f"{AWAY.address} (in 192.0.2.0/24, of hosting-7), which it never used"
    assert said.expected == "cloud"


def test_a_provider_that_it_uses_is_named_beside_the_prefix() -> None:
    said = say(quanta=quanta(network=4), provider="cloud", expected=usual(knows_provider=True))

    assert said.observed == f"{AWAY.address} (in 192.0.2.0/24, of cloud)"
    assert said.expected == "198.51.100.0/24, or one of 2 other known networks"


def test_while_no_provider_of_its_own_is_known_prefixes_are_compared() -> None:
    said = say(quanta=quanta(network=4), provider="hosting-7", expected=usual("", 0, knows_provider=False))

    assert said.expected == "198.51.100.0/24, or one of 2 other known networks"


def test_an_exception_is_the_last_reason_and_adds_nothing() -> None:
    use = candidate(quanta=quanta(network=4))
    told = reasons(episode(use), use, Tolerance(START, "moves to a role"))

    assert [(one.facet, one.contribution) for one in told] == [("network", 4.0), ("exception", 0.0)]
    assert told[-1].observed == "moves to a role"
