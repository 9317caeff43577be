import asyncio
from datetime import UTC, timedelta

from core.clock import SystemClock


def test_the_system_clock_tells_utc_and_never_waits_for_the_past() -> None:
    clock = SystemClock()
    first = clock.now()
    assert first.tzinfo is UTC
    asyncio.run(clock.sleep_until(first - timedelta(hours=1)))
    assert clock.now() >= first
