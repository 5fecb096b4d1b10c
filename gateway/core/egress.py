"""Where this gateway may connect to: endpoints as written, addresses as resolved.

Pure: resolves nothing. The one who connects judges every address a name has, at each send, and
connects to the address it judged, so that a name that changes its mind reaches nothing inside.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Any host is admitted.
ANY_HOST = "*"
_LONGEST = 2000
#: Not `is_global` in Python's tables of every version, or a road to an IPv4 address inside:
#: shared address space, NAT64, 6to4 and its relays, Teredo and its like, old site-local, IPv4
#: inside IPv6 in its old (RFC 4291 2.5.5.1) and translated (RFC 2765) forms, documentation, SRv6.
_INSIDE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "::/96",
        "::ffff:0:0:0/96",
        "3fff::/20",
        "5f00::/16",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "fec0::/10",
    )
)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
#: A name as DNS has it: labels without an escape, none of them empty.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What an installation lets its outgoing calls reach.

    Attributes:
        hosts: names that may be called; `*` admits every name; empty: none.
        ports: ports that may be called beyond loopback.
        lan: networks inside that names may resolve to.
        allow_loopback: admit http and https on this machine, any port (demonstration, tests).
    """

    hosts: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset({443})
    lan: tuple[Network, ...] = ()
    allow_loopback: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that is well written.

    Attributes:
        host: lower case, without brackets and without final dot.
        is_loopback: it names this machine.
    """

    scheme: str
    host: str
    port: int
    is_loopback: bool


class EndpointError(ValueError):
    """The endpoint may not be called; the text says why, without quoting it."""


def read_endpoint(url: str, policy: EgressPolicy) -> Endpoint:
    """Judge an address as written.

    Raises:
        EndpointError: it may not be called.
    """
    if len(url) > _LONGEST or any(not "!" <= c <= "~" or c in '\\"<>^`{|}' for c in url):
        msg = "it is too long or holds characters a URL has not"
        raise EndpointError(msg)
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".").lower()
    except ValueError:
        msg = "it is no URL with a port from 0 to 65535"
        raise EndpointError(msg) from None
    if parts.scheme not in ("https", "http"):
        msg = "its scheme is not https"
        raise EndpointError(msg)
    if "@" in parts.netloc or parts.fragment or not host:
        msg = "it has a user, a fragment or no host"
        raise EndpointError(msg)
    if port == 0:
        msg = "its port is not among those this installation calls"
        raise EndpointError(msg)
    found = port or (443 if parts.scheme == "https" else 80)
    if host in _LOOPBACK_NAMES and policy.allow_loopback:
        return Endpoint(parts.scheme, host, found, is_loopback=True)
    _judge_outside(parts.scheme, host, found, policy)
    return Endpoint(parts.scheme, host, found, is_loopback=False)


def _judge_outside(scheme: str, host: str, port: int, policy: EgressPolicy) -> None:
    if scheme != "https":
        msg = "its scheme is not https"
        raise EndpointError(msg)
    # Octal, hexadecimal and whole-number forms of an address end in a label that is a number.
    if ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]):
        msg = "its host is an address; names only are called"
        raise EndpointError(msg)
    if not _NAME.fullmatch(host):
        msg = "its host is no name of the DNS"
        raise EndpointError(msg)
    if host in _LOOPBACK_NAMES or host.endswith(".localhost"):
        msg = "it points at this machine"
        raise EndpointError(msg)
    if port not in policy.ports:
        msg = "its port is not among those this installation calls"
        raise EndpointError(msg)
    if host not in policy.hosts and ANY_HOST not in policy.hosts:
        msg = "its host is not among those this installation calls"
        raise EndpointError(msg)


def may_connect(address: str, endpoint: Endpoint, policy: EgressPolicy) -> bool:
    """Tell whether an address that a host resolved to may be connected to."""
    try:
        found: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if endpoint.is_loopback:
        return policy.allow_loopback and found.is_loopback
    return is_public(found) or any(found in network for network in policy.lan)


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the open Internet and leads nowhere else."""
    if not address.is_global or address.is_multicast:
        return False
    return not any(address in network for network in _INSIDE)
