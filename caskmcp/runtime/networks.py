"""The fixed table of networks that a call never reaches, and those that an environment may open with `private: true`.

Our own table, because `ipaddress.is_global` changes with the version of Python and calls `64:ff9b::a00:1` and multicast global. Sources: the
IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and updates), and the metadata addresses of cloud providers. An address that
carries an IPv4 address inside is judged by both.
"""

import ipaddress
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Network(NamedTuple):
    """One row: a network, what it is, and whether `private: true` of a signed environment opens it."""

    network: str
    what: str
    opens: bool


# fmt: off
DENIED: Final = (
    # The first row that holds an address decides, so metadata stands first: nothing opens it.
    Network("169.254.169.254/32", "a metadata service",          False),
    Network("169.254.170.2/32",   "a metadata service",          False),
    Network("100.100.100.200/32", "a metadata service",          False),
    Network("168.63.129.16/32",   "a metadata service",          False),
    Network("192.0.0.192/32",     "a metadata service",          False),
    Network("fd00:ec2::/32",      "a metadata service",          False),
    Network("fd20:ce::254/128",   "a metadata service",          False),
    Network("0.0.0.0/8",          "this network",                False),
    Network("10.0.0.0/8",         "a private network",           True),
    Network("100.64.0.0/10",      "a carrier's network",         True),
    Network("127.0.0.0/8",        "this machine",                True),
    Network("169.254.0.0/16",     "a link-local address",        False),
    Network("172.16.0.0/12",      "a private network",           True),
    Network("192.0.0.0/24",       "an IETF block",               False),
    Network("192.0.2.0/24",       "a documentation address",     False),
    Network("192.88.99.0/24",     "a relay block",               False),
    Network("192.168.0.0/16",     "a private network",           True),
    Network("198.18.0.0/15",      "a benchmark network",         False),
    Network("198.51.100.0/24",    "a documentation address",     False),
    Network("203.0.113.0/24",     "a documentation address",     False),
    Network("224.0.0.0/4",        "a multicast address",         False),
    Network("240.0.0.0/4",        "a reserved address",          False),
    Network("::1/128",            "this machine",                True),
    Network("::/96",              "an unspecified or IPv4-compatible address", False),
    Network("64:ff9b:1::/48",     "a local translation prefix",  False),
    Network("2001::/23",          "an IETF block",               False),
    Network("2001:db8::/32",      "a documentation address",     False),
    Network("3fff::/20",          "a documentation address",     False),
    Network("fc00::/7",           "a private network",           True),
    Network("fe80::/10",          "a link-local address",        False),
    Network("fec0::/10",          "a site-local address",        False),
    Network("ff00::/8",           "a multicast address",         False),
)
# fmt: on

GLOBAL: Final = ("2000::/3", "64:ff9b::/96", "::ffff:0:0/96")
"""What of IPv6 may be reached at all: global unicast, and the prefixes that wrap an IPv4 address, which is then judged."""

_TABLE: Final = tuple((ipaddress.ip_network(row.network), row) for row in DENIED)
_GLOBAL: Final = tuple(ipaddress.IPv6Network(network) for network in GLOBAL)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
LATELY: Final = 1024
"""Addresses whose judgement is kept: it depends on nothing but the text and the table above."""
_OUTSIDE: Final = Network("::/0", "not a global unicast address", False)


@lru_cache(LATELY)
def denied(text: str) -> Network | None:
    """The row that forbids an address; None for a public one. text: a strict literal. Raises ValueError for anything else."""
    return next((row for address in unwrapped(ipaddress.ip_address(text)) if (row := _row(address)) is not None), None)


def unwrapped(address: Address) -> Iterator[Address]:
    """The address, and each IPv4 address that it carries: mapped, 6to4, Teredo, NAT64, ISATAP."""
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    carried = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
    yield from (inner for inner in carried if inner is not None)
    if address in _NAT64 or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _row(address: Address) -> Network | None:
    found = next((row for network, row in _TABLE if address in network), None)
    if found is None and isinstance(address, ipaddress.IPv6Address) and not any(address in network for network in _GLOBAL):
        return _OUTSIDE
    return found
