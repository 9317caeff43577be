"""What the log writes comes back to the last bit, and what is damaged is told."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import AssetId
from geo.positions import Datum
from telemetry import blocks
from telemetry.columns import DATUMS, MODES, RECORD, SAID, SampleColumns, instant
from telemetry.model import TelemetrySample, VehicleMode
from tests.builders import a_sample, after
from tests.persistence import strategies

DRONE = AssetId("drone-1")
EDGES = st.sampled_from(
    [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e308, 0.1, 1e15 + 0.3, 2.0**53, 50.9754321]
)
NUMBERS = st.one_of(
    EDGES,
    st.floats(),
    st.floats(width=32),
    st.integers(-(10**9), 10**9).map(lambda whole: whole / 1e7),
)


def columns(name: str, values: list[object]) -> blocks.Columns:
    records = np.zeros(len(values), dtype=RECORD)
    records["at_us"] = np.arange(len(values))
    records[name] = values
    return {one: records[one].copy() for one in RECORD.names or ()}


@settings(max_examples=200, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=40))
def test_numbers_come_back_to_the_last_bit(numbers: list[float]) -> None:
    back = blocks.columns_of([blocks.block(columns("down_m_s", list(numbers)))])
    want = [struct.pack("<d", number) for number in numbers]
    assert [struct.pack("<d", number) for number in back["down_m_s"].tolist()] == want


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=40, unique=True))
def test_instants_come_back_in_order(instants: list[int]) -> None:
    made = columns("at_us", sorted(instants))
    assert blocks.columns_of([blocks.block(made)])["at_us"].tolist() == sorted(instants)


@settings(max_examples=50, deadline=None)
@given(st.lists(strategies.samples, max_size=8, unique_by=lambda sample: sample.at))
def test_samples_come_back_from_their_columns(samples: list[TelemetrySample]) -> None:
    samples.sort(key=lambda sample: sample.at)
    made = SampleColumns.of(DRONE, samples)
    assert [(s.at, s.position, s.camera) for s in made] == [
        (s.at, s.position, s.camera) for s in samples
    ]
    if samples:
        again = SampleColumns(DRONE, blocks.columns_of([blocks.block(made.columns)]))
        assert again == made


def test_columns_are_a_sequence() -> None:
    samples = [a_sample(at=after(second)) for second in range(5)]
    made = SampleColumns.of(DRONE, samples)
    assert made == samples
    assert made != samples[1:]
    assert (made[0], made[-1]) == (samples[0], samples[4])
    assert made[1:3] == samples[1:3]
    assert samples[2] in made
    with pytest.raises(IndexError):
        made[5]


def test_what_was_not_said_is_no_number() -> None:
    made = SampleColumns.of(DRONE, [a_sample(), TelemetrySample(DRONE, after(1))])
    assert np.isnan(made.number("lat_deg")).tolist() == [False, True]
    assert made.number("lat_deg")[0] == made.columns["lat_deg"][0]


def test_every_field_and_every_word_has_a_place() -> None:
    """A new field of a sample, a new datum or mode, must be kept: then this fails first."""
    assert set(DATUMS) == set(Datum)
    assert set(MODES) == set(VehicleMode)
    kept = {"asset_id", "at", "position", "attitude", "camera", "armed", "mode", "on_ground"}
    kept |= {name for name in SAID if name in TelemetrySample.__dataclass_fields__}
    assert kept == set(TelemetrySample.__dataclass_fields__)


def test_what_is_regular_takes_little_room() -> None:
    samples = [a_sample(at=after(index / 10)) for index in range(2_000)]
    assert len(blocks.block(SampleColumns.of(DRONE, samples).columns)) < 2_000


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255), st.booleans(), st.booleans())
def test_what_is_damaged_is_told(place: int, change: int, cut: bool, sealed: bool) -> None:
    made = SampleColumns.of(DRONE, [a_sample(at=after(second)) for second in range(20)])
    records = [blocks.PACK_RECORD(*row) for row in zip(*_lists(made), strict=True)]
    data = bytearray(blocks.block(made.columns) if sealed else blocks.piece(records))
    place %= len(data)
    if cut:
        data = data[:place]
    else:
        data[place] ^= change
    with pytest.raises(ValueError, match=r"cut off|mark|checksum"):
        blocks.columns_of([bytes(data)])


def _lists(made: SampleColumns) -> list[list[object]]:
    return [made.columns[name].tolist() for name in RECORD.names or ()]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_a_block_of_nonsense_with_a_right_checksum_is_told(body: bytes) -> None:
    import zlib

    packed = zlib.compress(body)
    head = struct.pack("<4sI", b"QTB\x01", zlib.crc32(packed))
    with pytest.raises(ValueError, match=r"unpack|column|samples|form"):
        blocks.columns_of([head + packed])


def test_instants_of_all_times_are_exact() -> None:
    assert instant(1_763_629_200_123_457).microsecond == 123_457
