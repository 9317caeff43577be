"""Bans from NOTAM text and AIXM; needs the extra `airspace`, which the dev list holds."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import SourceMissing, SourceUnreadable
from geo.adapters.airspace_bans import read_bans
from geo.positions import Altitude, Datum
from geo.zones import ZoneKind

pytest.importorskip("aviconv_notam", reason="the extra airspace is not installed")

CIRCLE = """(A1234/26 NOTAMN
Q) UACN/QRTCA/IV/BO/W/000/020/5059N07121E005
A) UACN B) 2612010300 C) 2612011500
E) TEMPORARY RESTRICTED AREA WI CIRCLE RADIUS 5KM CENTRED 505900N0712100E.
F) SFC G) 600M AMSL)
"""
POLYGON = """B0042/26 NOTAMN
Q) UACN/QRPCA/IV/BO/W/000/015/5055N07122E008
A) UACN B) 2612050400 C) 2612071200
D) DAILY 0400-0600
E) AREA PROHIBITED WI 505500N0712000E-505800N0712000E-505800N0712500E-505500N0712500E-505500N0712000E.
F) GND G) FL015
"""  # noqa: E501
RUNWAY = """C0001/26 NOTAMN
Q) UACN/QMRLC/IV/NBO/A/000/999/5101N07128E005
A) UACC B) 2612010300 C) 2612011500
E) RWY 04/22 CLSD.
"""
CANCEL = """A1300/26 NOTAMC A1234/26
Q) UACN/QRTCN/IV/BO/W/000/020/5059N07121E005
A) UACN B) 2612010900
E) TEMPORARY RESTRICTED AREA CANCELLED.
"""


def a_file(folder: Path, *texts: str) -> Path:
    path = folder / "bans.notam"
    path.write_text("\n\n".join(texts))
    return path


def test_a_circle_by_its_q_line_with_heights_above_the_sea(tmp_path: Path) -> None:
    (zone,) = read_bans(a_file(tmp_path, CIRCLE))
    assert (zone.zone_id, zone.kind) == ("notam-A1234-26", ZoneKind.EXCLUSION)
    assert zone.circle is not None
    assert zone.circle.radius_m == 5 * 1852
    assert (zone.floor, zone.ceiling) == (None, Altitude(600, Datum.GEOID))
    assert zone.contains(50.9833, 71.35)
    assert zone.in_force(datetime(2026, 12, 1, 3, tzinfo=UTC))
    assert not zone.in_force(datetime(2026, 12, 1, 15, tzinfo=UTC))


def test_a_polygon_daily_at_its_hours_and_at_all_heights_for_a_flight_level(
    tmp_path: Path,
) -> None:
    (zone,) = read_bans(a_file(tmp_path, POLYGON))
    assert zone.circle is None
    assert zone.contains(50.93, 71.4)
    assert not zone.contains(50.93, 71.43)
    assert zone.ceiling is None
    for day in (5, 6, 7):
        assert zone.in_force(datetime(2026, 12, day, 5, tzinfo=UTC))
        assert not zone.in_force(datetime(2026, 12, day, 7, tzinfo=UTC))
    assert not zone.in_force(datetime(2026, 12, 8, 5, tzinfo=UTC))


@pytest.mark.parametrize("cancelled_first", [False, True])
def test_a_cancelled_ban_is_switched_off(tmp_path: Path, cancelled_first: bool) -> None:
    texts = (CANCEL, CIRCLE) if cancelled_first else (CIRCLE, CANCEL)
    (zone,) = read_bans(a_file(tmp_path, *texts))
    assert zone.zone_id == "notam-A1234-26"
    assert not zone.active


def test_other_notams_are_no_bans(tmp_path: Path) -> None:
    assert len(read_bans(a_file(tmp_path, RUNWAY, CIRCLE))) == 1
    with pytest.raises(SourceUnreadable, match="no restricted airspace"):
        read_bans(a_file(tmp_path, RUNWAY))


def test_what_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="NOTAM 2"):
        read_bans(a_file(tmp_path, CIRCLE, "lorem ipsum"))
    with pytest.raises(SourceMissing):
        read_bans(tmp_path / "none.notam")
    binary = tmp_path / "bytes.notam"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceUnreadable):
        read_bans(binary)


def test_aixm_of_a_restricted_area(tmp_path: Path) -> None:
    import aviconv_aixm.model as aixm
    from aviconv_aixm.writer import write_aixm

    corners = [(50.9, 71.3), (50.9, 71.4), (51.0, 71.4), (51.0, 71.3), (50.9, 71.3)]
    surface = aixm.ElevatedSurface(
        rings=(tuple(aixm.ElevatedPoint(lat=lat, lon=lon) for lat, lon in corners),)
    )
    feet = aixm.VerticalLimitUnit("FT")
    volume = aixm.AirspaceVolume(
        lower_limit=0.0, upper_limit=2000.0, lower_limit_unit=feet, upper_limit_unit=feet,
        geometry=surface,
    )  # fmt: skip
    spaces = [
        aixm.Airspace(
            gml_identifier=aixm.GmlIdentifier(value=f"{kind}-1", code_space="urn:test"),
            time_slices=(
                aixm.AirspaceTimeSlice(
                    interpretation=aixm.TimeSliceInterpretation.BASELINE,
                    valid_time=aixm.ValidTime(begin=datetime(2026, 12, 1, tzinfo=UTC)),
                    properties=aixm.AirspaceProperties(
                        designator=f"UA{kind}1", type=kind, geometry=volume
                    ),
                ),
            ),
        )
        for kind in ("R", "TMA")
    ]
    path = tmp_path / "area.aixm"
    with path.open("wb") as out:
        write_aixm(spaces, out)
    (zone,) = read_bans(path)
    assert (zone.zone_id, zone.name) == ("aixm-R-1", "UAR1")
    assert zone.contains(50.95, 71.35)
    assert zone.in_force(datetime(2026, 12, 2, tzinfo=UTC))
    assert not zone.in_force(datetime(2026, 11, 2, tzinfo=UTC))
    path.write_text("<not-aixm/>")
    with pytest.raises(SourceUnreadable):
        read_bans(path)
