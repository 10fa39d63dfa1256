"""Candidate rows in words: what an analyst needs of a use, taken out of the columns while they are at hand."""

from __future__ import annotations

import numpy as np

from detector.domain import SECOND, Outcome, UseBatch
from detector.fingerprint.actions import READ
from detector.fingerprint.facets import ACTION, CLIENT, PREFIX, PROVIDER, Facets
from detector.fingerprint.pods import POD_TOKEN, keys
from detector.scoring.episode import Candidate, Expected, Place, Pod
from detector.scoring.evidence import Evidence
from detector.state.principals import HOME_OF
from detector.state.shard import Shard


class CandidateReader:
    """Reads candidates of one slice of an epoch."""

    def __init__(self, batch: UseBatch, facets: Facets, evidence: Evidence, shard: Shard) -> None:
        self._batch = batch
        self._facets = facets
        self._evidence = evidence
        self._shard = shard

    def read(self, row: int) -> Candidate:
        """The candidate in `row`."""
        batch, facets, evidence = self._batch, self._facets, self._evidence
        known = evidence.lifecycle
        text = batch.strings.texts
        ends = [end for end in (int(known.expires[row]), int(known.revoked[row])) if end]
        return Candidate(
            quanta=tuple(evidence.quanta[row].tolist()),
            time=int(batch.time[row]),
            append_time=int(batch.append_time[row]),
            native_id=batch.native_id[row],
            use_index=int(batch.use_index[row]),
            ref=self._ref(row),
            realm=text[batch.realm[row]],
            account=text[batch.account[row]],
            principal=text[batch.principal[row]],
            session=text[batch.session[row]],
            credential=text[batch.credential[row]],
            issuer=text[batch.issuer[row]],
            kind=int(batch.kind[row]),
            actor_class=int(batch.actor_class[row]),
            address=text[batch.address[row]],
            prefix=text[facets.prefix_code[row]],
            client=text[facets.client_code[row]],
            region=text[batch.region[row]],
            action=text[batch.action[row]],
            privilege=READ if batch.outcome[row] == Outcome.DENIED else int(facets.privilege[row]),
            channel=text[batch.channel[row]],
            issued_at=int(known.issued[row]) * SECOND,
            expires_at=int(known.expires[row]) * SECOND,
            ended_at=min(ends, default=0) * SECOND,
            places=self._places(row),
            expected=self._expected(row),
            cold=bool(evidence.cold[row]),
            holder=int(facets.holder[row]),
            baseline_seconds=int(evidence.baseline[row]),
            refused=int(evidence.denied.count[row]),
            refused_usually=int(evidence.denied.usual[row]),
            pod=self._pod(row) if batch.kind[row] == POD_TOKEN else None,
            **self._assets(row),
        )

    def _assets(self, row: int) -> dict[str, str]:
        """What the operator's assets say of a row."""
        return {name: self._batch.text(name, row) for name in ("provider", "environment", "owner")}

    def _ref(self, row: int) -> str:
        stream = self._batch.text("ref_stream", row)
        return f"{stream}:{self._batch.ref_offset[row]}" if stream else ""

    def _places(self, row: int) -> tuple[Place, ...]:
        word = self._shard.lexicon.text
        at = self._shard.row + row
        return tuple(
            Place(word(seen.address, at), word(seen.client, at), seen.first, seen.last, seen.suspect)
            for seen in self._evidence.contexts.get(row, ())
        )

    def _expected(self, row: int) -> Expected:
        table, at = self._shard.principals, self._shard.row + row
        slot = int(table.find(self._facets.principal[row : row + 1])[0])
        home = {level: int(table.home[slot, column]) for level, column in HOME_OF.items()}
        prefixes, families, services, providers = table.root_children[slot].tolist()
        word = self._shard.lexicon.text
        prefix, client, action, provider = (word(home[level], at) for level in (PREFIX, CLIENT, ACTION, PROVIDER))
        facets, here = self._facets, slice(row, row + 1)
        used, _ = table.seen(np.array([slot]), PROVIDER, facets.value[here, PROVIDER], facets.hour[here])
        return Expected(prefix, client, prefixes, families, action, services, provider, providers, bool(used[0]))

    def _pod(self, row: int) -> Pod:
        """The row's pod. The tables of nodes and pods are frozen until the close: they are as the row was judged by."""
        batch, shard, word = self._batch, self._shard, self._shard.lexicon.text
        at, found = shard.row + row, keys(batch, self._facets, np.array([row]))
        place = shard.nodes.standing(found, batch.time[row : row + 1] // SECOND, shard.peers)
        addresses = (word(key, at) for key in shard.nodes.texts(int(found.node[0])))
        return Pod(
            name=batch.text("instance", row),
            node=batch.text("node", row),
            addresses=tuple(address for address in addresses if address),
            address_of=word(int(place.other[0]), at),
            ended_at=int(shard.workloads.ended(found.pod)[0]) * SECOND,
        )
