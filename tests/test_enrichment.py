from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.assets import Assets, load
from detector.domain import Flag, StringTable, UseBatch
from detector.enrichment import Enricher
from tests.mmdb import write_mmdb
from tests.rows import row
from tests.streams import cells

FILE = """
environments:
  - {name: production, accounts: ["111122223333"], principals: ["*prod*"]}
  - {name: sandbox, realms: ["cluster-*"]}
owners:
  - {name: payments, principals: ["svc/pay*"]}
vendors:
  - {name: saas, principals: ["svc/saas*", "svc/pay-saas"], egress: [192.0.2.0/24]}
  - {name: other, principals: ["svc/other"], egress: [198.19.0.0/16]}
corporate_egress:
  - {name: HQ, blocks: [203.0.113.0/28]}
ranges:
  - {file: asn.mmdb}
  - {file: ranges.txt}
"""


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Assets:
    folder: Path = tmp_path_factory.mktemp("assets")
    (folder / "assets.yaml").write_text(FILE)
    (folder / "ranges.txt").write_text("203.0.113.0/24 isp\n203.0.113.7 tiny\n198.18.0.0/15 cloud\n")
    write_mmdb(folder / "asn.mmdb", {"198.18.0.0/15": 64500, "198.51.100.0/24": 64501})
    return load(folder / "assets.yaml")


def enriched(assets: Assets, **columns: Any) -> tuple[str, str, str, bool]:
    """Provider, environment and owner of a row, and whether it comes from where it was declared to."""
    batch = UseBatch.from_rows([row(**columns)], StringTable())
    Enricher(assets).enrich(batch)
    texts = (batch.text(name, 0) for name in ("provider", "environment", "owner"))
    return *texts, bool(batch.flags[0] & Flag.KNOWN_EGRESS)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("203.0.113.7", "corporate:HQ"),  # what is declared, though a list has a smaller block
        ("203.0.113.99", "isp"),
        ("198.18.0.1", "cloud"),  # a list before a database
        ("198.51.100.7", "AS64501"),
        ("8.8.8.8", ""),
        ("sqs.amazonaws.com", ""),
        ("", ""),
    ],
)
def test_an_address_is_of_who_is_declared_then_listed_then_in_a_database(
    assets: Assets, address: str, provider: str
) -> None:
    assert enriched(assets, address=address)[0] == provider


def test_a_vendor_is_at_home_at_its_own_egress_only_and_only_with_its_principals(assets: Assets) -> None:
    own, others = {"address": "192.0.2.9"}, {"address": "198.19.0.9"}

    assert enriched(assets, principal="svc/saas", **own)[::3] == ("vendor:saas", True)
    assert enriched(assets, principal="svc/backup", **own)[::3] == ("vendor:saas", False)
    assert enriched(assets, principal="svc/saas", **others)[::3] == ("vendor:other", False)
    assert enriched(assets, principal="svc/saas", address="198.51.100.7")[3] is False


def test_everybody_may_come_from_the_corporate_egress(assets: Assets) -> None:
    assert enriched(assets, principal="svc/anything", address="203.0.113.1")[3] is True


def test_the_owner_is_the_team_that_is_named_else_the_vendor(assets: Assets) -> None:
    assert enriched(assets, principal="svc/pay-saas")[2] == "payments"
    assert enriched(assets, principal="svc/saas")[2] == "vendor:saas"
    assert enriched(assets, principal="svc/backup")[2] == ""


def test_an_environment_needs_each_of_its_lists_and_the_first_that_fits_counts(assets: Assets) -> None:
    prod = {"principal": "role/prod-web"}

    assert enriched(assets, account="111122223333", **prod)[1] == "production"
    assert enriched(assets, account="999", **prod)[1] == ""
    assert enriched(assets, account="111122223333", principal="role/web")[1] == ""
    assert enriched(assets, realm="cluster-1", account="111122223333", **prod)[1] == "production"
    assert enriched(assets, realm="cluster-1")[1] == "sandbox"


def test_without_assets_nothing_is_filled() -> None:
    assert enriched(Assets(), address="198.18.0.1") == ("", "", "", False)


ROWS = st.lists(
    st.builds(
        lambda address, principal, account: row(address=address, principal=principal, account=account),
        st.sampled_from(["203.0.113.7", "198.18.0.1", "198.51.100.7", "192.0.2.9", "8.8.8.8", ""]),
        st.sampled_from(["svc/saas", "svc/pay-saas", "prod", ""]),
        st.sampled_from(["111122223333", ""]),
    ),
    max_size=12,
)


@given(rows=ROWS, cut=st.integers(0, 12))
def test_a_row_is_enriched_alike_whatever_came_before_it(assets: Assets, rows: list[row], cut: int) -> None:  # type: ignore[valid-type]
    strings, used = StringTable(), Enricher(assets)
    strings.codes(["other", "texts"])
    parts = [UseBatch.from_rows(part, strings) for part in (rows[:cut], rows[cut:])]
    for part in parts:
        used.enrich(part)
    alone = []
    for one in rows:
        batch = UseBatch.from_rows([one], StringTable())
        used.enrich(batch)  # which must forget the other table
        alone += cells(batch)

    assert cells(UseBatch.concat(parts, strings)) == alone
