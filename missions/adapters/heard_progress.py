"""The progress of a vehicle as its own messages tell it, whichever driver hears them."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Protocol

from core.errors import LinkLost
from missions.model import Progress

_LONGEST_S = 3_600.0
"""After this it is looked at again though nothing was heard to change."""
_LAST_WORDS_S = 0.5


class _State(Protocol):
    armed: bool | None


class HeardSystem(Protocol):
    """What is needed of an opened system."""

    @property
    def state(self) -> _State:
        """The newest that the vehicle said."""
        ...

    @property
    def status_text(self) -> str:
        """The newest words of the vehicle."""
        ...

    async def wait_for(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Waits for a state; raises LinkLost when the vehicle falls silent."""
        ...


def _says_more(system: HeardSystem) -> Callable[[], bool]:
    said = system.status_text
    return lambda: system.status_text != said


async def changes(
    system: HeardSystem, present: Callable[[bool], Progress]
) -> AsyncIterator[Progress]:
    """Yields progress whenever it changes and ends after one with `ended`.

    Args:
        system: says when something has changed.
        present: returns the progress of now, given whether it has been armed so far.

    Raises:
        LinkLost: if the vehicle falls silent.
    """
    last: Progress | None = None
    was_armed = False
    while True:
        was_armed = was_armed or bool(system.state.armed)
        known = present(was_armed)
        if known != last:
            if known.ended:  # why it has ended is said in a message of its own, maybe later
                with suppress(LinkLost):
                    await system.wait_for(_says_more(system), _LAST_WORDS_S)
            last = known
            yield known
            if known.ended:
                return
            continue  # the state may have changed while the caller worked

        def changed(known: Progress = known, armed: bool = was_armed) -> bool:
            return present(armed or bool(system.state.armed)) != known

        await system.wait_for(changed, _LONGEST_S)
