"""Evidence by its digest, to those who may see an incident that holds it."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, BinaryIO

from fastapi import Header, Response
from fastapi.responses import StreamingResponse

from api.accounts import Role
from api.errors import problem
from api.incident_desk import visible_to
from api.policies import GuardedRouter, roles
from api.ranges import RangeUnsatisfiable, wanted_range
from api.requests import ServicesOf, Who
from api.services import Services
from core.errors import NotFound
from core.ids import Digest
from incidents.model import Evidence, Incident

router = GuardedRouter("evidence")

_VIEWERS = (Role.REVIEWER, Role.DISPATCHER, Role.AUDITOR, Role.SERVICE)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_CHUNK_BYTES = 65_536
_SAFE_TYPES = frozenset({"image/jpeg", "image/png", "video/mp4"})
"""Anything else goes out as plain bytes, so that nothing stored can run in the page."""


@router.add("GET", "/evidence/{sha256}", roles(*_VIEWERS), response_class=Response)
def get_evidence(
    services: ServicesOf,
    who: Who,
    sha256: str,
    range_: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Gives the bytes of a piece of evidence, or one range of them."""
    if not _DIGEST.fullmatch(sha256):
        raise NotFound("there is no such evidence", where="sha256")
    evidence = _visible(services, Digest(sha256), visible_to(who, _VIEWERS))
    tag = f'"{evidence.digest}"'
    media_type = evidence.media_type if evidence.media_type in _SAFE_TYPES else ""
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=86400, immutable",
        "Content-Disposition": "inline" if media_type else "attachment",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": tag,
    }
    reader = services.vault.open(evidence.digest)
    try:
        size = reader.seek(0, 2)  # what is there counts, not what the record says
        wanted = wanted_range(range_ if if_range in (None, tag) else None, size)
    except RangeUnsatisfiable:
        reader.close()
        unsatisfiable = {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        return problem(
            416,
            "range_unsatisfiable",
            f"there are {size} bytes",
            where="Range",
            headers=unsatisfiable,
        )
    except BaseException:
        reader.close()
        raise
    first, last = wanted or (0, size - 1)
    headers["Content-Length"] = str(last - first + 1)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return StreamingResponse(
        _bytes_of(reader, first, last - first + 1),
        status_code=200 if wanted is None else 206,
        headers=headers,
        media_type=media_type or "application/octet-stream",
    )


def _visible(services: Services, digest: Digest, visible: Callable[[Incident], bool]) -> Evidence:
    for incident in services.incidents.by_evidence(digest):
        if visible(incident):
            for evidence in incident.all_evidence:
                if evidence.digest == digest:
                    return evidence
    raise NotFound("there is no such evidence", where=digest)


def _bytes_of(reader: BinaryIO, first: int, length: int) -> Iterator[bytes]:
    with reader:
        reader.seek(first)
        while length > 0:
            chunk = reader.read(min(_CHUNK_BYTES, length))
            if not chunk:
                return
            length -= len(chunk)
            yield chunk
