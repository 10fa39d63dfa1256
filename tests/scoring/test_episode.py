from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.domain import DAY, KIND_CODE
from detector.fingerprint.actions import PRIVILEGED, READ, WRITE
from detector.scoring.episode import Candidate, Episode, Episodes
from detector.scoring.evidence import ACTION, CLIENT, COMPONENTS, CONCURRENCY, NETWORK, PATH
from tests.uses import BUNDLE, HOUR, NAT, SECOND, START, candidate, quanta

WHO = 7
NATS = st.fixed_dictionaries({name: st.integers(0, 9).map(float) for name in COMPONENTS})


def after(*uses: Candidate) -> Episode:
    """The episode of one principal after uses."""
    episodes = Episodes(BUNDLE)
    for use in uses:
        episodes.observe(WHO, use)
    return episodes.open[WHO]


def of(**nats: float) -> Candidate:
    return candidate(quanta=quanta(**nats))


def nats(episode: Episode) -> dict[str, float]:
    return {name: held / NAT for name, held in zip(COMPONENTS, episode.components, strict=True) if held}


def test_the_score_is_the_sum_of_the_components() -> None:
    episode = after(of(network=4, client=3, binding=5))
    assert episode.score == 12 * NAT
    assert nats(episode) == {"network": 4, "client": 3, "binding": 5}


def test_novelty_and_binding_keep_their_maximum() -> None:
    """A thousand uses from one new place are one new place."""
    episode = after(of(network=4), of(network=2, client=3), of(network=3), of(client=1))
    assert nats(episode) == {"network": 4, "client": 3}


def test_returns_add_up_to_the_cap_of_the_kind() -> None:
    """Static keys are capped at 6 nats of strange returns, single holders at 12, others at 8."""
    for kind, cap in (("aws.access-key", 6), ("aws.session/instance", 12), ("aws.session/assumed", 8)):
        uses = [candidate(quanta=quanta(concurrency=2.5), kind=KIND_CODE[kind])] * 9
        assert [nats(after(*uses[:count]))["concurrency"] for count in (1, 2, 9)] == [2.5, 5, cap]


def test_returns_over_another_path_add_up_to_a_cap_that_cannot_accuse_alone() -> None:
    assert nats(after(*[of(path=2)] * 9)) == {"path": 2.5}


def test_returns_of_a_cold_principal_are_capped_lower() -> None:
    cold = candidate(quanta=quanta(concurrency=4, path=4), cold=True)
    assert nats(after(cold, cold)) == {"concurrency": 1.5, "path": 1.5}


def test_a_principal_that_turns_warm_or_cold_loses_nothing() -> None:
    cold = candidate(quanta=quanta(concurrency=4), cold=True)
    assert nats(after(cold, of(concurrency=3))) == {"concurrency": 4.5}
    assert nats(after(of(concurrency=3), cold)) == {"concurrency": 3}


def test_the_kind_is_that_of_the_opening() -> None:
    session = candidate(quanta=quanta(concurrency=9), kind=KIND_CODE["aws.session/instance"])
    assert after(of(network=4), session).kind == KIND_CODE["aws.access-key"]
    assert nats(after(of(network=4), session))["concurrency"] == 6


def did(action: str, nat: float, privilege: int = PRIVILEGED) -> Candidate:
    return candidate(quanta=quanta(action=nat), action=action, privilege=privilege)


def test_new_actions_add_up_each_once() -> None:
    episode = after(did("iam:CreateUser", 5), did("iam:CreateUser", 5), did("kms:Decrypt", 4), did("iam:CreateUser", 6))
    assert nats(episode) == {"action": 9}
    assert episode.strongest[ACTION].quanta[ACTION] == 5 * NAT


@pytest.mark.parametrize(("privilege", "cap"), [(READ, 4), (WRITE, 5), (PRIVILEGED, 14)])
def test_new_actions_add_up_to_the_cap_of_their_privilege(privilege: int, cap: float) -> None:
    assert nats(after(*(did(f"action {at}", 3, privilege) for at in range(9)))) == {"action": cap}


def test_reads_add_nothing_to_a_sum_above_their_cap_and_take_nothing_from_it() -> None:
    writes = [did(f"write {at}", 3, WRITE) for at in range(2)]
    assert nats(after(*writes, did("read", 3, READ))) == {"action": 5}
    assert nats(after(did("read", 3, READ), *writes)) == {"action": 5}


def test_actions_are_counted_anew_on_another_day() -> None:
    later = candidate(quanta=quanta(action=5), action="iam:CreateUser", privilege=PRIVILEGED, time=START + DAY)
    assert nats(after(did("iam:CreateUser", 5), later)) == {"action": 5}


def test_no_more_actions_are_remembered_than_can_add() -> None:
    assert len(after(*(did(f"action {at}", 2) for at in range(500))).actions) == 7


def test_kinds_of_evidence_are_the_components_of_a_nat_or_more() -> None:
    assert after(of(network=4, client=1, path=0.99)).kinds() == {"network", "client"}


def test_the_strongest_use_of_a_maximum_is_the_one_that_set_it() -> None:
    named = ((2, "a"), (4, "b"), (4, "c"))
    uses = [candidate(quanta=quanta(network=nat), native_id=name) for nat, name in named]
    assert after(*uses).strongest[NETWORK].native_id == "b"


def test_the_strongest_use_of_a_sum_is_the_one_that_added_most() -> None:
    """Not the first: a benign return of the same day would stand for the theft in the explanation."""
    added = ((2, "a"), (4, "b"), (4, "c"), (1, "d"))
    found = after(*(candidate(quanta=quanta(concurrency=n), native_id=name) for n, name in added)).strongest
    assert found[CONCURRENCY].native_id == "b"
    assert CLIENT not in found


@given(st.lists(NATS, min_size=1, max_size=8), NATS)
def test_more_evidence_never_lowers_a_score(seen: list[dict[str, float]], more: dict[str, float]) -> None:
    before = after(*(of(**one) for one in seen))
    later = after(*(of(**one) for one in seen), of(**more))
    assert all(b <= a for b, a in zip(before.components, later.components, strict=True))
    assert before.kinds() <= later.kinds()


@given(st.permutations([{"network": 4.0}, {"path": 2.0}, {"concurrency": 3.0}, {"concurrency": 4.5}, {"binding": 5.0}]))
def test_the_order_of_evidence_does_not_matter(order: list[dict[str, float]]) -> None:
    assert nats(after(*(of(**one) for one in order))) == {"network": 4, "path": 2, "concurrency": 6, "binding": 5}


# --- the day -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "fresh"), [(DAY - 1, False), (DAY, True), (3 * DAY, True)])
def test_an_episode_lasts_a_day_from_its_first_candidate(later: int, fresh: bool) -> None:  # noqa: FBT001
    episode = after(of(network=4), candidate(quanta=quanta(client=3), time=START + later))
    assert episode.opened == (START + later if fresh else START)
    assert nats(episode) == ({"client": 3} if fresh else {"network": 4, "client": 3})


def test_activity_does_not_prolong_the_day() -> None:
    hourly = [candidate(quanta=quanta(network=4), time=START + hour * HOUR) for hour in range(25)]
    assert after(*hourly).opened == START + DAY


def test_principals_have_episodes_of_their_own() -> None:
    episodes = Episodes(BUNDLE)
    episodes.observe(1, of(network=4))
    episodes.observe(2, of(client=3))
    assert {who: nats(one) for who, one in episodes.open.items()} == {1: {"network": 4}, 2: {"client": 3}}


def test_an_episode_is_forgotten_when_the_watermark_has_passed_its_day() -> None:
    episodes = Episodes(BUNDLE)
    episodes.observe(1, of(network=4))
    episodes.observe(2, candidate(quanta=quanta(network=4), time=START + HOUR))
    episodes.expire(START + DAY)
    assert set(episodes.open) == {1, 2}
    episodes.expire(START + DAY + SECOND)
    assert set(episodes.open) == {2}


def test_the_sums_have_caps() -> None:
    assert set(after(of(network=4)).caps) == {CONCURRENCY, PATH}


def test_too_many_episodes_give_up_the_weakest() -> None:
    episodes = Episodes(BUNDLE, most=16)
    for principal in range(20):
        episodes.observe(principal, candidate(quanta=quanta(network=2 + principal)))
    episodes.expire(0)
    assert sorted(episodes.open) == list(range(5, 20))
