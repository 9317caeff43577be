"""Keeps other sites from acting with a visitor's cookie (CSRF)."""

from urllib.parse import urlsplit

from fastapi import Request

from core.errors import NotAllowed

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def check_same_origin(request: Request) -> None:
    """Returns where a state-changing request can't come from another site.

    Browsers say where a request comes from; where neither header is there, no browser sent
    it, or an old one: then only what a form can't send is let through.

    Raises:
        NotAllowed: if it may come from another site.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site != "same-origin":
        raise _refused(f"Sec-Fetch-Site is {site[:20]}")
    if origin is not None:
        if urlsplit(origin).netloc != request.headers.get("host", ""):
            raise _refused("Origin is another")
        return
    if site is not None or request.method != "POST":
        return
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise _refused("it says neither its Origin nor that it is JSON")


def _refused(why: str) -> NotAllowed:
    return NotAllowed(
        f"the request may come from another site: {why}",
        cure="send it from the station's own page, or with a bearer token",
    )
