"""What the operator of a simulated tenant would tell the detector: the assets of the enriched row.

Only what somebody can know beforehand: who owns which path, which addresses the offices have, what vendors publish of
theirs, and whose the ranges are. Nothing that happens later, and nothing about thieves.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from detector.errors import InputError
from detector.simulate.addresses import ranges
from detector.simulate.fleet import Fleet, Group

_RANGES: Final = "ranges.txt"


def assets_of(fleet: Fleet) -> dict[str, object]:
    """The contents of `assets.yaml` for a finished fleet."""
    return {
        "environments": [
            {"name": name, "realms": sorted(realms)} for name, realms in sorted(_environments(fleet).items())
        ],
        "owners": [
            {"name": group.owner, "realms": [group.realm], "principals": [f"*{group.path}*"]}
            for group in fleet.groups
            if group.owner and len(group.path) > 1
        ],
        "vendors": _vendors(fleet),
        "corporate_egress": [
            {"name": f"office-{number}", "blocks": list(addresses)} for number, addresses in enumerate(fleet.uplinks)
        ],
        "ranges": [{"file": _RANGES}],
    }


def write(fleet: Fleet, folder: Path) -> Path:
    """Write `assets.yaml` and its range file; the path of the former. Raises InputError."""
    path = folder / "assets.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _RANGES).write_text(
            "".join(f"{block} {name}\n" for name, blocks in ranges().items() for block in blocks)
        )
        path.write_text(json.dumps(assets_of(fleet), indent=1))  # JSON is YAML
    except OSError as error:
        raise InputError(f"{folder}: expected a folder to write assets to, found: {error.strerror}") from error
    return path


def _environments(fleet: Fleet) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for group in fleet.groups:
        found.setdefault(group.environment, set()).add(group.realm)
    return found


def _vendors(fleet: Fleet) -> list[dict[str, object]]:
    """Vendors with the principals they were given and the addresses they had at the start; a shared one is nobody's."""
    principals: dict[str, set[str]] = {}
    claimed: dict[str, set[str]] = {}  # address → vendors
    for holding in fleet.holdings:
        group = holding.principal.group
        if _is_vendor(group):
            principals.setdefault(group.owner, set()).add(holding.principal.name)
            for address in holding.habitat.egress.spans[0].addresses:
                claimed.setdefault(address, set()).add(group.owner)
    own = {name: sorted(one for one, vendors in claimed.items() if vendors == {name}) for name in principals}
    return [{"name": name, "principals": sorted(principals[name]), "egress": own[name]} for name in sorted(principals)]


def _is_vendor(group: Group) -> bool:
    return group.owner.startswith("vendor-")
