"""Whole plans for properties of file formats."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon

from core.ids import AgencyId, AssetId, MissionId, PatrolId, UserId, ZoneId
from core.recurrence import Recurrence
from geo.circles import circle_area
from geo.positions import Altitude, Datum, Position
from geo.zones import Area, Circle, Purpose, Zone, ZoneKind, ZoneStage
from missions.model import ItemKind, Mission, MissionItem, Plan, RallyPoint
from tests.builders import a_square

words = st.text(max_size=12)
names = st.text(min_size=1, max_size=12).map(str.strip).filter(bool)
metres = st.floats(-50, 500)
altitudes = st.builds(Altitude, metres, st.sampled_from(list(Datum)))
positions = st.builds(Position, st.floats(-80, 80), st.floats(-179, 179), altitudes)
spots = st.tuples(st.floats(-80, 80), st.floats(-179, 179))
any_item = st.builds(
    MissionItem,
    st.sampled_from(list(ItemKind)),
    st.none() | positions,
    st.none() | st.floats(0, 30),
    st.floats(0, 600),
    st.none() | st.floats(-90, 30),
    st.none() | st.floats(0, 300),
    st.none() | spots,
    st.none() | st.floats(0, 90),
)
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
instants = st.timedeltas(timedelta(0), timedelta(days=3_650)).map(lambda after: BEGIN + after)
whole = st.integers(0, 300_000_000).map(lambda seconds: BEGIN + timedelta(seconds=seconds))
"""Recurrences are kept in whole seconds, as iCalendar has them."""
windows = st.builds(
    Recurrence,
    whole,
    st.integers(60, 260_000).map(lambda seconds: timedelta(seconds=seconds)),
    st.sampled_from(["UTC", "Asia/Almaty"]),
    st.sampled_from(["", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO"]),
    st.lists(whole, max_size=2).map(tuple),
    st.lists(whole, max_size=2).map(tuple),
)
squares = st.builds(a_square, st.floats(-900, 900), st.floats(-900, 900), st.floats(5, 200))


def holed(area: Area) -> Area:
    west, south, east, north = area.bounds
    x, y, w, h = (west + east) / 2, (south + north) / 2, (east - west) / 4, (north - south) / 4
    hole = [(x - w, y - h), (x - w, y + h), (x + w, y + h), (x + w, y - h)]
    assert isinstance(area, Polygon)
    return Polygon(area.exterior, [hole])


areas = (
    squares
    | squares.map(holed)
    | st.builds(lambda n: MultiPolygon([a_square(0, 0, n), a_square(500, 0, n)]), st.floats(5, 99))
)


@st.composite
def any_zone(draw: st.DrawFn, text: st.SearchStrategy[str] = names) -> Zone:
    kind = draw(st.sampled_from(list(ZoneKind)))
    circle = draw(
        st.none() | st.builds(Circle, st.floats(-80, 80), st.floats(-170, 170), st.floats(1, 900))
    )
    floor = draw(st.none() | altitudes)
    ceiling = draw(st.none() | altitudes)
    if floor is not None and ceiling is not None and floor.metres >= ceiling.metres:
        ceiling = None
    return Zone(
        ZoneId(draw(text)),
        draw(text),
        frozenset(draw(st.sets(st.sampled_from(list(Purpose)), min_size=1))),
        draw(areas) if circle is None else circle_area(circle, kind),
        kind,
        floor,
        ceiling,
        draw(st.lists(text, max_size=2).map(tuple)),
        draw(st.booleans()),
        draw(st.none() | text.map(AgencyId)),
        draw(text),
        draw(st.lists(windows, max_size=2).map(tuple)),
        draw(st.integers(-5, 5)),
        circle,
        draw(st.integers(1, 9)),
        draw(st.none() | instants),
        draw(st.sampled_from(list(ZoneStage))),
        draw(st.none() | text.map(UserId)),
    )


def any_plan(
    text: st.SearchStrategy[str] = names, items: st.SearchStrategy[MissionItem] = any_item
) -> st.SearchStrategy[Plan]:
    return st.builds(
        Plan,
        st.builds(Mission, text.map(MissionId), st.lists(items, max_size=6).map(tuple)),
        text.map(AssetId),
        positions,
        st.floats(0.5, 30),
        st.lists(any_zone(text), max_size=3).map(tuple),
        st.lists(st.builds(RallyPoint, positions), max_size=2).map(tuple),
        st.none() | altitudes,
        st.none() | text.map(PatrolId),
        st.floats(0, 9_000),
        text,
    )
