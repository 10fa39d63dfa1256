"""The oracle: the same path one row at a time, in plain dictionaries, with nothing vectorised, batched or evicted.

It shares with the detector what has no state: facets of a row, the fixed-point logarithm, the decision on a candidate.
Everything the detector does cleverly (slots, rounds, frozen tables, cuts, canonical closings) is done here naively.
`content` and `shard_content` bring both states into one comparable form.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from detector.alert import Alert
from detector.bundle import Bundle
from detector.control import Control, Feedback, Revoked, decode
from detector.decision.alerts import AlertBuilder
from detector.decision.incidents import Incidents, Revision
from detector.detections.base import Detection
from detector.domain import DAY, HOUR, KINDS, MINUTE, SECOND, Activity, Flag, Outcome, StringTable, UseBatch, UseRow
from detector.fingerprint.actions import READ, privilege
from detector.fingerprint.facets import LADDERS, LEVELS, Facets, Fingerprinter
from detector.records import event_time
from detector.scoring.episode import Candidate, Expected, Place, Pod
from detector.scoring.evidence import (
    ACTION,
    BINDING,
    CLIENT,
    COMPONENTS,
    CONCURRENCY,
    NETWORK,
    PARENTAGE,
    PATH,
    REVOCATION,
    SWEEP,
    WORKLOAD_END,
)
from detector.scoring.fixed import CELL, DECAY, NAT, nats
from detector.state import peers
from detector.state.shard import Shard
from tests.oracle_pods import Pods, Standing, is_accepted, is_pod, pods_content

UNSET = -(1 << 62)
MASK = (1 << 64) - 1
PARENT = {1: 0, 3: 2, 5: 4, 0: 6}  # of a prefix only where its provider is known
ROOT = {0: 0, 2: 1, 4: 2, 6: 3}
HOMES = (0, 3, 5, 6)
PARTS = {"places": (0, 1, 2, 3, 6), "actions": (4, 5)}
SETS, WAYS = {"places": 10, "actions": 4}, 8


def part_of(level: int) -> str:
    return next(name for name, levels in PARTS.items() if level in levels)


def log(x: float) -> int:
    return int(nats(np.array([x]))[0])


def join(left: int, right: int) -> int:
    z = left * 0x9E3779B97F4A7C15 + right & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def hours_between(now: int, then: int) -> int:
    delta = (now - then) & 0xFFFF
    return delta if delta < 0x8000 else delta - 0x10000


def decay(count: int, hour: int, now: int) -> int:
    days = min(max(hours_between(now, hour), 0) // 24, 255)
    return count * int(DECAY[days]) >> 16


@dataclass
class Cell:
    tag: int
    count: int
    hour: int
    children: int = 0


@dataclass
class Profile:
    first: int
    last: int
    group: int
    sets: dict[str, list[list[Cell | None]]] = field(
        default_factory=lambda: {part: [[None] * WAYS for _ in range(sets)] for part, sets in SETS.items()}
    )
    roots: list[list[int]] = field(default_factory=lambda: [[0, 0, 0] for _ in ROOT])  # count, hour, children
    home: list[list[int]] = field(default_factory=lambda: [[0, 0] for _ in LEVELS])  # value, weight

    def ways(self, level: int, value: int) -> list[Cell | None]:
        sets = self.sets[part_of(level)]
        return sets[(value >> 32) % len(sets)]

    def cell(self, level: int, value: int) -> Cell | None:
        tag = max(value & 0xFFFFFF, 1)
        return next((cell for cell in self.ways(level, value) if cell and cell.tag == tag), None)

    def stale(self, level: int, value: int, hour: int) -> tuple[bool, bool]:
        cell = self.cell(level, value)
        if cell is None:
            return True, True
        gap = hours_between(hour, cell.hour)
        return gap > 0, gap > 0 and (hour - gap) // 24 != hour // 24

    def learn(self, level: int, value: int, hour: int) -> bool:
        """Whether the value is new."""
        cell = self.cell(level, value)
        known = cell is not None
        if cell is not None:
            if hours_between(hour, cell.hour) <= 0:
                return False
            cell.count = min(decay(cell.count, cell.hour, hour) + CELL, 0xFFFF)
            cell.hour = hour & 0xFFFF
        else:
            ways = self.ways(level, value)
            faint = [-1 if one is None else decay(one.count, one.hour, hour) for one in ways]
            ways[faint.index(min(faint))] = Cell(max(value & 0xFFFFFF, 1), CELL, hour & 0xFFFF)
        if level in ROOT:
            root = self.roots[ROOT[level]]
            older = hours_between(hour, root[1]) < 0
            root[0] = decay(root[0], root[1], hour) + CELL
            root[1] = root[1] if older else hour & 0xFFFF
            root[2] = min(root[2] + (not known), 0xFFFF)
        home = self.home[level]
        if home[0] == value or home[1] == 0:
            self.home[level] = [value, home[1] + 1]
        else:
            home[1] -= 1
        return not known

    def count_child(self, level: int, parent: int) -> None:
        above = self.cell(level, parent) if parent else None
        if above is not None:
            above.children = min(above.children + 1, 0xFF)


@dataclass
class Credential:
    principal: int
    text: int
    parent: int
    last: int
    issued: int
    expires: int
    revoked: int = 0
    parent_revoked: int = 0
    standing: int = 0


@dataclass
class Context:
    key: int
    address: int
    client: int
    prefix: int
    family: int
    delivery: int
    first: int
    last: int
    suspect: bool
    strange: bool


@dataclass
class Holder:
    contexts: list[Context] = field(default_factory=list)
    current: int = 0


@dataclass
class Row:
    """One scored row of the running epoch, as its close will see it."""

    principal: int
    group: int
    realm: int
    holder: int
    value: list[int]
    hour: int
    opened: bool
    accepted: bool
    returns: tuple[int, int]
    refused: bool


class Oracle:
    """Feed rows with `process`; read `alerts`."""

    def __init__(self, bundle: Bundle, detections: dict[str, Detection]) -> None:
        self.bundle = bundle
        self.minimum = round(bundle.episode.minimum * NAT)
        self.fingerprint = Fingerprinter()
        self.incidents = Incidents(bundle, detections)
        self.writer = AlertBuilder(bundle, detections, "")
        self.alerts: list[Alert] = []
        self.highest: dict[int, tuple[int, int]] = {}
        self.seen: set[Any] = set()
        self.clocks: dict[int, list[int]] = {}
        self.watermark = UNSET
        self.bucket: int | None = None
        self.in_epoch = 0
        self.swept = 0
        self.profiles: dict[int, Profile] = {}
        self.sketches: dict[int, tuple[int, list[int], list[int]]] = {}
        self.generation = 0
        self.rates: dict[int, list[int]] = {}
        self.refused: dict[tuple[int, int], set[str]] = defaultdict(set)
        self.denials: dict[int, list[int]] = {}  # active, refused, hour
        self.credentials: dict[int, Credential] = {}
        self.revoked_now: set[int] = set()
        self.changed: set[int] = set()
        self.holders: dict[int, Holder] = {}
        self.rows: list[Row] = []
        self.pods = Pods(self.estimate, self.add)
        self.words: dict[int, str] = {}

    def process(self, batch: UseBatch) -> None:
        for at in range(len(batch)):
            self.row(batch.take(slice(at, at + 1)))

    # --- one row -------------------------------------------------------------------------------------------------

    def row(self, use: UseBatch) -> None:
        activity, partition = int(use.activity[0]), int(use.raw_partition[0])
        if activity == Activity.TICK:
            self.advance_watermark(use, partition)
            self.turn()
            return
        position = (int(use.raw_offset[0]), int(use.row[0]))
        if position <= self.highest.get(partition, (-1, 0)):
            return
        self.highest[partition] = position
        text = [use.text(name, 0) for name in ("source", "credential", "address", "action")]
        identity = (use.native_id[0], *text, int(use.time[0]), int(use.use_index[0]), activity)
        if identity in self.seen:
            return
        self.seen.add(identity)
        if activity == Activity.CONTROL:
            self.obey(decode(use.text("resource", 0)))
            return
        self.advance_watermark(use, partition)
        self.judge(use, self.fingerprint.facets(use))
        self.in_epoch += 1
        self.turn()

    def turn(self) -> None:
        bucket = self.watermark // (10 * MINUTE)
        moved = self.bucket is not None and bucket != self.bucket
        self.bucket = bucket
        if self.in_epoch == 4096 or moved:
            self.close()

    def obey(self, said: Control) -> None:
        if isinstance(said, Revoked):
            row = UseRow("", "control", event_time(said.time), realm=said.realm, principal=said.principal,
                         credential=said.credential, activity=Activity.REVOKE)  # fmt: skip
            use = UseBatch.from_rows([row], StringTable())
            self.judge(use, self.fingerprint.facets(use))
        if isinstance(said, Feedback):
            revision = self.incidents.judge(said.incident_id, said.verdict, said.reason, said.author)
            if revision is not None:
                self.emit(revision)
                if revision.status == "closed":
                    for holder in {one.holder for one in revision.incident.uses} & set(self.holders):
                        for context in self.holders[holder].contexts:
                            context.suspect = context.strange = False
                    self.close()

    def advance_watermark(self, use: UseBatch, partition: int) -> None:
        time, append = int(use.time[0]), int(use.append_time[0])
        if int(use.flags[0]) & Flag.TS_SUSPECT:
            time = UNSET
        if append > 0:
            time = min(time, append + 5 * MINUTE)
        clock = self.clocks.setdefault(partition, [UNSET, 0])
        clock[0], clock[1] = max(clock[0], time), max(clock[1], append)
        newest = max(one[1] for one in self.clocks.values())
        active = [e for e, a in self.clocks.values() if e != UNSET and not (a > 0 and newest - a > 60 * SECOND)]
        if active:
            self.watermark = max(self.watermark, max(min(active), max(active) - 6 * HOUR) - 10 * MINUTE)

    def judge(self, use: UseBatch, facets: Facets) -> None:
        for value, code in zip(
            facets.value[0].tolist(),
            (
                facets.prefix_code[0],
                use.address[0],
                facets.family_code[0],
                facets.client_code[0],
                0,
                use.action[0],
                use.provider[0],
            ),
            strict=True,
        ):
            if value:
                self.words[value] = use.strings[int(code)]
        seconds = int(use.time[0]) // SECOND
        principal = int(facets.principal[0])
        scored = bool(facets.scored[0])
        if scored and principal not in self.profiles:
            self.profiles[principal] = Profile(seconds, seconds, int(facets.group[0]))
        if scored:
            self.profiles[principal].last = max(self.profiles[principal].last, seconds)
            facets.group[0] = self.profiles[principal].group
        credential = self.lifecycle(use, facets, seconds)
        node = self.pods.note(use, facets)
        if node:
            self.words[node] = use.text("node", 0)
        if not scored:
            return
        profile = self.profiles[principal]
        priors = self.bundle.episode
        young = max(seconds - profile.first, 0) < priors.cold_hours * 3600
        cold = profile.roots[0][0] < priors.cold_hour_cells * CELL or young
        quanta = [0] * len(COMPONENTS)
        if not cold:
            quanta[NETWORK], quanta[CLIENT], novel = self.novelty(use, facets, profile)
            quanta[ACTION] = self.new_action(use, novel)
        quanta[SWEEP], denied = self.sweep(use, facets, profile, cold=cold)
        quanta[REVOCATION], quanta[PARENTAGE] = self.after_end(use, credential, seconds)
        quanta[WORKLOAD_END] = self.after_pod(use, facets, seconds)
        opened, returns, places = self.contexts(use, facets, seconds, quanta)
        if cold:
            quanta[BINDING] = min(quanta[BINDING], round(self.bundle.binding.cold * NAT))
        candidate = max(quanta) >= self.minimum
        if candidate:
            found = self.candidate(use, facets, profile, credential, quanta, places, denied, cold=cold)
            revision = self.incidents.observe(principal, found)
            if revision is not None:
                self.emit(revision)
        self.rows.append(
            Row(
                principal,
                int(facets.group[0]),
                int(facets.realm[0]),
                int(facets.holder[0]),
                facets.value[0].tolist(),
                int(facets.hour[0]),
                opened,
                int(use.outcome[0]) != Outcome.DENIED,
                returns,
                denied[0] > 0,
            )
        )

    def lifecycle(self, use: UseBatch, facets: Facets, seconds: int) -> Credential | None:
        key = int(facets.credential[0])
        if not key or int(use.flags[0]) & Flag.TS_SUSPECT:
            return None
        activity = int(use.activity[0])
        issued, expires = int(use.issued_at[0]) // SECOND, int(use.expires_at[0]) // SECOND
        parent = int(facets.parent[0])
        one = self.credentials.get(key)
        if one is None:
            text = int(use.strings.hashes[use.credential[0]])
            one = Credential(int(facets.principal[0]), text, parent, seconds, issued, expires)
            self.credentials[key] = one
            self.changed.add(key)
        if activity in (Activity.ISSUE, Activity.RENEW, Activity.REVOKE, Activity.DECLARE):
            self.changed.add(key)
        if activity in (Activity.ISSUE, Activity.RENEW):
            one.expires, one.issued, one.parent = expires or one.expires, issued or one.issued, parent or one.parent
        elif activity == Activity.REVOKE:
            one.revoked = min(one.revoked, seconds) if one.revoked else seconds
            self.revoked_now.add(key)
        elif activity == Activity.DECLARE and int(use.flags[0]) & Flag.REACTIVATED:
            one.revoked = 0
            self.revoked_now.add(key)
        one.last = max(one.last, seconds)
        return one

    # --- evidence ------------------------------------------------------------------------------------------------

    def novelty(self, use: UseBatch, facets: Facets, profile: Profile) -> list[int]:
        priors = self.bundle.novelty
        high = round(priors.clip[1] * NAT)
        hour, found = int(facets.hour[0]), []
        for ladder, levels in enumerate(LADDERS.values()):
            values = [int(facets.value[0, level]) for level in levels]
            root, above = profile.roots[ladder], profile.cell(levels[0], values[0])
            leaf = profile.cell(levels[1], values[1]) if values[1] else None
            n = [decay(cell.count, cell.hour, hour) if cell else 0 for cell in (above, leaf)]
            own = [(n[0], decay(root[0], root[1], hour), root[2]), (n[1], n[0], above.children if above else 0)]
            reach = sum(
                min(-log(max(max(c / CELL - priors.discount, 0) / (t / CELL + priors.concentration), 1e-9)), high)
                for c, t, _ in own
            )
            ratios = [
                self.ratio(facets, value, parent, counts, priors.base[LEVELS[level]])
                for level, value, parent, counts in zip(levels, values, (ladder + 1, values[0]), own, strict=True)
            ]
            provider, named = int(facets.value[0, 6]), decay(profile.roots[3][0], profile.roots[3][1], hour)
            if ladder == 0 and provider and not n[0] and 2 * named >= own[0][1]:
                above = profile.cell(6, provider)
                hours = decay(above.count, above.hour, hour) if above else 0
                base = priors.base["provider"]
                by = [
                    self.ratio(facets, provider, 4, (hours, named, profile.roots[3][2]), base),
                    self.ratio(
                        facets, values[0], provider, (0, hours, above.children if above else 0),
                        priors.base["prefix"] / base,
                    ),
                ]  # fmt: skip
                by[1] = by[1] if hours else min(by[1], 0)
                ratios[0] = min(sum(by), high)
            total = sum(ratios)
            quanta = total if values[0] and reach >= self.minimum else 0
            if ladder == 0 and int(use.flags[0]) & Flag.KNOWN_EGRESS:
                quanta = 0
            if ladder == 2 and n[1]:
                quanta = 0
            if int(use.outcome[0]) == Outcome.DENIED:
                quanta = quanta * round(priors.denied_weight * NAT) // NAT
            found.append(max(quanta, 0))
        return found

    def ratio(self, facets: Facets, value: int, parent: int, own: tuple[int, int, int], base: float) -> int:
        priors, (count, hours, children) = self.bundle.novelty, own
        realm = self.shared(int(facets.realm[0]), value, parent, base)
        group = self.shared(int(facets.group[0]), value, parent, realm)
        mine = self.predict(count / CELL, hours / CELL, float(children), group)
        attacker = priors.attacker_weight * base + (1 - priors.attacker_weight) * realm
        low, high = (round(edge * NAT) for edge in priors.clip)
        return min(max(log(attacker) - log(mine), low), high) if value else 0

    def new_action(self, use: UseBatch, novelty: int) -> int:
        priors = self.bundle.action
        weight = priors.weight.values[privilege(use.text("action", 0))]
        weighed = min(novelty * round(weight * NAT) // NAT, round(priors.most * NAT))
        return weighed if weighed >= self.minimum else 0

    def sweep(self, use: UseBatch, facets: Facets, profile: Profile, *, cold: bool) -> tuple[int, tuple[int, int]]:
        """Quanta, and what was counted: different actions refused in the hour, and how many are usual (1/100)."""
        action, principal, hour = use.text("action", 0), int(facets.principal[0]), int(facets.hour[0])
        cell = profile.cell(5, int(facets.value[0, 5]))
        used = cell is not None and decay(cell.count, cell.hour, hour) > 0
        refused = self.refused[principal, hour]
        if int(use.outcome[0]) != Outcome.DENIED or not action or used or action in refused:
            return 0, (0, 0)
        refused.add(action)
        priors = self.bundle.sweep
        rate = priors.rate
        for key in (int(facets.group[0]), principal):
            active, denied, _ = self.denials.get(key, [0, 0, 0])
            rate = (denied / CELL + priors.pseudo_hours * rate) / (active / CELL + priors.pseudo_hours)
        rate = min(max(rate, priors.floor), priors.attack_rate)
        gain = len(refused) * (log(priors.attack_rate) - log(rate)) - round((priors.attack_rate - rate) * NAT)
        most = priors.cold if cold else priors.cap
        return min(max(gain, 0), round(most * NAT)), (len(refused), round(rate * 100))

    def shared(self, scope: int, value: int, parent: int, below: float) -> float:
        members, pairs, children = (
            self.estimate(join(join(key, scope), what)) / peers.UNIT
            for key, what in ((value, 1), (parent, 2), (parent, 3))
        )
        return self.predict(min(members, pairs), pairs, children, below)

    def predict(self, count: float, total: float, children: float, below: float) -> float:
        d, theta = self.bundle.novelty.discount, self.bundle.novelty.concentration
        return (max(count - d, 0) + (theta + d * min(children, total)) * below) / (total + theta)

    def estimate(self, key: int) -> int:
        if key not in self.sketches:
            return 0
        since, now, before = self.sketches[key]
        age = self.generation - since
        if age > 1:
            return 0
        registers = [max(n, b) for n, b in zip(now, before, strict=True)] if age == 0 else now
        empty = registers.count(0)
        harmonic = sum(1 << (48 - min(r, 48)) for r in registers)
        raw = int(0.673 * 16 * 16 * peers.UNIT * float(1 << 48) / harmonic)
        if raw <= 40 * peers.UNIT and empty:
            return round(16 * math.log(16 / empty) * peers.UNIT)
        return raw

    def after_end(self, use: UseBatch, credential: Credential | None, seconds: int) -> tuple[int, int]:
        if credential is None or int(use.outcome[0]) not in (Outcome.ALLOWED, Outcome.UNKNOWN):
            return 0, 0
        ends = [end for end in (credential.expires, credential.revoked) if end]
        priors = self.bundle.revocation
        own = max([n for s, n in priors.overrun if ends and seconds - min(ends) >= s], default=0.0)
        dead = 0 if KINDS[int(use.kind[0])].static else credential.parent_revoked
        parent = max([n for s, n in priors.parent_overrun if dead and seconds - dead >= s], default=0.0)
        return round(own * NAT), round(parent * NAT)

    def after_pod(self, use: UseBatch, facets: Facets, seconds: int) -> int:
        end = self.pods.ended(use, facets) if is_pod(use) and is_accepted(use) else 0
        return round(max([n for s, n in self.bundle.workload.overrun if end and seconds - end >= s], default=0) * NAT)

    def contexts(
        self, use: UseBatch, facets: Facets, seconds: int, quanta: list[int]
    ) -> tuple[bool, tuple[int, int], tuple[Place, ...]]:
        holder = self.holders.setdefault(int(facets.holder[0]), Holder())
        value = facets.value[0].tolist()
        half = 0xFFFFFFFF
        prefix, family, delivery = value[0] & half, value[2] & half, int(facets.delivery[0]) & half
        key = int(facets.context[0])
        way = next((at for at, one in enumerate(holder.contexts) if one.key == key), None)
        opened, returns = way is None, (0, 0)
        stands = self.pods.standing(use, facets)
        if way is None:
            trusted = [one for one in holder.contexts if not one.suspect]
            clash = (
                KINDS[int(use.kind[0])].label == "aws.session/instance"
                and bool(trusted)
                and value[1] != 0
                and all(one.address != value[1] for one in trusted)
                and all((one.family, one.delivery) != (family, delivery) for one in trusted)
                and self.estimate(join(join(value[1], int(facets.realm[0])), 4)) == 0
            ) or (
                stands.known
                and not stands.other
                and any(one.address in stands.held for one in trusted)
                and self.estimate(join(join(value[1], int(facets.realm[0])), 4)) == 0
            )
            strange = self.is_strange(facets)
            new = Context(key, value[1], value[3], prefix, family, delivery, seconds, seconds, clash, strange)
            if len(holder.contexts) < 4:
                holder.contexts.append(new)
                way = len(holder.contexts) - 1
            else:
                way = min(range(4), key=lambda at: holder.contexts[at].last)
                holder.contexts[way] = new
        elif way != holder.current:
            returns = self.going_back(use, facets, holder, way, seconds, quanta)
        here = holder.contexts[way]
        if seconds >= holder.contexts[holder.current].last:
            holder.current = way
        here.first, here.last = min(here.first, seconds), max(here.last, seconds)
        bound = self.bundle.binding
        nat = bound.contradiction if here.strange else bound.known_client
        quanta[BINDING] = round(nat * NAT) if here.suspect else 0
        if is_pod(use):
            quanta[BINDING] = self.pod_binding(facets, holder, here, stands)
        order = [here, *(one for one in holder.contexts if one is not here)]
        places = tuple(
            Place(self.words.get(c.address, ""), self.words.get(c.client, ""), c.first, c.last, c.suspect)
            for c in order
        )
        return opened, returns, places

    def is_strange(self, facets: Facets) -> bool:
        limits = self.bundle.concurrency.strange
        value = facets.value[0].tolist()
        profile, hour = self.profiles[int(facets.principal[0])], int(facets.hour[0])
        strange = decay(profile.roots[0][0], profile.roots[0][1], hour) >= limits.after_hour_cells * CELL
        for level in (2, 0):
            one = value[level]
            cell = self.profiles[int(facets.principal[0])].cell(level, one)
            own = decay(cell.count, cell.hour, int(facets.hour[0])) if cell else 0
            fellows = self.estimate(join(join(one, int(facets.group[0])), 1))
            known = own >= limits.below_hour_cells * CELL or fellows >= limits.below_peers * peers.UNIT
            strange = strange and one != 0 and not known
        return strange and not facets.declared[0]

    def pod_binding(self, facets: Facets, holder: Holder, here: Context, stands: Standing) -> int:
        address = int(facets.value[0, 1])
        moved = any(not one.suspect and one.address != address for one in holder.contexts)
        proven = stands.other != 0 and (moved or stands.seen >= here.first)
        if not stands.known:
            here.suspect = False
        elif proven and here.address == address:
            here.suspect = True
        bound = self.bundle.binding
        if proven or (here.suspect and self.is_strange(facets)):
            return round(bound.contradiction * NAT)
        return round(bound.known_client * NAT) if here.suspect or stands.other else 0

    def going_back(
        self, use: UseBatch, facets: Facets, holder: Holder, way: int, seconds: int, quanta: list[int]
    ) -> tuple[int, int]:
        priors = self.bundle.concurrency
        there, here = holder.contexts[way], holder.contexts[holder.current]
        if seconds - there.last > priors.window_hours * 3600 or seconds < here.first:
            return 0, 0
        network, client = there.prefix != here.prefix, there.family != here.family
        if not network:
            return 0, 0
        strange = client and (there.strange or here.strange)
        rate = priors.rate.of(KINDS[int(use.kind[0])])
        for key in (int(facets.group[0]), int(facets.principal[0])):
            uses, *returned = self.rates.get(key, [0, 0, 0])
            rate = (returned[strange] + priors.pseudo_uses * rate) / (uses + priors.pseudo_uses)
        since = max(seconds - max(here.first, there.first), 0)
        draining = since < 20 * priors.drain_seconds
        drain = priors.drain_return * math.exp(-since / priors.drain_seconds) if draining else 0.0
        gain = max(log(priors.return_probability) - log(max(rate, priors.floor, drain)), 0)
        quanta[CONCURRENCY if strange else PATH] = gain
        return (0, 1) if strange else (1, 0)

    def candidate(
        self,
        use: UseBatch,
        facets: Facets,
        profile: Profile,
        credential: Credential | None,
        quanta: list[int],
        places: tuple[Place, ...],
        denied: tuple[int, int],
        *,
        cold: bool,
    ) -> Candidate:
        def text(name: str) -> str:
            return use.text(name, 0)

        assert credential is not None
        ends = [end for end in (credential.expires, credential.revoked) if end]
        strings = use.strings
        ref = f"{text('ref_stream')}:{int(use.ref_offset[0])}" if text("ref_stream") else ""
        return Candidate(
            quanta=tuple(quanta), time=int(use.time[0]), append_time=int(use.append_time[0]),
            native_id=use.native_id[0], use_index=int(use.use_index[0]), ref=ref, realm=text("realm"),
            account=text("account"), principal=text("principal"), session=text("session"),
            credential=text("credential"), issuer=text("issuer"), kind=int(use.kind[0]),
            actor_class=int(use.actor_class[0]), address=text("address"), prefix=strings[int(facets.prefix_code[0])],
            client=strings[int(facets.client_code[0])], region=text("region"), action=text("action"),
            privilege=READ if int(use.outcome[0]) == Outcome.DENIED else privilege(text("action")),
            channel=text("channel"), issued_at=credential.issued * SECOND, expires_at=credential.expires * SECOND,
            ended_at=min(ends, default=0) * SECOND, places=places,
            expected=Expected(
                self.words.get(profile.home[0][0], ""), self.words.get(profile.home[3][0], ""),
                profile.roots[0][2], profile.roots[1][2],
                self.words.get(profile.home[5][0], ""), profile.roots[2][2],
                self.words.get(profile.home[6][0], ""), profile.roots[3][2], self.knows_provider(facets, profile),
            ),
            cold=cold, holder=int(facets.holder[0]),
            baseline_seconds=max(int(use.time[0]) // SECOND - profile.first, 0),
            refused=denied[0], refused_usually=denied[1],
            pod=self.pod(use, facets) if is_pod(use) else None,
            provider=text("provider"), environment=text("environment"), owner=text("owner"),
        )  # fmt: skip

    def knows_provider(self, facets: Facets, profile: Profile) -> bool:
        cell = profile.cell(6, int(facets.value[0, 6]))
        return cell is not None and decay(cell.count, cell.hour, int(facets.hour[0])) > 0

    def pod(self, use: UseBatch, facets: Facets) -> Pod:
        addresses = (self.words.get(key, "") for key in self.pods.texts(self.pods.keys(use, facets)["node"]))
        return Pod(
            name=use.text("instance", 0),
            node=use.text("node", 0),
            addresses=tuple(filter(None, addresses)),
            address_of=self.words.get(self.pods.standing(use, facets).other, ""),
            ended_at=self.pods.ended(use, facets) * SECOND,
        )

    def emit(self, revision: Revision) -> None:
        now = revision.deciding.time // SECOND
        active = sum(c.principal == revision.principal and c.standing > now for c in self.credentials.values())
        self.alerts.append(self.writer.alert(revision, active))

    # --- the close of an epoch -----------------------------------------------------------------------------------

    def close(self) -> None:
        for revision in self.incidents.close(self.watermark):
            self.emit(revision)
        self.generation = max(self.generation, self.watermark // (30 * DAY))
        suspected = set(self.incidents.open)
        self.learn(suspected)
        self.pods.close(suspected)
        for key in self.revoked_now:
            dead = self.credentials[key]
            for child in self.credentials.values():
                if child.parent == dead.text:
                    child.parent_revoked = dead.revoked
        for key in self.changed:
            one = self.credentials[key]
            one.standing = min(one.expires or 0xFFFFFFFF, one.revoked or 0xFFFFFFFF)
        self.revoked_now.clear()
        self.changed.clear()
        self.forget()
        self.rows.clear()
        self.in_epoch = 0

    def learn(self, suspected: set[int]) -> None:
        lessons: set[tuple[int, int, int, int, int]] = set()
        additions: set[tuple[int, int]] = set()
        met = set()
        for row in self.rows:
            guilty = row.principal in suspected
            hour = row.hour - row.hour % 24 if guilty else row.hour
            if row.opened and row.accepted and not guilty and row.value[1]:
                additions.add((join(join(row.value[1], row.realm), 4), row.holder))
            things = {part: (row.principal, hour, guilty, *(row.value[at] for at in PARTS[part])) for part in PARTS}
            if not row.accepted:
                continue
            for level, value in enumerate(row.value):
                if (part_of(level), things[part_of(level)]) in met:
                    continue
                new_hour, new_day = self.profiles[row.principal].stale(level, value, hour)
                if not value or not new_hour:
                    continue
                parent = row.value[PARENT[level]] if level in PARENT else 0
                lessons.add((row.principal, level, value, hour, parent))
                if not new_day or guilty:
                    continue
                above = [parent] if level not in ROOT else [ROOT[level] + 1, *([parent] if parent else [])]
                for scope, one in product((row.group, row.realm), above):
                    additions.add((join(join(value, scope), 1), row.principal))
                    additions.add((join(join(one, scope), 2), join(row.principal, value)))
                    additions.add((join(join(one, scope), 3), value))
                if level == 1:
                    additions.add((join(join(value, row.realm), 4), row.holder))
            met |= set(things.items())
        providers_first = sorted(lessons, key=lambda lesson: (lesson[0], (lesson[1] + 1) % 7, *lesson[2:]))
        new = [one for one in providers_first if self.profiles[one[0]].learn(*one[1:4])]
        for principal, level, _, _, parent in new:
            self.profiles[principal].count_child(level, parent)
        for key, member in additions:
            self.add(key, member)
        self.learn_rates(suspected)

    def add(self, key: int, member: int) -> None:
        since, now, before = self.sketches.get(key, (self.generation, [0] * 16, [0] * 16))
        if since < self.generation:
            before = now if since == self.generation - 1 else [0] * 16
            now = [0] * 16
        now[member & 15] = max(now[member & 15], 61 - (member >> 4).bit_length())
        self.sketches[key] = (self.generation, now, before)

    def learn_rates(self, suspected: set[int]) -> None:
        counts: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        for row in self.rows:
            if row.principal not in suspected:
                for key in (row.principal, row.group):
                    counts[key] = [a + b for a, b in zip(counts[key], (1, *row.returns), strict=True)]
        for key, more in counts.items():
            total = [a + b for a, b in zip(self.rates.get(key, [0, 0, 0]), more, strict=True)]
            self.rates[key] = [one >> 1 for one in total] if total[0] >= 1 << 20 else total
        self.learn_denials(suspected)

    def learn_denials(self, suspected: set[int]) -> None:
        hours: dict[int, set[int]] = defaultdict(set)
        refused: dict[int, int] = defaultdict(int)
        group: dict[int, int] = {}
        for row in self.rows:
            if row.principal not in suspected:
                hours[row.principal].add(row.hour)
                refused[row.principal] += row.refused
                group[row.principal] = row.group
        more: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        for who, seen in hours.items():
            then = self.denials.get(who, [0, 0, 0])[2]
            new = [len([hour for hour in seen if hour > then]), refused[who], max(*seen, then)]
            more[who] = new
            together = more[group[who]]
            more[group[who]] = [together[0] + new[0], together[1] + new[1], max(together[2], new[2])]
        for key, (active, denied, latest) in more.items():
            before = self.denials.get(key, [0, 0, 0])
            now = max(before[2], latest)
            counts = [decay(count, before[2], now) for count in before[:2]]
            self.denials[key] = [counts[0] + active * CELL, counts[1] + denied * CELL, now]

    def forget(self) -> None:
        hour, now = self.watermark // HOUR, self.watermark // SECOND
        if hour == self.swept:
            return
        self.swept = hour
        self.pods.forget(now)
        week, two_days = 7 * 86_400, 2 * 86_400
        for key, one in list(self.credentials.items()):
            end = max(one.expires, one.revoked)
            if end and max(end, one.last) + week < now:
                del self.credentials[key]
        for key, holder in list(self.holders.items()):
            if max(one.last for one in holder.contexts) + two_days < now:
                del self.holders[key]

    # --- comparison ----------------------------------------------------------------------------------------------

    def content(self) -> dict[str, Any]:
        return {
            "profiles": {
                key: (
                    one.first, one.last, [tuple(root) for root in one.roots],
                    [tuple(one.home[level]) for level in HOMES],
                    [
                        [(c.tag, c.children, c.count, c.hour) if c else (0, 0, 0, 0) for c in ways]
                        for sets in one.sets.values() for ways in sets
                    ],
                )
                for key, one in self.profiles.items()
            },
            "sketches": self.sketches,
            "rates": {key: tuple(one) for key, one in self.rates.items()},
            "denials": {key: tuple(one) for key, one in self.denials.items()},
            "refused": {join(who, hour): len(actions) for (who, hour), actions in self.refused.items() if actions},
            "credentials": {
                key: (c.principal, c.text, c.parent, c.last, c.issued, c.expires, c.revoked, c.parent_revoked,
                      c.standing)
                for key, c in self.credentials.items()
            },
            "holders": {
                key: (
                    one.current,
                    [(c.key, c.address, c.client, c.prefix, c.family, c.delivery, c.first, c.last, c.suspect, c.strange)
                     for c in one.contexts],
                )
                for key, one in self.holders.items()
            },
            "watermark": self.watermark,
            **self.pods.content(),
        }  # fmt: skip


def shard_content(shard: Shard) -> dict[str, Any]:
    """The state of the detector in the form of `Oracle.content`."""
    p, c, h, s, r = shard.principals, shard.credentials, shard.contexts, shard.peers, shard.rates
    d = shard.denial_rates

    def keyed(table: Any) -> list[tuple[int, int]]:
        return [(int(table.index.keys[slot]), slot) for slot in table.index.slots().tolist()]

    def ways(slot: int) -> list[list[tuple[int, int, int, int]]]:
        cells = [
            (int(tag) >> 8, int(tag) & 0xFF, int(count), int(hour))
            for tag, count, hour in zip(p.tag[slot], p.count[slot], p.hour[slot], strict=True)
        ]
        return [cells[at : at + WAYS] for at in range(0, len(cells), WAYS)]

    return {
        "profiles": {
            key: (
                int(p.first[slot]), int(p.last[slot]),
                list(zip(p.root_count[slot].tolist(), p.root_hour[slot].tolist(), p.root_children[slot].tolist(),
                         strict=True)),
                list(zip(p.home[slot].tolist(), p.home_weight[slot].tolist(), strict=True)),
                ways(slot),
            )
            for key, slot in keyed(p)
        },
        "sketches": {
            key: (int(s.since[slot]), s.now[slot].tolist(), s.before[slot].tolist()) for key, slot in keyed(s)
        },
        "rates": {key: (int(r.uses[slot]), *r.returns[slot].tolist()) for key, slot in keyed(r)},
        "denials": {key: (int(d.active[slot]), int(d.refused[slot]), int(d.hour[slot])) for key, slot in keyed(d)},
        "refused": shard.denials._count,
        "credentials": {
            key: tuple(int(c.column(name)[slot]) for name in (
                "principal", "text", "parent", "last", "issued", "expires", "revoked", "parent_revoked",
                "standing"))
            for key, slot in keyed(c)
        },
        "holders": {
            key: (
                int(h.current[slot]),
                [
                    (*(int(h.column(name)[slot, way]) for name in (
                        "context", "address", "client", "prefix", "family", "delivery", "first", "last")),
                     bool(h.suspect[slot] >> way & 1), bool(h.strange[slot] >> way & 1))
                    for way in range(int(h.filled[slot]))
                ],
            )
            for key, slot in keyed(h)
        },
        "watermark": shard.watermark.value,
        **pods_content(shard),
    }  # fmt: skip
