"""Accounts, their tokens, and the agencies."""

from api.accounts import Role, TokenKind
from api.paging import Cursors, page_of
from api.policies import SIGNED_IN, GuardedRouter, roles
from api.requests import USUAL_LIMIT, Cursor, Limit, ServicesOf
from api.schemas.accounts import AccountBody, AccountOut, AgenciesOut, AgencyOut, TokenOut
from api.schemas.base import ListOf
from api.signing_in import check_agency, issue_token, new_account
from core.errors import BadRequest
from core.ids import AgencyId, UserId

router = GuardedRouter("accounts")


@router.add("GET", "/accounts", roles(Role.ADMIN))
def get_accounts(
    services: ServicesOf, cursor: Cursor = None, limit: Limit = USUAL_LIMIT
) -> ListOf[AccountOut]:
    """Lists the accounts in order of their user name."""
    page = page_of(
        services.accounts.accounts(),
        lambda account: (account.login,),
        Cursors(services.cursor_key, "accounts"),
        cursor,
        limit,
    )
    return ListOf(items=[AccountOut.from_domain(one) for one in page.items], next=page.cursor)


@router.add("POST", "/accounts", roles(Role.ADMIN), status_code=201)
def post_account(services: ServicesOf, body: AccountBody) -> AccountOut:
    """Makes an account."""
    check_agency(services.agencies, body.agency, body.roles)
    account = new_account(
        services.accounts,
        services.passwords,
        services.clock,
        login=body.user,
        name=body.name,
        password=body.password,
        roles=body.roles,
        agency=None if body.agency is None else AgencyId(body.agency),
    )
    return AccountOut.from_domain(account)


@router.add("POST", "/accounts/{account_id}/token", roles(Role.ADMIN))
def post_account_token(services: ServicesOf, account_id: str) -> TokenOut:
    """Makes a bearer token of an account; the one before it is void."""
    account = services.accounts.get(UserId(account_id))
    if not account.active:
        raise BadRequest(
            "the account is switched off", where=account_id, cure="name one that is active"
        )
    services.accounts.drop_tokens(account.user_id, TokenKind.BEARER)
    secret = issue_token(
        services.accounts, account.user_id, TokenKind.BEARER, services.clock, lifetime=None
    )
    return TokenOut(token=secret)


@router.add("GET", "/agencies", SIGNED_IN)
def get_agencies(services: ServicesOf) -> AgenciesOut:
    """Lists the agencies."""
    return AgenciesOut(items=[AgencyOut.from_domain(agency) for agency in services.agencies])
