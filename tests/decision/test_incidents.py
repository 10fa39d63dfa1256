from __future__ import annotations

import pytest

from detector.decision.incidents import MOST_IDS, Incident, Incidents, Revision, Tolerance
from detector.detections.base import load_detections
from detector.domain import DAY
from detector.scoring.episode import Candidate
from tests.uses import BUNDLE, HOUR, MINUTE, START, candidate, quanta

WHO = 7
STRONG = quanta(network=6, client=5)  # 11 nats against a prior of -10: confidence 0.7311
WEAK = quanta(network=5, client=4)  # 9 nats: confidence 0.2689, below the queue's 0.5


@pytest.fixture
def incidents() -> Incidents:
    return Incidents(BUNDLE, load_detections())


def seen(incidents: Incidents, *uses: Candidate, who: int = WHO) -> list[Revision | None]:
    """What each use of one principal causes."""
    return [incidents.observe(who, use) for use in uses]


def strong(minute: int = 0, **columns: object) -> Candidate:
    return candidate(**{"quanta": STRONG, "time": START + minute * MINUTE, "native_id": f"event-{minute}", **columns})


def opened(incidents: Incidents, use: Candidate) -> Incident:
    """The incident that a strong use opens."""
    revision = incidents.observe(WHO, use)
    assert revision is not None
    return revision.incident


# --- opening -------------------------------------------------------------------------------------------------------


def test_strong_evidence_that_a_detection_knows_opens_an_incident(incidents: Incidents) -> None:
    incident = opened(incidents, strong())
    assert (incident.revision, incident.count, incident.fired) == (0, 1, ["replay.new_origin"])
    assert incident.confidence == 0.7311
    assert incident.severity == "medium"  # 0.7311 × 0.6 (a read)
    assert incidents.opened == 1


def test_weak_evidence_opens_nothing(incidents: Incidents) -> None:
    assert seen(incidents, candidate(quanta=WEAK)) == [None]
    assert incidents.open == {}


def test_evidence_at_the_queues_threshold_opens(incidents: Incidents) -> None:
    """10 nats are even odds."""
    assert opened(incidents, candidate(quanta=quanta(network=5, client=5))).confidence == 0.5


def test_strong_evidence_that_no_detection_knows_opens_nothing(incidents: Incidents) -> None:
    """A client that is new in a known network, again and again over other paths: supporting evidence only."""
    assert seen(incidents, *[candidate(quanta=quanta(client=7, parentage=4, path=2))] * 5) == [None] * 5


def test_evidence_of_several_uses_opens_together(incidents: Incidents) -> None:
    first = strong(0, quanta=quanta(network=6))
    second = strong(5, quanta=quanta(client=5))
    nothing, revision = seen(incidents, first, second)
    assert nothing is None
    assert revision is not None
    assert [use.native_id for use in revision.incident.uses] == ["event-0", "event-5"]
    assert (revision.incident.first_time, revision.incident.last_time) == (first.time, second.time)


def test_candidates_of_an_earlier_day_do_not_belong_to_the_incident(incidents: Incidents) -> None:
    yesterday = strong(0, quanta=quanta(network=6))
    assert seen(incidents, yesterday)[0] is None
    assert opened(incidents, strong(2 * 24 * 60)).count == 1


def test_a_principal_has_one_incident_whatever_credentials_and_places_it_is_seen_with(incidents: Incidents) -> None:
    uses = [strong(at, credential=f"ASIA{at % 3}", address=f"192.0.2.{at}") for at in range(50)]
    found = [revision for revision in seen(incidents, *uses) if revision is not None]
    assert len({revision.incident.id for revision in found}) == incidents.opened == len(incidents.open) == 1
    assert found[0].incident.credentials == ["ASIA0", "ASIA1", "ASIA2"]


def test_principals_have_incidents_of_their_own(incidents: Incidents) -> None:
    seen(incidents, strong(), who=1)
    seen(incidents, strong(principal="another"), who=2)
    assert len({incident.id for incident in incidents.open.values()}) == 2


@pytest.mark.parametrize(
    "columns",
    [
        {"append_time": START + 2 * HOUR},
        {"ref": "topic-3:77"},
        {"credential": "ASIAOTHER", "session": "i-1", "kind": 2},
        {"address": "203.0.113.1", "client": "curl", "action": "iam:CreateUser"},
        {"quanta": quanta(network=7, client=7, binding=12), "cold": True},
    ],
)
def test_an_id_depends_on_nothing_but_the_opening_use(columns: dict[str, object]) -> None:
    plain, changed = (opened(Incidents(BUNDLE, load_detections()), strong(0, **more)) for more in ({}, columns))
    assert changed.id == plain.id


@pytest.mark.parametrize(
    "columns",
    [
        {"realm": "999988887777"},
        {"principal": "another"},
        {"native_id": "event-2"},
        {"use_index": 1},
        {"time": START + HOUR},  # some logs let the caller choose the native id
    ],
)
def test_an_id_tells_realm_principal_native_id_use_index_and_time_apart(columns: dict[str, object]) -> None:
    plain, changed = (opened(Incidents(BUNDLE, load_detections()), strong(0, **more)) for more in ({}, columns))
    assert changed.id != plain.id


# --- revisions and pages -------------------------------------------------------------------------------------------


def test_uses_of_the_same_kind_are_announced_when_their_count_doubles(incidents: Incidents) -> None:
    found = seen(incidents, *(strong(at) for at in range(40)))
    assert [at + 1 for at, revision in enumerate(found) if revision is not None] == [1, 2, 4, 8, 16, 32]
    assert [revision.status for revision in found if revision is not None] == ["new", *["update"] * 5]


def test_a_new_kind_of_evidence_is_announced(incidents: Incidents) -> None:
    seen(incidents, *(strong(at) for at in range(9)))
    more, same = seen(incidents, strong(9, quanta=quanta(path=2)), strong(10, quanta=quanta(path=0.4)))
    assert more is not None
    assert more.incident.kinds == {"network", "client", "path"}
    assert same is None


def test_a_further_detection_is_announced(incidents: Incidents) -> None:
    seen(incidents, *(strong(at) for at in range(9)))
    revision = seen(incidents, strong(9, quanta=quanta(binding=12)))[0]
    assert revision is not None
    assert revision.incident.fired == ["replay.new_origin", "replay.binding_violation"]


def test_an_incident_pages_once_and_once_more_for_each_rise_of_severity(incidents: Incidents) -> None:
    """Reads at 0.7311 are medium, a privileged write 0.658 is high; with binding (23 nats) 0.9 is critical."""
    found = seen(
        incidents,
        *(strong(at) for at in range(8)),
        strong(8, action="iam:CreateAccessKey"),
        *(strong(at) for at in range(9, 30)),
        strong(30, quanta=quanta(binding=12)),
        *(strong(at) for at in range(31, 90)),
    )
    pages = [(at, revision.is_page) for at, revision in enumerate(found) if revision is not None]
    assert [at for at, paged in pages if paged] == [0, 8, 30]
    assert len(pages) > 6
    assert incidents.open[WHO].severity == "critical"


def test_severity_and_confidence_never_fall(incidents: Incidents) -> None:
    """The next day's episode is weaker: what was found stays found."""
    incident = opened(incidents, strong(action="iam:CreateAccessKey"))
    worst = (incident.severity, incident.confidence, incident.impact, incident.episode)
    seen(incidents, *(strong(at, quanta=quanta(network=2)) for at in range(0, 3 * 24 * 60, 12 * 60)))
    assert (incident.severity, incident.confidence, incident.impact, incident.episode) == worst


def test_revisions_are_numbered_without_gaps(incidents: Incidents) -> None:
    numbers = []
    for at in range(20):
        revision = incidents.observe(WHO, strong(at))
        if revision is not None:
            numbers.append(revision.incident.revision)
    assert numbers == list(range(len(numbers)))


# --- what is kept --------------------------------------------------------------------------------------------------


def test_a_hundred_uses_and_credentials_are_listed_and_all_are_counted(incidents: Incidents) -> None:
    seen(incidents, *(strong(at, credential=f"ASIA{at}") for at in range(250)))
    incident = incidents.open[WHO]
    assert (len(incident.uses), len(incident.credentials), incident.count) == (MOST_IDS, MOST_IDS, 250)
    assert incident.uses[0].native_id == "event-0"
    assert incident.last_time == START + 249 * MINUTE


def test_a_late_use_extends_the_incident_backwards(incidents: Incidents) -> None:
    seen(incidents, strong(10), strong(3))
    assert (incidents.open[WHO].first_time, incidents.open[WHO].last_time) == (START + 3 * MINUTE, START + 10 * MINUTE)


# --- closing -------------------------------------------------------------------------------------------------------


def test_an_incident_closes_after_a_day_of_inactivity(incidents: Incidents) -> None:
    incident = opened(incidents, strong())
    seen(incidents, strong(60))
    assert incidents.close(START + HOUR + DAY) == []
    (revision,) = incidents.close(START + HOUR + DAY + 1)
    assert (revision.incident, revision.status, revision.is_page) == (incident, "closed", False)
    assert revision.deciding.native_id == "event-60"
    assert incidents.open == {}
    assert incidents.close(START + 9 * DAY) == []


def test_activity_keeps_an_incident_open(incidents: Incidents) -> None:
    seen(incidents, *(strong(hour * 60) for hour in range(0, 72, 6)))
    assert incidents.close(START + 3 * DAY) == []
    assert incidents.opened == 1


def test_incidents_that_close_together_close_in_the_order_of_their_ids(incidents: Incidents) -> None:
    for who in range(20):
        seen(incidents, strong(principal=f"principal-{who}"), who=who)
    ids = [revision.incident.id for revision in incidents.close(START + 2 * DAY)]
    assert len(ids) == 20
    assert ids == sorted(ids)


def test_what_happens_after_the_close_is_another_incident(incidents: Incidents) -> None:
    first = opened(incidents, strong())
    incidents.close(START + 2 * DAY)
    second = opened(incidents, strong(2 * 24 * 60 + 1))
    assert second.id != first.id
    assert (second.count, second.revision) == (1, 0)


def test_candidates_that_led_nowhere_are_forgotten_with_their_day(incidents: Incidents) -> None:
    empty = incidents.digest()
    seen(incidents, candidate(quanta=WEAK))
    assert incidents.digest() != empty
    incidents.close(START + 2 * DAY)
    assert incidents.digest() == empty


def test_the_digest_is_that_of_what_happened() -> None:
    def digest(*uses: Candidate) -> str:
        incidents = Incidents(BUNDLE, load_detections())
        seen(incidents, *uses)
        return incidents.digest()

    assert digest(strong(), strong(1)) == digest(strong(), strong(1))
    assert len({digest(), digest(strong()), digest(strong(), strong(1)), digest(candidate(quanta=WEAK))}) == 4


def test_an_incident_is_told_of_and_paged_when_a_detection_out_of_shadow_joins() -> None:
    incidents = Incidents(BUNDLE, load_detections(), sending={"replay.concurrent_use"})
    silent = incidents.observe(WHO, candidate(quanta=quanta(network=7, client=7)))
    told = incidents.observe(WHO, candidate(quanta=quanta(concurrency=5), native_id="later"))
    more = incidents.observe(WHO, candidate(quanta=quanta(binding=12), native_id="last"))
    assert [(one.status, one.is_page) for one in (silent, told) if one] == [("new", False), ("new", True)]
    assert more is not None
    assert more.status == "update"


# --- exceptions ------------------------------------------------------------------------------------------------------

UNTIL = START + DAY
TOLERANCE = Tolerance(UNTIL, "moves to a role")


def excepting(*credentials: str) -> Incidents:
    return Incidents(BUNDLE, load_detections(), tolerated=dict.fromkeys(credentials, TOLERANCE))


def test_an_incident_of_a_tolerated_credential_is_counted_and_pages_nobody() -> None:
    incidents = excepting("KEY")
    revision = incidents.observe(WHO, strong(credential="KEY"))

    assert revision is not None
    assert not revision.is_page
    assert revision.incident.tolerance == TOLERANCE
    assert incidents.opened == 1


def test_it_pages_with_the_first_use_after_the_exception_by_event_time() -> None:
    incidents = excepting("KEY")
    incidents.observe(WHO, strong(credential="KEY"))
    quiet = incidents.observe(WHO, strong(1, credential="KEY"))
    late = incidents.observe(WHO, strong(credential="KEY", native_id="last", time=UNTIL))

    assert quiet is not None
    assert not quiet.is_page
    assert late is not None
    assert (late.is_page, late.status, late.incident.tolerance) == (True, "new", None)


def test_a_second_credential_without_an_exception_ends_the_tolerance_at_once() -> None:
    incidents = excepting("KEY")
    incidents.observe(WHO, strong(credential="KEY"))
    stolen = incidents.observe(WHO, strong(1, credential="OTHER"))

    assert stolen is not None
    assert stolen.is_page


def test_the_exception_that_ends_first_is_told() -> None:
    sooner = Tolerance(UNTIL - HOUR, "sooner")
    incidents = Incidents(BUNDLE, load_detections(), tolerated={"KEY": TOLERANCE, "OTHER": sooner})
    incident = opened(incidents, strong(credential="KEY"))
    incidents.observe(WHO, strong(1, credential="OTHER"))

    assert incident.tolerance == sooner


def test_more_credentials_than_are_listed_are_not_tolerated() -> None:
    keys = [f"KEY{at}" for at in range(MOST_IDS + 1)]
    incidents = excepting(*keys)
    incident = opened(incidents, strong(credential=keys[0]))
    seen(incidents, *(strong(1, credential=key, native_id=key) for key in keys))

    assert incident.tolerance is None
    assert incident.paged >= 0
