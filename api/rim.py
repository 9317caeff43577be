"""The outermost layer: the station's names, security headers, the access log, the last catch."""

import logging
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem_of_bug, problem_of_host
from api.hosts import AllowedHosts

log = logging.getLogger(__name__)

SECURITY_HEADERS = {
    # No inline script anywhere. The map library makes its workers and pictures from blobs;
    # style attributes (not elements) are how the page's framework places things.
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            "style-src-attr 'unsafe-inline'",
            "worker-src 'self' blob:",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
}


class Rim:
    """ASGI middleware about the whole app."""

    def __init__(self, app: ASGIApp, hosts: AllowedHosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, dresses its answer and writes one line about it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        host = Headers(scope=scope).get("host")
        try:
            # no browser leaves the header out, and it is browsers that can be misled
            if host is not None and not self._hosts.allow(host):
                await problem_of_host(host)(scope, receive, dressed)
                return
            await self._app(scope, receive, dressed)
        except Exception:
            log.exception("request failed", extra=_facts(scope))
            if status:
                raise  # the answer is under way; cutting it off is all that is left
            await problem_of_bug()(scope, receive, dressed)
        finally:
            took_ms = round((time.perf_counter() - began) * 1000, 1)
            log.info("request", extra={**_facts(scope), "status": status, "took_ms": took_ms})


def _facts(scope: Scope) -> dict[str, Any]:
    """Returns what the log may know: no query, no headers, no body."""
    visitor = scope.get("state", {}).get("visitor")
    client = scope.get("client")
    return {
        "method": scope["method"],
        "path": scope["path"],
        "client": client[0] if client else "",
        "user_id": visitor.account.user_id if visitor is not None else "",
    }
