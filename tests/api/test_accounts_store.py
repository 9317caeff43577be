"""The contract of account and receipt stores, and of what guards sign-ins."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.accounts import Account, AccountStore, Receipt, ReceiptStore, Role, Token, TokenKind
from api.adapters.argon2_passwords import Argon2Passwords
from api.adapters.memory_accounts import MemoryAccounts
from api.adapters.sqlmodel_accounts import SqlAccountStore
from api.setup import SetUp
from api.throttle import SignInThrottle
from core.errors import NotFound, TooManyTries, VersionConflict
from core.ids import AgencyId, UserId
from sim.clock import ManualClock
from station.database import (
    open_database,
)
from tests.builders import NOW, after


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        yield MemoryAccounts()
        return
    database = open_database(tmp_path, migrate=False)
    yield SqlAccountStore(database.main)
    database.close()


def an_account(number: int = 1, **changes: Any) -> Account:
    values: dict[str, Any] = {
        "user_id": UserId(f"user-{number}"),
        "login": f"someone-{number}",
        "name": "Қыран",
        "roles": frozenset({Role.REVIEWER, Role.PLANNER}),
        "agency": AgencyId("police"),
        "created_at": NOW,
        "password_hash": "hash",
        **changes,
    }
    return Account(**values)


def a_token(number: int = 1, **changes: Any) -> Token:
    token = Token(f"{number:064x}", UserId("user-1"), TokenKind.SESSION, NOW, after(60))
    return replace(token, **changes)


def test_accounts_come_back_as_they_went_in(store: AccountStore) -> None:
    for account in (an_account(2, agency=None, active=False), an_account(1)):
        store.add(account)
        assert store.get(account.user_id) == store.by_login(account.login) == account
    assert [a.login for a in store.accounts()] == ["someone-1", "someone-2"]
    assert store.by_login("nobody") is None
    with pytest.raises(NotFound):
        store.get(UserId("nobody"))


def test_a_login_is_one_account(store: AccountStore) -> None:
    store.add(an_account(1))
    store.add(an_account(2))
    for taken in (an_account(3, login="someone-1"), an_account(1, login="other")):
        with pytest.raises(VersionConflict):
            store.add(taken)
    with pytest.raises(VersionConflict):
        store.replace(an_account(2, login="someone-1"))
    with pytest.raises(NotFound):
        store.replace(an_account(9))
    store.replace(an_account(2, name="New", active=False))
    assert store.get(UserId("user-2")).name == "New"


def test_tokens_are_kept_dropped_and_expire(store: AccountStore) -> None:
    store.add(an_account(1))
    store.add(an_account(2))
    bearer = a_token(3, kind=TokenKind.BEARER, expires_at=None)
    others = a_token(4, user_id=UserId("user-2"))
    for token in (a_token(1), a_token(2, expires_at=after(10)), bearer, others):
        store.add_token(token)
        assert store.token(token.token_hash) == token
    assert store.drop_expired(after(10)) == 1
    assert store.drop_expired(after(10)) == 0
    store.drop_tokens(UserId("user-1"), TokenKind.SESSION)
    assert [store.token(f"{n:064x}") for n in (1, 2, 3, 4)] == [None, None, bearer, others]
    store.drop_tokens(UserId("user-1"))
    store.drop_token(others.token_hash)
    store.drop_token("unknown")
    assert store.token(bearer.token_hash) is None
    assert store.token(others.token_hash) is None


def test_receipts_are_kept_once(store: ReceiptStore) -> None:
    receipt = Receipt("camera-7", "1", "f" * 64, "observation-1", None, "moving", "it moves", NOW)
    assert store.receipt("camera-7", "1") is None
    store.add_receipt(receipt)
    store.add_receipt(replace(receipt, serial="2", incident_id="incident-1"))
    with pytest.raises(VersionConflict):
        store.add_receipt(replace(receipt, fingerprint="e" * 64))
    assert store.receipt("camera-7", "1") == receipt
    assert store.receipt("camera-8", "1") is None


def test_passwords_are_salted_and_empty_hashes_never_fit() -> None:
    hasher = Argon2Passwords(time_cost=1, memory_kib=64)
    first, second = hasher.hash("one password"), hasher.hash("one password")
    assert first != second
    assert first.startswith("$argon2id$")
    assert hasher.verify(first, "one password")
    assert not hasher.verify(first, "another one")
    assert not hasher.verify("", "nobody has this password")
    assert not hasher.verify("$argon2id$broken", "one password")


def test_the_set_up_token_is_used_once() -> None:
    setup = SetUp()
    assert not setup.open
    assert not setup.redeem("")
    first = setup.issue()
    second = setup.issue()
    assert not setup.redeem(first)
    assert setup.fits(second)
    assert setup.redeem(second)
    assert not setup.redeem(second)


def test_old_failures_are_forgotten() -> None:
    clock = ManualClock(NOW)
    throttle = SignInThrottle(clock, most=3)
    for _ in range(4):
        throttle.failed("one", "a")
        throttle.failed("one", "a")
        clock.advance_to(clock.now() + timedelta(minutes=16))
    throttle.check("one", "a")
    for _ in range(3):
        throttle.failed("one", "a")
    with pytest.raises(TooManyTries) as caught:
        throttle.check("one", "a")
    assert caught.value.retry_after_s == 301
    throttle.check("one", "b")
    throttle.check("two", "a")


def test_success_forgives_and_memory_is_bounded() -> None:
    throttle = SignInThrottle(ManualClock(NOW), most=3, remembered=30)
    for _ in range(5):
        throttle.failed("one", "a")
        throttle.failed("one", "a")
        throttle.succeeded("one", "a")
    throttle.check("one", "a")
    for number in range(500):
        throttle.failed(f"user-{number}", f"address-{number}")
    assert len(throttle._tries) == 30
