"""What a verb says: one answer on standard output, everything else on standard error.

With `--json` standard output holds exactly one JSON document. Libraries that print from C
(MAVSDK's logger, libav) can't break that: file descriptor 1 is turned to standard error for
the whole run, and the document goes to a private copy of the real one.
"""

import contextlib
import ctypes
import dataclasses
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


def jsonable(value: object) -> Any:
    """Returns `value` in the types of JSON.

    NaN and infinities, which JSON does not know, become null. Dataclasses become objects,
    enums their values, instants ISO 8601 in UTC with `Z`, durations seconds, paths text, and
    numpy scalars and arrays plain numbers and lists.

    Raises:
        TypeError: if there is no such form (bytes, a connection).
    """
    if isinstance(value, Enum):
        return jsonable(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, PurePath | IPv4Network | IPv6Network):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(jsonable(key)): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((jsonable(item) for item in value), key=str)
    tolist = getattr(value, "tolist", None)  # numpy, without importing it for every verb
    if callable(tolist):
        return jsonable(tolist())
    raise TypeError(f"no JSON form for {type(value).__name__}")


def to_json(document: object) -> str:
    """Returns the document as JSON text; never with NaN or Infinity."""
    return json.dumps(jsonable(document), ensure_ascii=False, allow_nan=False)


class ProgressBar:
    """Shows how far a piece of work is, where standard error is a terminal."""

    def __init__(self, shown: "RichProgress", what: str, total: float | None) -> None:
        """Starts the bar; `total` is `None` while unknown."""
        self._shown = shown
        self._task = shown.add_task(what, total=total)

    def advance(self, steps: float = 1.0) -> None:
        """Moves on by `steps`."""
        self._shown.advance(self._task, steps)

    def update(
        self, *, done: float | None = None, total: float | None = None, what: str | None = None
    ) -> None:
        """Sets what is known better now."""
        self._shown.update(self._task, completed=done, total=total, description=what)


class Output:
    """Where one run of a verb speaks. Made by `station.cli.main`, one a process."""

    def __init__(self, *, as_json: bool) -> None:
        """Takes over standard output where `as_json`; `close()` gives it back."""
        self.as_json = as_json
        self.answered = False
        self._saved: int | None = None
        self._stdout = sys.stdout
        if as_json:
            sys.stdout.flush()
            self._saved = os.dup(1)
            os.dup2(2, 1)
            sys.stdout = sys.stderr

    def emit(self, document: object, text: str | None = None) -> None:
        """Gives the answer, once: `document` with `--json`, else `text` for a person.

        Where no text is given, a person reads the document as lines of `name: value`.

        Raises:
            RuntimeError: if an answer was given already.
        """
        if self.answered:
            raise RuntimeError("a verb gives one answer")
        self.answered = True
        if self._saved is None:
            self.say(_as_lines(document) if text is None else text)
            return
        line = to_json(document)
        with os.fdopen(os.dup(self._saved), "w", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def say(self, text: str) -> None:
        """Tells a person more on standard output; silent with `--json`."""
        if not self.as_json:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def note(self, text: str) -> None:
        """Tells a person something by the way, on standard error, with or without `--json`."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    @contextlib.contextmanager
    def progress(self, what: str, total: float | None = None) -> Iterator[ProgressBar]:
        """Shows a bar on standard error during the block; nothing where that is no terminal."""
        from rich.console import Console
        from rich.progress import Progress as RichProgress

        console = Console(stderr=True)
        with RichProgress(
            console=console, transient=True, disable=not console.is_terminal
        ) as shown:
            yield ProgressBar(shown, what, total)

    def close(self) -> None:
        """Gives standard output back; a second call does nothing."""
        if self._saved is not None:
            # what C libraries hold in their buffers must leave before descriptor 1 turns back
            ctypes.CDLL(None).fflush(None)
            sys.stdout = self._stdout
            os.dup2(self._saved, 1)
            os.close(self._saved)
            self._saved = None


def _as_lines(document: object) -> str:
    plain = jsonable(document)
    if not isinstance(plain, dict):
        return str(plain)
    lines = []
    for name, value in plain.items():
        nested = isinstance(value, dict | list)
        shown = json.dumps(value, ensure_ascii=False) if nested else value
        lines.append(f"{name}: {'-' if shown is None else shown}")
    return "\n".join(lines)
