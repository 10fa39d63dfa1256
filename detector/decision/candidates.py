"""Candidate rows in words: what an analyst needs of a use, taken out of the columns while they are at hand."""

from __future__ import annotations

from detector.domain import SECOND, UseBatch
from detector.fingerprint.facets import CLIENT, LADDERS, PREFIX, Facets
from detector.scoring.episode import Candidate, Expected, Place
from detector.scoring.evidence import Evidence
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
        slot = int(self._shard.principals.find(facets.principal[row : row + 1])[0])
        known = evidence.lifecycle
        text = batch.strings.texts
        ends = [end for end in (int(known.expires[row]), int(known.revoked[row])) if end]
        stream, offset = text[batch.ref_stream[row]], int(batch.ref_offset[row])
        return Candidate(
            quanta=tuple(evidence.quanta[row].tolist()),
            time=int(batch.time[row]),
            append_time=int(batch.append_time[row]),
            native_id=batch.native_id[row],
            use_index=int(batch.use_index[row]),
            ref=f"{stream}:{offset}" if stream else "",
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
            channel=text[batch.channel[row]],
            issued_at=int(known.issued[row]) * SECOND,
            expires_at=int(known.expires[row]) * SECOND,
            ended_at=min(ends, default=0) * SECOND,
            places=self._places(row),
            expected=self._expected(slot, row),
            cold=bool(evidence.cold[row]),
            baseline_seconds=int(evidence.baseline[row]),
        )

    def _places(self, row: int) -> tuple[Place, ...]:
        word = self._shard.lexicon.text
        at = self._shard.row + row
        return tuple(
            Place(word(seen.address, at), word(seen.client, at), seen.first, seen.last, seen.suspect)
            for seen in self._evidence.contexts.get(row, ())
        )

    def _expected(self, slot: int, row: int) -> Expected:
        table, at = self._shard.principals, self._shard.row + row
        home = table.home[slot].tolist()
        children = [int(table.root_children[slot, ladder]) for ladder in range(len(LADDERS))]
        word = self._shard.lexicon.text
        return Expected(word(home[PREFIX], at), word(home[CLIENT], at), *children)
