"""Any domain value, for the round trips."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon

from core.ids import AgencyId, ZoneId
from core.recurrence import Recurrence
from geo.camera import CameraModel
from geo.positions import Altitude, Attitude, Covariance, Datum, GroundPoint, Position
from geo.zones import Area, Purpose, Zone, ZoneKind, ZoneStage
from incidents.model import Incident
from missions.model import Asset, Patrol, Sortie
from telemetry.model import TelemetrySample

finite = st.floats(-1e6, 1e6)
lat = st.floats(-89, 89)
lon = st.floats(-179, 179)
words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn")), max_size=12
)
_FIRST = datetime(1990, 1, 1, tzinfo=UTC)
instants = st.timedeltas(timedelta(0), timedelta(days=36_500)).map(lambda past: _FIRST + past)
altitudes = st.builds(Altitude, finite, st.sampled_from(Datum))
positions = st.builds(Position, lat, lon, altitudes)
attitudes = st.builds(Attitude, finite, finite, finite)
covariances = st.builds(
    lambda e, n, r: Covariance(e * e, n * n, r * e * n),
    st.floats(0, 1e3), st.floats(0, 1e3), st.floats(-0.99, 0.99),
)  # fmt: skip
points = st.builds(GroundPoint, lat, lon, covariances, st.none() | altitudes)


@st.composite
def areas(draw: st.DrawFn) -> Area:
    """Polygons with and without a hole, and pairs of them."""
    west, south = draw(st.floats(-170, 160)), draw(st.floats(-80, 80))
    width, height = draw(st.floats(1e-4, 2)), draw(st.floats(1e-4, 2))

    def box(west: float, south: float, width: float, height: float) -> Polygon:
        east, north = west + width, south + height
        return Polygon([(west, south), (west, north), (east, north), (east, south)])

    outer = box(west, south, width, height)
    inner = box(west + width / 4, south + height / 4, width / 2, height / 2)
    ring = Polygon(outer.exterior.coords, [inner.exterior.coords])
    apart = box(west + 3, south, width, height)
    shapes: list[Area] = [outer, ring, MultiPolygon([ring, apart])]
    return draw(st.sampled_from(shapes))


@st.composite
def recurrences(draw: st.DrawFn) -> Recurrence:
    instants = st.integers(0, 2_000_000_000).map(lambda s: _FIRST + timedelta(seconds=s))
    return Recurrence(
        draw(instants),
        timedelta(minutes=draw(st.integers(1, 3_000))),
        draw(st.sampled_from(["UTC", "Asia/Almaty", "Europe/Helsinki"])),
        draw(st.sampled_from(["", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,FR"])),
        draw(st.lists(instants, max_size=2).map(tuple)),
        draw(st.lists(instants, max_size=2).map(tuple)),
    )


@st.composite
def zones(draw: st.DrawFn) -> Zone:
    floor, ceiling = draw(st.none() | altitudes), draw(st.none() | altitudes)
    same = floor is not None and ceiling is not None and floor.datum == ceiling.datum
    if same and floor.metres >= ceiling.metres:  # type: ignore[union-attr]
        floor = None
    return Zone(
        ZoneId(draw(st.uuids().map(lambda u: f"zone-{u}"))),
        draw(words),
        draw(st.sets(st.sampled_from(Purpose), min_size=1).map(frozenset)),
        draw(areas()),
        draw(st.sampled_from(ZoneKind)),
        floor,
        ceiling,
        draw(st.lists(st.sampled_from(["vehicle_stopped", "waste_heap"]), max_size=2).map(tuple)),
        draw(st.booleans()),
        draw(st.none() | st.sampled_from([AgencyId("police"), AgencyId("cleaning")])),
        draw(words),
        windows=draw(st.lists(recurrences(), max_size=2).map(tuple)),
        priority=draw(st.integers(0, 9)),
        version=draw(st.integers(1, 1_000)),
        changed_at=draw(st.none() | instants),
        stage=draw(st.sampled_from(ZoneStage)),
    )


def register() -> None:
    """Tells Hypothesis how to make the types that it can't guess."""
    st.register_type_strategy(float, finite)
    st.register_type_strategy(str, words)
    st.register_type_strategy(int, st.integers(0, 10_000))
    st.register_type_strategy(datetime, instants)
    st.register_type_strategy(Altitude, altitudes)
    st.register_type_strategy(Position, positions)
    st.register_type_strategy(Attitude, attitudes)
    st.register_type_strategy(GroundPoint, points)
    st.register_type_strategy(Zone, zones())
    st.register_type_strategy(
        CameraModel, st.builds(CameraModel.from_hfov, st.just(1280), st.just(720), st.just(62.0))
    )


register()
incidents = st.from_type(Incident)
sorties = st.from_type(Sortie)
assets = st.from_type(Asset)
patrols = st.from_type(Patrol)
samples = st.from_type(TelemetrySample)
