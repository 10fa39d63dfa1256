"""What the Kubernetes source makes of a simulated tenant, cluster by cluster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from detector.domain import KINDS, UseRow
from detector.simulate.call import Call
from detector.simulate.fleet import Fleet
from detector.sources.kubernetes import Kubernetes


def audited(calls: Iterable[Call]) -> list[UseRow]:
    logs = defaultdict(list)
    for call in calls:
        source, _, realm = call.caller.log.partition(".")
        assert source == "kubernetes"
        logs[realm].append(call.caller.render(call))
    rows = []
    for realm, records in logs.items():
        reading = Kubernetes().read(records, realm)
        assert not reading.rejected
        rows += reading.rows
    return rows


def misread(fleet: Fleet) -> list[str]:
    """Where the source and the holdings tell different things of a credential; both have to know of something."""
    held = {one.credential: (one.kind, one.principal.name, one.session, one.principal.realm) for one in fleet.holdings}
    seen = {
        (row.credential, (KINDS[row.kind].label, row.principal, row.session, row.realm))
        for row in audited(fleet.calls)
        if row.use_index == 0 and row.credential in held
    }
    assert seen
    return [f"held {held[credential]}, read {found}" for credential, found in seen if held[credential] != found]
