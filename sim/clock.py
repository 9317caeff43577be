"""Clocks for simulated time: one that runs at a multiple of real time, one that jumps."""

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")

_LONGEST_NAP_S = 0.05
_IDLE_TURNS = 20


class ScaledClock:
    """Simulated time that runs `factor` times as fast as real time. Safe in all threads."""

    def __init__(self, start_at: datetime, factor: float = 1.0) -> None:
        """Starts running at `start_at`.

        Raises:
            ValueError: if `factor` is negative.
        """
        self._lock = threading.Lock()
        self._base_at = start_at
        self._base_s = time.monotonic()
        self._factor = 0.0
        self.set_factor(factor)

    @property
    def factor(self) -> float:
        """Simulated seconds per real second."""
        return self._factor

    def set_factor(self, factor: float) -> None:
        """Runs faster or slower from now on; 0 pauses.

        Raises:
            ValueError: if `factor` is negative.
        """
        if factor < 0:
            raise ValueError("simulated time can't run backwards")
        with self._lock:
            real_s = time.monotonic()
            self._base_at += timedelta(seconds=(real_s - self._base_s) * self._factor)
            self._base_s = real_s
            self._factor = factor

    def now(self) -> datetime:
        """Returns the simulated instant."""
        with self._lock:
            passed_s = (time.monotonic() - self._base_s) * self._factor
            return self._base_at + timedelta(seconds=passed_s)

    async def sleep_until(self, at: datetime) -> None:
        """Sleeps until `at`, in short naps because the factor may change meanwhile."""
        while (left_s := (at - self.now()).total_seconds()) > 0:
            real_s = left_s / self._factor if self._factor > 0 else _LONGEST_NAP_S
            await asyncio.sleep(min(real_s + 1e-4, _LONGEST_NAP_S))


class _AtOnce(ThreadPoolExecutor):
    """Does at once what is handed to a thread.

    Of a thread nobody can tell that it is still busy, so that a clock which jumps when all wait
    would run ahead of it.
    """

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Returns the future of a call that is over."""
        future: Future[_R] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class ManualClock:
    """Time that stands still until it is told to move, or until everybody waits for it."""

    def __init__(self, start_at: datetime) -> None:
        """Stands at `start_at`."""
        self._now_at = start_at
        self._order = itertools.count()
        self._waiters: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Returns the instant at which it stands."""
        return self._now_at

    async def sleep_until(self, at: datetime) -> None:
        """Waits until the clock has been moved to `at`."""
        if at <= self._now_at:
            await asyncio.sleep(0)
            return
        waiter = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (at, next(self._order), waiter))
        await waiter

    def advance_to(self, at: datetime) -> None:
        """Moves to `at` and wakes whoever waited for an instant up to it."""
        self._now_at = max(self._now_at, at)
        while self._waiters and self._waiters[0][0] <= self._now_at:
            waiter = heapq.heappop(self._waiters)[2]
            if not waiter.done():
                waiter.set_result(None)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Jumps to the next waiter's instant, again and again, whenever all tasks wait.

        What the loop's tasks hand to its threads is done at once, from here on until the loop ends.
        """
        loop = asyncio.get_running_loop()
        loop.set_default_executor(_AtOnce())
        pump = loop.create_task(self._pump())
        try:
            yield
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    async def _pump(self) -> None:
        while True:
            for _ in range(_IDLE_TURNS):  # lets every task run up to its next wait
                await asyncio.sleep(0)
            while self._waiters and self._waiters[0][2].done():
                heapq.heappop(self._waiters)
            if self._waiters:
                self.advance_to(self._waiters[0][0])
