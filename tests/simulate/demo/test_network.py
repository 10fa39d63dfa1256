from __future__ import annotations

import ipaddress

import numpy as np

from detector.simulate.demo import network
from detector.simulate.demo.network import REGIONS
from detector.simulate.demo.world import PRODUCTION, SHARED


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_no_address_belongs_to_anybody() -> None:
    addresses = [
        *(gateway for account in (PRODUCTION, SHARED) for at in REGIONS for gateway in network.nat_pool(account, at)),
        *(network.public_address(rng(), region) for region in REGIONS),
        *(make(rng()) for make in (network.function_pool, network.hosting_address, network.private_address)),
        *(network.home_address(rng(), engineer) for engineer in range(5)),
        *network.vendor_addresses(0),
        network.OFFICE,
    ]  # fmt: skip
    assert not [address for address in addresses if ipaddress.ip_address(address).is_global]


def test_the_gateways_of_a_region_stand_in_different_prefixes_and_belong_to_it_alone() -> None:
    pools = [network.nat_pool(account, at) for account in (PRODUCTION, SHARED) for at in REGIONS]
    prefixes = [address.rpartition(".")[0] for pool in pools for address in pool]
    assert len(set(prefixes)) == len(prefixes) == 16


def test_a_hosting_address_is_practically_never_the_same() -> None:
    generator = rng()
    addresses = [network.hosting_address(generator) for _ in range(1_000)]
    assert len(set(addresses)) > 970
    assert len({address.rpartition(".")[0] for address in addresses}) > 150


def test_instances_of_a_region_share_a_prefix() -> None:
    generator = rng()
    prefixes = {network.public_address(generator, "eu-west-1").rpartition(".")[0] for _ in range(50)}
    assert prefixes == {"198.18.33"}
