"""By which names the station may be reached: the guard against DNS rebinding.

A page of another site can make its own name point at this machine; a browser then takes the
station for that site and lets the page speak with it. The name is in the Host header, so only
names that are ours are answered.
"""

from dataclasses import dataclass
from ipaddress import ip_address

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The names that a request may call the station by."""

    names: frozenset[str] = LOOPBACK
    """In lower case, without a port."""
    any_address: bool = False
    """Whether any bare address will do: for a station that listens on all of its machine's.
    An address can't be pointed elsewhere, so this opens no way in."""

    def allow(self, host: str) -> bool:
        """Returns whether a Host header, with or without a port, names this station."""
        name = _name_of(host)
        return name in self.names or (self.any_address and _is_address(name))


def allowed_hosts(bound: str, more: tuple[str, ...] = ()) -> AllowedHosts:
    """Returns the hosts of a station.

    Args:
        bound: the address or name that it listens on; a wildcard stands for every address.
        more: names by which a proxy or a network knows it.
    """
    names = LOOPBACK | {_name_of(name) for name in (bound, *more)}
    wildcard = _is_address(bound) and ip_address(bound).is_unspecified
    return AllowedHosts(names - {""}, any_address=wildcard or not bound)


def _name_of(host: str) -> str:
    """Returns the name of a Host header in lower case, without port, brackets and end dot."""
    text = host.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    if text.count(":") > 1:  # an IPv6 address without brackets, as settings have it
        return text
    return text.partition(":")[0].removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
