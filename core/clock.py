"""The clock as an argument: nobody below the rim reads the wall clock."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now(self) -> datetime:
        """Returns the present instant, aware UTC."""
        ...

    async def sleep_until(self, at: datetime) -> None:
        """Returns once `now() >= at`; at once where that instant has passed."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Returns the machine's time, aware UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, at: datetime) -> None:
        """Sleeps on the event loop until `at`."""
        await asyncio.sleep(max(0.0, (at - self.now()).total_seconds()))
