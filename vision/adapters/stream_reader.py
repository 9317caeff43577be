"""Byte readers for streams that come over a socket, so that closing one ends a blocked read."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from core.errors import SourceMissing

_BUFFER_BYTES = 4 << 20


def shown_url(url: str) -> str:
    """Returns an address as it may be told: without user, password and query."""
    parts = urlsplit(url)
    if not parts.scheme or not parts.netloc:
        return url
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}"


class SocketReader:
    """A file-like over a TCP connection or a UDP port; `read` gives b"" at its end.

    A silence longer than `patience_s` ends it too, with `silent` set.
    """

    def __init__(self, url: str, patience_s: float) -> None:
        """Connects, or binds.

        Args:
            url: `tcp://HOST:PORT` to connect to, or `udp://HOST:PORT` to listen on, where
                an empty host means every interface and a multicast one is joined.
            patience_s: longest wait for a connection and for the next bytes.

        Raises:
            SourceMissing: if that fails.
        """
        self.silent = False
        self._closed = threading.Event()
        place = urlsplit(url)
        try:
            port = place.port
        except ValueError:
            port = None
        if port is None:
            raise SourceMissing("has no port", where=shown_url(url), cure="write HOST:PORT")
        host = place.hostname or ""
        try:
            if place.scheme == "tcp":
                self._socket = socket.create_connection((host or "127.0.0.1", port), patience_s)
                self._receive: Callable[[int], bytes] = self._socket.recv
            else:
                self._socket = _bound(host, port)
                self._receive = self._datagram
        except OSError as error:
            raise SourceMissing(
                f"can't be reached: {error.strerror or error}",
                where=shown_url(url),
                cure="check the address and that the sender runs",
            ) from error
        self._socket.settimeout(patience_s)
        self._rest = b""

    def _datagram(self, size: int) -> bytes:
        if not self._rest:
            self._rest = self._socket.recv(65_536)
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def read(self, size: int = 65_536) -> bytes:
        """Returns the next bytes, at most `size`; b"" once closed, ended or silent."""
        if self._closed.is_set():
            return b""
        try:
            return self._receive(size)
        except TimeoutError:
            self.silent = True
        except OSError:
            pass  # the other side has gone: the medium ends
        return b""

    def close(self) -> None:
        """Ends a blocked read; a second call does nothing."""
        self._closed.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a blocked read, TCP and UDP alike
        self._socket.close()


def _bound(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        group = None
        with suppress(ValueError):
            group = ip_address(host)
        if group is not None and group.is_multicast:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("", port))
            member = struct.pack("4s4s", socket.inet_aton(host), socket.inet_aton("0.0.0.0"))
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        else:
            listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
