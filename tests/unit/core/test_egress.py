"""Where this gateway may connect to: every disguise of an address inside."""

import ipaddress

import pytest

from gateway.core.egress import (
    EgressPolicy,
    EndpointError,
    is_public,
    may_connect,
    read_endpoint,
)

POLICY = EgressPolicy(hosts=frozenset({"*"}))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1",  # noqa: S104 - judged, not bound
        "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1",
        "::ffff:0:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1",
        "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00::1", "fe80::1",
        "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_addresses_that_lead_inside(address: str) -> None:
    found = ipaddress.ip_address(address)
    mapped = getattr(found, "ipv4_mapped", None) or found
    endpoint = read_endpoint("https://dac.test/", POLICY)

    assert not is_public(mapped)
    assert not may_connect(address, endpoint, POLICY)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_addresses_of_the_internet(address: str) -> None:
    assert may_connect(address, read_endpoint("https://dac.test/", POLICY), POLICY)


@pytest.mark.parametrize(
    "url",
    [
        "http://dac.test/", "https://dac.test:22/", "https://dac.test:0/", "https://u@dac.test/",
        "https://evil/#dac.test", "https://127.0.0.1/", "https://127.1/", "https://0177.0.0.1/",
        "https://1.2.3.4./", "https://[::1]/", "https://0x7f000001/", "https://2130706433/",
        "https://a.0x7f/", "https://dac.test\\@evil/", "file:///etc/passwd", "gopher://dac.test/",
        "https://dac.test/\r\nX:y", "https://dac.tést/", "https://dac%2etest/",
        "https://dac..test/", "https://-dac.test/", "https://.dac.test/", "https://localhost/",
        "https://x.localhost/", "https:///path", "https://dac.test:99999/",
    ],
)  # fmt: skip
def test_endpoints_that_are_badly_written(url: str) -> None:
    with pytest.raises(EndpointError) as refused:
        read_endpoint(url, POLICY)

    assert "dac" not in str(refused.value)


def test_only_hosts_of_the_installation_are_called() -> None:
    policy = EgressPolicy(hosts=frozenset({"dac.test"}))

    assert read_endpoint("https://DAC.test./hook", policy).host == "dac.test"
    with pytest.raises(EndpointError):
        read_endpoint("https://dac.test.evil.org/", policy)


def test_a_network_inside_is_reached_when_it_is_configured() -> None:
    lan = EgressPolicy(hosts=frozenset({"*"}), lan=(ipaddress.ip_network("10.1.0.0/16"),))
    endpoint = read_endpoint("https://dac.test/", lan)

    assert may_connect("10.1.2.3", endpoint, lan)
    assert not may_connect("10.2.0.1", endpoint, lan)
    assert not may_connect("not-an-address", endpoint, lan)
