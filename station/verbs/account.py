"""`qyran account add`: people, services and devices that may sign in."""

import getpass
import sys
from typing import Annotated

import typer

from api.accounts import Role, TokenKind
from api.signing_in import check_agency, issue_token, new_account
from core.clock import SystemClock
from core.errors import UsageError
from core.ids import AgencyId
from station.agencies import AGENCIES
from station.command import Run, verb
from station.stores import opened_stores


@verb
def add(
    call: Run,
    user: Annotated[str, typer.Argument(help="Name to sign in with; for a device its id.")],
    role: Annotated[list[Role], typer.Option(help="What it may do; may be repeated.")],
    name: Annotated[str, typer.Option(help="Full name, as others see it.")] = "",
    agency: Annotated[str | None, typer.Option(help="police, or a city service.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add an account. It asks for the password; a device gets a token instead, shown once."""
    device = Role.DEVICE in role
    if device and len(set(role)) > 1:
        raise UsageError("a device has no other role", where="--role", cure="make two accounts")
    check_agency(AGENCIES, agency, role)
    password = None if device else _password(from_stdin=password_stdin)
    clock = SystemClock()
    with opened_stores(call.settings, clock=clock) as stores:
        account = new_account(
            stores.accounts,
            stores.passwords,
            clock,
            login=user,
            name=name or user,
            password=password,
            roles=role,
            agency=AgencyId(agency) if agency else None,
        )
        token = None
        if device:
            token = issue_token(stores.accounts, account.user_id, TokenKind.BEARER, clock, None)
    document: dict[str, object] = {
        "user_id": account.user_id,
        "user": account.login,
        "name": account.name,
        "roles": account.roles,
        "agency": account.agency,
    }
    text = f"added {account.login}: {', '.join(sorted(account.roles))}"
    if token is not None:
        document["token"] = token
        text += f"\ntoken, shown this once: {token}"
    call.emit(document, text)


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError(
            "no terminal to ask for the password",
            where="account add",
            cure="give it on standard input with --password-stdin",
        )
    password = getpass.getpass("password: ", sys.stderr)
    if getpass.getpass("again: ", sys.stderr) != password:
        raise UsageError("the two passwords differ", where="account add", cure="try again")
    return password


RUNS = {"add": add}
