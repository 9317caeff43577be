from collections.abc import Iterator

import pytest

from tests.api.station import Station, a_station


@pytest.fixture
def station() -> Iterator[Station]:
    """A station in memory."""
    with a_station() as made:
        yield made
