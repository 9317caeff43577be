"""Accounts, tokens and receipts in memory: for tests and a station without a disk."""

import threading
from collections.abc import Sequence
from datetime import datetime

from api.accounts import Account, Receipt, Token, TokenKind
from core.errors import NotFound, VersionConflict
from core.ids import UserId


class MemoryAccounts:
    """Keeps accounts, tokens and receipts until the process ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts: dict[UserId, Account] = {}
        self._tokens: dict[str, Token] = {}
        self._receipts: dict[tuple[str, str], Receipt] = {}

    def add(self, account: Account) -> None:
        """Keeps a new account."""
        with self._lock:
            if account.user_id in self._accounts or self._of_login(account.login) is not None:
                raise VersionConflict("that login is taken", where=account.login)
            self._accounts[account.user_id] = account

    def replace(self, account: Account) -> None:
        """Keeps an account over the one of its id."""
        with self._lock:
            if account.user_id not in self._accounts:
                raise NotFound("no such account", where=account.user_id)
            holder = self._of_login(account.login)
            if holder is not None and holder.user_id != account.user_id:
                raise VersionConflict("that login is taken", where=account.login)
            self._accounts[account.user_id] = account

    def get(self, user_id: UserId) -> Account:
        """Returns an account."""
        with self._lock:
            if user_id not in self._accounts:
                raise NotFound("no such account", where=user_id)
            return self._accounts[user_id]

    def by_login(self, login: str) -> Account | None:
        """Returns the account of a login, or `None`."""
        with self._lock:
            return self._of_login(login)

    def accounts(self) -> Sequence[Account]:
        """Returns all accounts in order of their login."""
        with self._lock:
            return sorted(self._accounts.values(), key=lambda account: account.login)

    def add_token(self, token: Token) -> None:
        """Keeps a token."""
        with self._lock:
            self._tokens[token.token_hash] = token

    def token(self, token_hash: str) -> Token | None:
        """Returns the token of this hash, or `None`."""
        with self._lock:
            return self._tokens.get(token_hash)

    def drop_token(self, token_hash: str) -> None:
        """Forgets a token."""
        with self._lock:
            self._tokens.pop(token_hash, None)

    def drop_tokens(self, user_id: UserId, kind: TokenKind | None = None) -> None:
        """Forgets tokens of an account."""
        with self._lock:
            self._tokens = {
                key: token
                for key, token in self._tokens.items()
                if token.user_id != user_id or kind not in (None, token.kind)
            }

    def drop_expired(self, now: datetime) -> int:
        """Forgets tokens that have expired and returns how many."""
        with self._lock:
            held = {
                key: token
                for key, token in self._tokens.items()
                if token.expires_at is None or token.expires_at > now
            }
            dropped = len(self._tokens) - len(held)
            self._tokens = held
            return dropped

    def receipt(self, device_id: str, serial: str) -> Receipt | None:
        """Returns the receipt, or `None`."""
        with self._lock:
            return self._receipts.get((device_id, serial))

    def add_receipt(self, receipt: Receipt) -> None:
        """Keeps a receipt."""
        with self._lock:
            key = (receipt.device_id, receipt.serial)
            if key in self._receipts:
                raise VersionConflict("that serial is known", where=receipt.serial)
            self._receipts[key] = receipt

    def _of_login(self, login: str) -> Account | None:
        return next((a for a in self._accounts.values() if a.login == login), None)
