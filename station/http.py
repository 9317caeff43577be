"""Runs the API on a port until told to stop."""

import asyncio
import contextlib
import errno
import logging
import socket

import uvicorn

from api.app import create_app
from api.services import Services
from core.errors import PortInUse, UsageError
from station.settings import ServerSettings

log = logging.getLogger(__name__)


def listening_socket(settings: ServerSettings) -> socket.socket:
    """Returns a socket that listens where the settings say; port 0 takes a free one.

    Raises:
        PortInUse: if another program listens there.
        UsageError: if there is no such address.
    """
    where = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=256)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                "another program listens there",
                where=where,
                cure="stop it, or choose another port with --set server.port=NUMBER",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise PortInUse(
                "this port may not be used without more rights",
                where=where,
                cure="choose a port above 1023 with --set server.port=NUMBER",
            ) from error
        raise UsageError(
            "is no address of this machine",
            where=where,
            cure="set server.host to 127.0.0.1, to 0.0.0.0 or to one of its own",
        ) from error


def url_of(listener: socket.socket) -> str:
    """Returns the page's address."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


class _Server(uvicorn.Server):
    """Leaves signals to the command line, which turns them into a cancelled task."""

    def install_signal_handlers(self) -> None:
        """Does nothing."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        """Does nothing."""
        return contextlib.nullcontext()


async def serve(services: Services, settings: ServerSettings, listener: socket.socket) -> None:
    """Serves until the task is cancelled, then lets open requests end.

    Args:
        services: what the API may use.
        settings: proxies and how long a stop may take.
        listener: from `listening_socket`; closed at the end.
    """
    proxies = [str(network) for network in settings.trusted_proxies]
    config = uvicorn.Config(
        create_app(services),
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        timeout_graceful_shutdown=max(1, round(settings.stop_s)),
        lifespan="on",
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        services.live.close()  # else open live streams hold the stop up
        server.should_exit = True
        await serving
        raise
