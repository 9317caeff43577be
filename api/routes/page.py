"""The web page: files of one folder, and nothing above it."""

import mimetypes
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from api.policies import PUBLIC, GuardedRouter
from api.requests import ServicesOf
from core.errors import NotFound, PageMissing

router = GuardedRouter("page")

_HINT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Qyran</title></head>
<body><h1>Qyran</h1>
<p>The station is up, but its web page was not built into this installation (page_missing).</p>
<p>In a checkout run <code>./scripts/demo</code>, which builds it, or install the wheel.
The API is at <a href="/api/v1/health">/api/v1/health</a>.</p></body></html>
"""
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".webmanifest": "application/json"}
"""What some machines' tables get wrong; browsers refuse scripts of another type."""

_PAGES = {"": "index.html", "driver": "driver.html"}
"""Addresses of pages that a person may type."""


@router.add(["GET", "HEAD"], "/{path:path}", PUBLIC, include_in_schema=False)
def get_page(request: Request, services: ServicesOf, path: str) -> Response:
    """Gives a file of the page."""
    if path == "api" or path.startswith("api/"):
        raise NotFound("there is no such route", where=f"/{path[:200]}")
    if services.page_folder is None:
        if path in ("", "index.html"):
            return HTMLResponse(_HINT, status_code=503, headers={"Cache-Control": "no-store"})
        raise PageMissing(
            "the web page was not built into this installation",
            cure="run ./scripts/demo in a checkout, or install the wheel",
        )
    file = _file(services.page_folder, _PAGES.get(path, path))
    hashed = path.startswith("assets/")  # the build puts a hash into these names
    cache = "public, max-age=31536000, immutable" if hashed else "no-cache"
    media_type = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0]
    return FileResponse(
        file,
        media_type=media_type or "application/octet-stream",
        headers={"Cache-Control": cache},
    )


def _file(folder: Path, path: str) -> Path:
    """Returns the file that a path names, if it truly lies in the folder."""
    missing = NotFound("there is no such page", where=f"/{path[:200]}")
    if "\x00" in path or "\\" in path:
        raise missing
    root = folder.resolve()
    try:
        file = (root / path).resolve()
        inside = file.is_relative_to(root) and file.is_file()
    except (OSError, RuntimeError) as error:  # a name that is too long, a loop of links
        raise missing from error
    if not inside or any(part.startswith(".") for part in path.split("/")):
        raise missing
    return file
