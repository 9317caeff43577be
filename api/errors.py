"""Errors on the wire: one table from code to HTTP status, RFC 9457 problem documents."""

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from core.errors import QyranError, TooManyTries, VersionConflict
from core.given_json import AbsurdValue

STATUS: Mapping[str, int] = {
    "qyran_error": 500,
    "usage_error": 400,
    "source_missing": 404,
    "source_unreadable": 422,
    "telemetry_unreadable": 422,
    "telemetry_apart": 422,
    "zone_invalid": 422,
    "area_invalid": 422,
    "plan_unreadable": 422,
    "schedule_invalid": 422,
    "schedule_never_fires": 422,
    "roads_unreadable": 422,
    "model_unreadable": 500,
    "setting_invalid": 500,
    "datum_unknown": 422,
    "resolution_impossible": 422,
    "bad_request": 422,
    "refused": 409,
    "nothing_left": 409,
    "plan_unsafe": 409,
    "illegal_move": 409,
    "not_found": 404,
    "version_conflict": 412,
    "claimed_by_other": 409,
    "not_claimed": 409,
    "lease_held": 409,
    "lease_stale": 409,
    "sky_cleared": 409,
    "flown_by_hand": 409,
    "capability_missing": 409,
    "not_allowed": 403,
    "not_signed_in": 401,
    "too_many_tries": 429,
    "precondition_missing": 428,
    "key_reused": 409,
    "too_large": 413,
    "pose_unknown": 409,
    "already_there": 409,
    "sortie_failed": 409,
    "vehicle_unreachable": 503,
    "link_lost": 503,
    "upload_mismatch": 409,
    "upload_partial": 409,
    "plan_drifted": 409,
    "signing_unavailable": 409,
    "arming_denied": 409,
    "failsafes_astray": 409,
    "start_refused": 409,
    "environment_fault": 500,
    "port_in_use": 500,
    "disk_full": 507,
    "extra_missing": 501,
    "store_too_new": 503,
    "store_outdated": 503,
    "store_unreadable": 503,
    "store_in_use": 503,
    "evidence_damaged": 500,
    "archive_damaged": 500,
    "page_missing": 503,
    "detector_failed": 503,
}
"""The HTTP status of each error code. A `version_conflict` of a request that named no version
of its own (no If-Match) is a 409: two people acted at once."""

TITLES: Mapping[int, str] = {
    400: "The request can't be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "No such method here",
    409: "Refused as things stand",
    412: "Changed since it was read",
    413: "Too large",
    416: "No such range",
    421: "Not a name of this station",
    422: "The request makes no sense",
    428: "The version is missing",
    429: "Too many tries",
    500: "The station failed",
    501: "Not installed",
    503: "The station can't do it now",
    507: "The disk is full",
}

PROBLEM_TYPE = "application/problem+json"


def status_of(error: QyranError, *, versioned: bool = True) -> int:
    """Returns the HTTP status of an error; `versioned` says that the request had If-Match."""
    if isinstance(error, VersionConflict) and not versioned:
        return 409
    return STATUS.get(error.code, 500)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    where: str = "",
    cure: str = "",
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """Returns a problem document as a response."""
    content = {
        "type": f"urn:qyran:error:{code}",
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "code": code,
        "where": where,
        "cure": cure,
        **(extra or {}),
    }
    return JSONResponse(content, status, dict(headers or {}), PROBLEM_TYPE)


def problem_of_error(
    error: QyranError, *, versioned: bool = True, extra: Mapping[str, Any] | None = None
) -> JSONResponse:
    """Returns the response of one of our errors; `extra` adds members of its own."""
    status = status_of(error, versioned=versioned)
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="qyran"'
    if isinstance(error, TooManyTries) and error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    return problem(
        status,
        error.code,
        error.message,
        where=error.where,
        cure=error.cure,
        headers=headers,
        extra=extra,
    )


_HTTP_CODES = {
    400: "bad_request",
    401: "not_signed_in",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
}


_HTTP_CURES = {
    400: "send JSON as /api/v1/openapi.json has it",
    404: "see /api/v1/openapi.json for what is there",
    405: "see /api/v1/openapi.json for what is there",
}


def problem_of_http(error: HTTPException) -> JSONResponse:
    """Returns the response of what the framework refused."""
    status = error.status_code
    code = _HTTP_CODES.get(status, "internal_error" if status >= 500 else "bad_request")
    title = TITLES.get(status, str(error.detail))
    return problem(status, code, title, cure=_HTTP_CURES.get(status, ""), headers=error.headers)


def problem_of_validation(error: RequestValidationError) -> JSONResponse:
    """Returns the response of a request that does not fit its schema, naming each field.

    What was sent is not sent back: it may hold a password.
    """
    fields = [_field(one) for one in error.errors()]
    first = fields[0] if fields else {"where": "", "message": "it can't be read"}
    return problem(
        422,
        "bad_request",
        first["message"],
        where=first["where"],
        cure="see /api/v1/openapi.json for what is expected",
        extra={"fields": fields[:50]},
    )


def _field(one: Mapping[str, Any]) -> dict[str, str]:
    """Returns where a request does not fit, and why; of an absurd value the place inside."""
    steps = [str(part) for part in one["loc"]]
    reason = one.get("ctx", {}).get("error")
    if not isinstance(reason, AbsurdValue):
        return {"where": ".".join(steps), "message": str(one["msg"])}
    return {"where": ".".join([*steps, reason.place]).rstrip("."), "message": reason.message}


def problem_of_host(host: str) -> JSONResponse:
    """Returns the response of a request that calls the station by a name that is not its own."""
    return problem(
        421,
        "host_unknown",
        "the station is not known by that name",
        where=f"Host: {host[:120]}",
        cure="use the address that it printed, or add the name to server.hosts",
    )


def problem_of_bug() -> JSONResponse:
    """Returns the response of a failure that nobody foresaw; the log holds the rest."""
    return problem(500, "internal_error", "an unforeseen failure", cure="see the station's log")
