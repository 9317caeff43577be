"""How a run is stopped from outside; imports next to nothing, so that it holds from the start."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Stopped(Exception):
    """A person or the system asked the verb to stop; `signal` says how."""

    def __init__(self, number: signal.Signals) -> None:
        """Keeps the signal."""
        super().__init__(number.name)
        self.signal = number

    @property
    def exit_code(self) -> int:
        """128 and the signal's number, as shells have it: 130 after Ctrl-C."""
        return 128 + self.signal


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Turns SIGTERM into what Ctrl-C does, and both into `Stopped` once all is unwound."""
    received = signal.SIGINT

    def pass_on(number: int, _frame: object) -> None:
        nonlocal received
        received = signal.Signals(number)
        # asyncio.run listens for SIGINT alone: it cancels its main task, so that a sortie is
        # told to hold and files are closed before the process ends
        signal.raise_signal(signal.SIGINT)

    try:
        before = signal.signal(signal.SIGTERM, pass_on)
    except ValueError:  # not the main thread (a test): signals are somebody else's
        yield
        return
    # a shell starts what it puts into the background with SIGINT ignored, and so SIGTERM,
    # which is passed on as SIGINT, would be too
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped(received) from None
    finally:
        signal.signal(signal.SIGTERM, before)
        if interrupt is signal.SIG_IGN:
            signal.signal(signal.SIGINT, interrupt)
