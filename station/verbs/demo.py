"""`qyran demo`: the simulated patrol, headless and scored, or with the page."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from station.command import Run, verb
from station.demo import fly_once, opened_demo
from station.demo_serve import serve_demo
from station.settings import Settings

ONCE_STARTS_AT = datetime(2026, 6, 15, 6, 0, tzinfo=UTC)
"""A summer forenoon in Kosshy; the same at each run, so that runs can be compared."""

ONCE_SPEED = 6.0
GOALS = {"precision": 0.7, "recall": 0.7, "position_error_median_m": 5.0, "wall_s": 300.0}
"""Least shares; greatest metres and seconds."""


@verb
def run(
    call: Run,
    once: Annotated[
        bool, typer.Option("--once", help="Fly one patrol headless, score it and end.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the world and of all errors.", min=0)] = 1,
    speed: Annotated[
        float | None, typer.Option(help="Simulated seconds per second.", min=0.1, max=20.0)
    ] = None,
    auto: Annotated[
        bool, typer.Option("--auto/--no-auto", help="Patrol again and again by itself.")
    ] = True,
) -> int:
    """Run the simulated patrol of Kosshy."""
    loaded = call.load_settings(home=Path.cwd() / ".qyran-demo")
    if not once:
        return asyncio.run(serve_demo(call, loaded.settings, seed, speed or 1.0, auto=auto))
    with _once_home(call.home) as home:
        settings = loaded.settings.model_copy(update={"home": home})
        document = asyncio.run(_once(settings, seed, speed or ONCE_SPEED))
    missed = missed_goals(document)
    call.emit({**document, "goals_missed": missed}, _text(document, missed))
    return 1 if missed else 0


@contextmanager
def _once_home(given: Path | None) -> Iterator[Path]:
    """Gives the folder that `--home` names, else one that is gone afterwards."""
    if given is not None:
        yield given.expanduser().absolute()
        return
    with tempfile.TemporaryDirectory(prefix="qyran-once-") as folder:
        yield Path(folder)


async def _once(settings: Settings, seed: int, speed: float) -> dict[str, object]:
    with opened_demo(settings, seed=seed, start_at=ONCE_STARTS_AT, speed=speed, live=False) as demo:
        try:
            return await fly_once(demo)
        finally:
            await demo.close()


def missed_goals(document: dict[str, object]) -> list[str]:
    """Returns the goals that a run has missed, in words."""
    missed = []
    for name, goal in GOALS.items():
        value = document[name]
        at_most = name.endswith(("_m", "_s"))
        good = isinstance(value, float) and (value <= goal if at_most else value >= goal)
        if not good:
            missed.append(
                f"{name} is {value}, wanted {'at most' if at_most else 'at least'} {goal}"
            )
    if document["sorties_completed"] != document["sorties"]:
        missed.append("not every sortie was completed")
    return missed


def _text(document: dict[str, object], missed: list[str]) -> str:
    lines = [f"{name:26} {value}" for name, value in document.items() if name != "assets"]
    lines += [f"missed: {line}" for line in missed] or ["all goals met"]
    return "\n".join(lines)
