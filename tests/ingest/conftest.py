from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from incidents.adapters.log_notifier import LogNotifier
from incidents.adapters.memory_store import MemoryIncidentStore
from incidents.adapters.memory_vault import MemoryVault
from station.ingest import IngestContext
from station.wiring import footage_tools
from tests.ingest import footage
from vision.adapters.scripted_detector import ScriptedDetector, marked_colour
from vision.shared_detector import SharedDetector


@dataclass
class Bench:
    """A station in memory on which footage is ingested."""

    home: Path
    store: MemoryIncidentStore = field(default_factory=MemoryIncidentStore)
    vault: MemoryVault = field(default_factory=MemoryVault)
    detector: ScriptedDetector = field(
        default_factory=lambda: ScriptedDetector(marked_colour(footage.MAGENTA, "car"))
    )

    def context(self, shared: SharedDetector, **changes: Any) -> IngestContext:
        return IngestContext(
            tools=footage_tools(),
            home=self.home,
            detector=shared,
            store=self.store,
            vault=self.vault,
            notifier=LogNotifier(),
            **{"zones": lambda: (footage.zone_about(footage.STANDING),), **changes},
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "home")


@pytest.fixture
def context(bench: Bench) -> Iterator[Callable[..., IngestContext]]:
    with SharedDetector(bench.detector) as shared:
        yield lambda **changes: bench.context(shared, **changes)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one flight as `flight.mp4` + `flight.SRT` and as `flight.ts`."""
    folder = tmp_path_factory.mktemp("footage")
    footage.write_mp4(folder / "flight.mp4")
    footage.write_srt(folder / "flight.SRT")
    footage.write_ts(folder / "stream.ts")
    return folder
