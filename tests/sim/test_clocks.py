import asyncio
import time
from datetime import timedelta

import pytest

from sim.clock import ManualClock, ScaledClock
from tests.builders import NOW, after


def test_a_manual_clock_jumps_to_the_next_waiter_in_order() -> None:
    async def story() -> list[tuple[str, float]]:
        clock = ManualClock(NOW)
        seen: list[tuple[str, float]] = []

        async def nap(name: str, *seconds: float) -> None:
            for second in seconds:
                await clock.sleep_until(after(second))
                seen.append((name, (clock.now() - NOW).total_seconds()))

        async with clock.running():
            await asyncio.gather(nap("a", 1, 3_600), nap("b", 2, 2, 86_400))
        return seen

    assert asyncio.run(story()) == [
        ("a", 1), ("b", 2), ("b", 2), ("a", 3_600), ("b", 86_400),
    ]  # fmt: skip


def test_a_manual_clock_does_not_run_ahead_of_work_handed_to_a_thread() -> None:
    async def story() -> tuple[float, float]:
        clock = ManualClock(NOW)

        async def works() -> float:
            await asyncio.to_thread(time.sleep, 0.05)
            return (clock.now() - NOW).total_seconds()

        async def naps() -> float:
            await clock.sleep_until(after(1))
            return (clock.now() - NOW).total_seconds()

        async with clock.running():
            at, slept = await asyncio.gather(works(), naps())
        return at, slept

    assert asyncio.run(story()) == (0.0, 1.0)


def test_a_manual_clock_stands_until_it_is_moved() -> None:
    async def story() -> bool:
        clock = ManualClock(NOW)
        waiting = asyncio.ensure_future(clock.sleep_until(after(1)))
        for _ in range(50):
            await asyncio.sleep(0)
        stood = not waiting.done() and clock.now() == NOW
        clock.advance_to(after(0.5))
        clock.advance_to(after(1))
        await waiting
        clock.advance_to(after(0))  # never back
        return stood and clock.now() == after(1)

    assert asyncio.run(story())


def test_a_scaled_clock_runs_faster_pauses_and_goes_on() -> None:
    async def story() -> None:
        clock = ScaledClock(NOW, 1_000.0)
        await clock.sleep_until(after(20))
        assert clock.now() >= after(20)
        clock.set_factor(0.0)
        stood_at = clock.now()
        await asyncio.sleep(0)
        assert clock.now() == stood_at
        waiting = asyncio.ensure_future(clock.sleep_until(stood_at + timedelta(seconds=5)))
        await asyncio.sleep(0)
        clock.set_factor(1_000.0)
        await asyncio.wait_for(waiting, 5)

    asyncio.run(story())


def test_time_never_runs_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        ScaledClock(NOW, -1.0)
