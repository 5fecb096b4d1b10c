"""Whether somebody calls from this machine."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether an address is of this machine; a name, or nothing, is not."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
