"""`qyran permissions`: bring airspace permissions in, list them, revoke one."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from core.clock import SystemClock
from core.errors import NotFound, PlanUnreadable, SettingInvalid
from core.instants import read_instant
from missions.permission_documents import permission_feature
from missions.permissions import Permission
from station.command import Run, verb
from station.known_ground import known_boxes, refuse_swapped_permissions
from station.stores import opened_stores
from station.wiring import read_permission_file


@verb
def import_(
    call: Run,
    file: Annotated[Path, typer.Argument(help="GeoJSON, GeoPackage or KML.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be kept.")] = False,
) -> None:
    """Bring permissions in from a file. One of the same issuer and number is replaced."""
    read = read_permission_file(file)  # all or none: a bad one stops it before any is kept
    if not read:
        raise PlanUnreadable("there is no permission in it", where=str(file), cure="name one")
    with opened_stores(call.settings) as stores:
        known = known_boxes(stores.zones, stores.missions)
        refuse_swapped_permissions(read, known, str(file))
        if not dry_run:
            for permission in read:
                stores.permissions.save(permission)
    lines = [_line(permission) for permission in read]
    document = {"file": file, "dry_run": dry_run, "permissions": [_row(p) for p in read]}
    call.emit(document, "\n".join(lines))


@verb
def list_(
    call: Run,
    all_: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
) -> None:
    """List permissions."""
    now = SystemClock().now()
    with opened_stores(call.settings) as stores:
        kept = [p for p in stores.permissions.permissions() if all_ or p.ends_at > now]
    text = "\n".join(_line(permission) for permission in kept) or "no permissions"
    call.emit({"permissions": [_row(permission) for permission in kept]}, text)


@verb
def revoke(
    call: Run,
    number: Annotated[str, typer.Argument(help="As the issuer numbers it.")],
    issuer: Annotated[str, typer.Option(help="Who gave it, where several use that number.")] = "",
    at: Annotated[str, typer.Option(help="Instant with an offset; now by default.")] = "",
) -> None:
    """Note that a permission does not hold any more."""
    since = _instant(at) if at else SystemClock().now()
    with opened_stores(call.settings) as stores:
        found = [
            p
            for p in stores.permissions.permissions()
            if p.number == number and issuer in ("", p.issuer)
        ]
        if len(found) != 1:
            raise NotFound(
                f"{len(found)} permissions have the number {number}",
                cure="see qyran permissions list --all, and say --issuer",
            )
        revoked = replace(found[0], revoked_at=since)
        stores.permissions.save(revoked)
    call.emit({"permission": _row(revoked)}, _line(revoked))


def _instant(text: str) -> datetime:
    try:
        return read_instant(text, None, "--at")
    except ValueError as error:
        raise SettingInvalid(
            str(error), where="--at", cure="such as 2026-06-15T09:00:00+05:00"
        ) from error


def _row(permission: Permission) -> dict[str, object]:
    return dict(permission_feature(permission))


def _line(p: Permission) -> str:
    top = "any height" if p.ceiling is None else f"to {p.ceiling.metres:g} m {p.ceiling.datum}"
    ended = "" if p.revoked_at is None else f"  (revoked {p.revoked_at:%Y-%m-%d %H:%MZ})"
    span = f"{p.valid_from:%Y-%m-%d %H:%MZ} to {p.valid_until:%Y-%m-%d %H:%MZ}"
    return f"{p.number}  {p.issuer}  {span}  {top}{ended}"


RUNS = {"import": import_, "list": list_, "revoke": revoke}
