"""Draws plans, zones and findings as SVG or PNG: people would rather look than read.

North is up and both axes have one scale. Kinds are told apart by colour, hatching and shape at
once (colours of Okabe and Ito), so that they hold for the colour-blind and on grey paper. The
same input gives the same file. Everything is longitude and latitude outside, metres inside.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from shapely import MultiPolygon, Point, Polygon, box
from shapely.geometry.polygon import orient

from core.errors import SettingInvalid, SourceUnreadable
from geo.local_frame import LocalFrame
from geo.zones import Area, Purpose, Zone, ZoneKind, to_local
from missions.model import Finding, Plan, Severity
from station.label_room import LabelRoom
from station.map_frame import add_frame
from station.plan_sheet import THERE_AND_BACK, LonLat, Sheet, Way, corners, sheet_of_plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Plot = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw it; ends in .svg or .png.")
]
"""The option that verbs offer."""
_BLUE, _GREEN, _RED, _ORANGE = "#0072B2", "#009E73", "#D55E00", "#E69F00"
_PINK, _SKY, _BLACK, _GREY = "#CC79A7", "#56B4E9", "#1A1A1A", "#6B7280"
_PATHS = (_BLUE, _RED, _GREEN, _PINK, _ORANGE, _SKY, _BLACK)
_PAPER = "#FFFFFF"
_WIDTH_IN, _HEIGHT_IN, _DPI = 9.6, 7.2, 100
_MAP = (0.02, 0.055, 0.755, 0.855)
"""Left, bottom, width and height of the map on the sheet."""
_ARROW_PX, _SMALLEST_LEG_PX = 70.0, 16.0
_MARKS = {
    Severity.ERROR: ("X", _RED, 11.0),
    Severity.WARNING: ("^", _ORANGE, 9.0),
    Severity.INFO: ("o", _SKY, 7.0),
}


def check_plot(path: Path | None) -> None:
    """Refuses a drawing of a kind that is not made, before any work is done.

    Raises:
        SettingInvalid: if the ending is neither .svg nor .png.
    """
    if path is not None and path.suffix.lower() not in (".svg", ".png"):
        raise SettingInvalid(
            f"drawings are not made as {path.suffix or 'a file without ending'}",
            where=str(path),
            cure="let it end in .svg or .png",
        )


def draw_plan(
    path: Path,
    plan: Plan,
    *,
    zones: Sequence[Zone] = (),
    areas: Sequence[Area] = (),
    findings: Sequence[Finding] = (),
    footprints: Sequence[Area] = (),
    title: str = "",
    attribution: str = "Qyran",
) -> None:
    """Draws a plan: its path, fence, rally points, and what was found.

    Args:
        path: ends in `.svg` or `.png`; a former file is replaced.
        plan: what is drawn; its fences are drawn as well.
        zones: more zones.
        areas: what was to be covered.
        findings: marked where they are.
        footprints: what the camera sees.
        title: over the drawing.
        attribution: whose data it shows, under the drawing.

    Raises:
        SettingInvalid: if the ending is neither .svg nor .png.
        SourceUnreadable: if the file can't be written.
    """
    sheet = sheet_of_plan(plan, title=title)
    known = {zone.zone_id for zone in plan.fences}
    more = tuple(zone for zone in zones if zone.zone_id not in known)
    draw_sheet(
        path,
        replace(
            sheet,
            areas=tuple(areas),
            zones=(*sheet.zones, *more),
            findings=tuple(findings),
            footprints=tuple(footprints),
            attribution=attribution,
        ),
    )


def draw_sheet(path: Path, sheet: Sheet) -> None:
    """Draws a sheet.

    Raises:
        SettingInvalid: if the ending is neither .svg nor .png.
        SourceUnreadable: if the file can't be written.
    """
    check_plot(path)
    import matplotlib
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.hashsalt": "qyran", "svg.fonttype": "path", "font.family": "DejaVu Sans",
        "hatch.linewidth": 0.7, "path.simplify": False,
    }  # fmt: skip
    kind = path.suffix.lower()[1:]
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN), dpi=_DPI, facecolor=_PAPER)
        _Pen(figure, sheet).draw()
        metadata = {"Date": None, "Creator": "Qyran"} if kind == "svg" else {"Software": "Qyran"}
        part = path.with_name(f".{path.name}.part")
        try:
            figure.savefig(part, format=kind, metadata=metadata, facecolor=_PAPER)
            part.replace(path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
            reason = (error.strerror or "can't be written").lower()
            raise SourceUnreadable(reason, where=str(path), cure="check the folder") from error


@dataclass
class _Pen:
    """Puts one sheet on paper."""

    figure: "Figure"
    sheet: Sheet
    legend: dict[str, Any] = field(default_factory=dict)
    waiting: list[tuple[int, int, float, float, str, str, float]] = field(default_factory=list)
    """Words to be placed: rank, order, east, north, the words, colour, pixels kept clear."""

    def draw(self) -> None:
        places = self._focus()
        lon, lat = (
            (np.mean([p[0] for p in places]), np.mean([p[1] for p in places]))
            if places
            else (0.0, 0.0)
        )
        self.frame = LocalFrame(float(lat), float(lon))
        self.axes: Axes = self.figure.add_axes(_MAP)
        self.axes.set_aspect("equal", adjustable="box", anchor="C")
        self.axes.set_xticks([])
        self.axes.set_yticks([])
        self.axes.set_facecolor("#FBFBF9")
        for spine in self.axes.spines.values():
            spine.set_color("#C9CDD2")
        self._view(places)
        self.room = LabelRoom(*self._pixel_box())
        self._zones()
        self._areas()
        self._ways()
        self._points()
        self._findings()
        self._labels()
        add_frame(self.figure, self.sheet, self.legend, _MAP, self.m_per_px)

    # -- what is seen

    def _focus(self) -> list[LonLat]:
        sheet = self.sheet
        places = [place for way in sheet.ways for place in way.places]
        for area in (*sheet.areas, *sheet.footprints):
            places += corners(area)
        places += [*sheet.homes, *sheet.assets, *sheet.rally]
        places += [(f.place[1], f.place[0]) for f in sheet.findings if f.place]
        places += self._near(sheet.looks, places)
        return places or [p for zone in sheet.zones for p in corners(zone.area)]

    def _near(self, wanted: Sequence[LonLat], places: Sequence[LonLat]) -> list[LonLat]:
        """Returns those that are not so far off that all else would shrink to a dot."""
        if not places:
            return [*wanted]
        low, high = np.min(places, axis=0), np.max(places, axis=0)
        reach = max(float((high - low).max()), 2e-3)
        return [
            (x, y)
            for x, y in wanted
            if low[0] - reach < x < high[0] + reach and low[1] - reach < y < high[1] + reach
        ]

    def _xy(self, places: Sequence[LonLat]) -> Any:
        lon, lat = np.array(places, float).reshape(-1, 2).T
        return np.stack(self.frame.to_en_m(lat, lon), axis=1)

    def _view(self, places: list[LonLat]) -> None:
        """Chooses what is on the map: all that is flown, and zones unless they are far larger."""
        xy = self._xy(places) if places else np.zeros((1, 2))
        low, high = xy.min(axis=0), xy.max(axis=0)
        for (lon, lat), radius in self.sheet.circles:
            middle = self._xy([(lon, lat)])[0]
            low, high = np.minimum(low, middle - radius), np.maximum(high, middle + radius)
        size = max(float((high - low).max()), 20.0)
        zones = [to_local(zone.area, self.frame).bounds for zone in self.sheet.zones]
        if zones:
            every = np.array(zones)
            wide_low = np.minimum(low, every[:, :2].min(axis=0))
            wide_high = np.maximum(high, every[:, 2:].max(axis=0))
            if float((wide_high - wide_low).max()) <= 3.5 * size:
                low, high = wide_low, wide_high
            else:
                low, high = low - 0.2 * size, high + 0.2 * size
        size = max(float((high - low).max()), 20.0)
        middle = (low + high) / 2
        share = _MAP[2] * _WIDTH_IN / (_MAP[3] * _HEIGHT_IN)
        half_y = max((high - low)[1], (high - low)[0] / share) / 2 + 0.07 * size
        self.axes.set_xlim(middle[0] - half_y * share, middle[0] + half_y * share)
        self.axes.set_ylim(middle[1] - half_y, middle[1] + half_y)
        self.m_per_px = 2 * half_y / (_MAP[3] * _HEIGHT_IN * _DPI)

    def _pixel_box(self) -> tuple[float, float]:
        return _MAP[2] * _WIDTH_IN * _DPI, _MAP[3] * _HEIGHT_IN * _DPI

    def _px(self, x: float, y: float) -> tuple[float, float]:
        """Returns pixels right and up of the map's corner."""
        return (
            (x - self.axes.get_xlim()[0]) / self.m_per_px,
            (y - self.axes.get_ylim()[0]) / self.m_per_px,
        )

    # -- layers, from the ground up

    def _fill(self, area: Area, name: str, order: float, **style: Any) -> None:
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path as Outline

        local = to_local(area, self.frame)
        vertices: list[Any] = []
        codes: list[Any] = []
        for part in local.geoms if isinstance(local, MultiPolygon) else [local]:
            # an outline is filled by its turns: a hole must turn against what is around it
            turned = orient(part)
            for ring in (turned.exterior, *turned.interiors):
                corners = np.asarray(ring.coords)[:, :2]
                vertices.append(corners)
                codes += [Outline.MOVETO, *[Outline.LINETO] * (len(corners) - 2), Outline.CLOSEPOLY]
        if vertices:
            outline = Outline(np.concatenate(vertices), codes)
            patch = PathPatch(outline, zorder=order, clip_on=True, **style)
            self.axes.add_patch(patch)
            if name not in self.legend:
                from matplotlib.patches import Patch

                self.legend[name] = Patch(**style)

    def _zones(self) -> None:
        for zone in self.sheet.zones:
            flies = Purpose.FLIGHT in zone.purposes
            if not zone.switched_on:
                style: dict[str, Any] = {"facecolor": "none", "edgecolor": _GREY, "linestyle": ":"}
                self._fill(zone.area, "zone, not in force", 1.0, linewidth=1.0, **style)
            elif flies and zone.kind is ZoneKind.EXCLUSION:
                style = {"facecolor": _RED + "22", "edgecolor": _RED, "hatch": "////"}
                self._fill(zone.area, "exclusion: stay out", 1.4, linewidth=1.2, **style)
                over = {"facecolor": "none", "edgecolor": _RED, "hatch": "////", "alpha": 0.8}
                self._fill(zone.area, "exclusion: stay out", 3.1, linewidth=1.2, **over)
            elif flies:
                style = {"facecolor": _GREEN + "0C", "edgecolor": _GREEN, "linestyle": "-"}
                self._fill(zone.area, "inclusion: stay inside", 1.1, linewidth=1.8, **style)
            else:
                style = {"facecolor": _PINK + "1A", "edgecolor": _PINK, "hatch": ".."}
                self._fill(zone.area, "watched zone", 1.2, linewidth=1.0, **style)

    def _areas(self) -> None:
        for area in self.sheet.areas:
            style: dict[str, Any] = {"facecolor": "#E4E7EB", "edgecolor": _GREY, "linewidth": 1.2}
            self._fill(area, "area to cover", 1.3, **style)
        for area in self.sheet.footprints:
            style = {"facecolor": _SKY + "22", "edgecolor": _SKY + "88", "linewidth": 0.5}
            self._fill(area, "seen by the camera", 1.5, **style)

    def _ways(self) -> None:
        from matplotlib.lines import Line2D

        lines = [self._xy(way.places) for way in self.sheet.ways]
        long_px = sum(_long_m(xy) for xy in lines) / self.m_per_px
        width_px, height_px = self._pixel_box()
        dense = long_px > 0.04 * width_px * height_px
        self.arrow_px = max(_ARROW_PX, long_px / 45)
        many = len({way.colour for way in self.sheet.ways}) > 1
        for way, xy in zip(self.sheet.ways, lines, strict=True):
            if not way.places:
                continue
            colour = _PATHS[way.colour % len(_PATHS)]
            dashes: Any = (0, (5, 3)) if way.dashed else "-"
            width = 1.1 if way.dashed else 0.8 if dense else 1.7
            if not dense:
                self._line(xy, color=_PAPER, linewidth=width + 1.6, zorder=2.9, alpha=0.75)
            self._line(xy, color=colour, linewidth=width, linestyle=dashes, zorder=3.0)
            name = way.name
            if name not in self.legend:
                shown = _GREY if many and name == THERE_AND_BACK else colour
                self.legend[name] = Line2D([], [], color=shown, linewidth=width, linestyle=dashes)
            self._arrows(xy, colour)
            self._block_line(xy)
            if way.numbers:
                self._dots(xy, way, colour)

    def _line(self, xy: Any, **style: Any) -> None:
        self.axes.plot(xy[:, 0], xy[:, 1], solid_joinstyle="round", **style)

    def _block_line(self, xy: Any) -> None:
        """Takes the room of a line, so that no number stands on it."""
        for (ax, ay), (bx, by) in pairwise(xy.tolist()):
            steps = min(200, int(math.hypot(bx - ax, by - ay) / self.m_per_px / 6) + 1)
            for k in range(steps + 1):
                x, y = ax + (bx - ax) * k / steps, ay + (by - ay) * k / steps
                self.room.block(*self._px(x, y), 1.0, line=True)

    def _arrows(self, xy: Any, colour: str) -> None:
        """Marks the direction where a leg is long enough to show one, not too often."""
        gone = self.arrow_px * 0.6
        for (ax, ay), (bx, by) in pairwise(xy.tolist()):
            length = math.hypot(bx - ax, by - ay) / self.m_per_px
            gone += length
            if length < _SMALLEST_LEG_PX or gone < self.arrow_px:
                continue
            gone = 0.0
            angle = math.degrees(math.atan2(by - ay, bx - ax))
            x, y = ax + 0.55 * (bx - ax), ay + 0.55 * (by - ay)
            self.axes.plot(
                [x], [y], marker=(3, 0, angle - 90), color=colour, markersize=7.5, zorder=3.2,
                markeredgecolor=_PAPER, markeredgewidth=0.6, linestyle="none",
            )  # fmt: skip

    def _dots(self, xy: Any, way: Way, colour: str) -> None:
        crowded = len(xy) > 60
        size = 2.6 if crowded else 4.2
        self.axes.plot(
            xy[:, 0], xy[:, 1], linestyle="none", marker="o", markersize=size, color=colour,
            markeredgecolor=_PAPER, markeredgewidth=0.4, zorder=3.3,
        )  # fmt: skip
        for x, y in xy.tolist():
            self.room.block(*self._px(x, y), 3.0)
        order = {0: 0, len(xy) - 1: 1}
        ranked = sorted(range(len(xy)), key=lambda k: (order.get(k, 2), k % 10 != 0, k % 5 != 0, k))
        for rank, k in enumerate(ranked):
            x, y = xy[k].tolist()
            name = str(way.numbers[k])
            self.waiting.append((2 if k in order else 4, rank, x, y, name, colour, 5.0))

    def _points(self) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Circle

        for place, radius in self.sheet.circles:
            x, y = self._xy([place])[0].tolist()
            ring = Circle((x, y), radius, fill=False, edgecolor=_BLUE, linewidth=1.4, zorder=3.0)
            self.axes.add_patch(ring)
            shown: dict[str, Any] = {"color": _BLUE, "markerfacecolor": "none", "markersize": 9}
            mark = Line2D([], [], marker="o", linestyle="none", **shown)
            self.legend.setdefault("circle that is flown", mark)
        for places, marker, name, face, size in (
            (self.sheet.rally, "D", "rally point", _GREEN, 8.0),
            (self.sheet.homes, "s", "home", _BLACK, 9.0),
            (self.sheet.assets, "p", "asset", _BLACK, 10.0),
            (self.sheet.looks, "*", "to be looked at", _PINK, 13.0),
        ):
            if not places:
                continue
            xy = self._xy(places)
            off = sum(not self._in_view().covers(Point(*at)) for at in xy.tolist())
            name += f"\n({off} off the map)" if off else ""
            style: dict[str, Any] = {
                "marker": marker, "color": face, "markersize": size, "linestyle": "none",
                "markeredgecolor": _PAPER, "markeredgewidth": 0.9,
            }  # fmt: skip
            self.axes.plot(xy[:, 0], xy[:, 1], zorder=4.0, **style)
            self.legend[name] = Line2D([], [], **style)
            for x, y in xy.tolist():
                self.room.block(*self._px(x, y), size / 2 + 2)

    def _findings(self) -> None:
        from matplotlib.lines import Line2D

        for severity in reversed(list(Severity)):
            marker, colour, size = _MARKS[severity]
            placed = [f for f in self.sheet.findings if f.severity is severity and f.place]
            every = sum(f.severity is severity for f in self.sheet.findings)
            if not every:
                continue
            style: dict[str, Any] = {
                "marker": marker, "color": colour, "markersize": size, "linestyle": "none",
                "markeredgecolor": _BLACK, "markeredgewidth": 0.9,
            }  # fmt: skip
            for n, finding in enumerate(placed):
                assert finding.place is not None  # only placed ones are here
                x, y = self._xy([(finding.place[1], finding.place[0])])[0].tolist()
                self.axes.plot([x], [y], zorder=5.0, **style)
                self.room.block(*self._px(x, y), size / 2 + 2)
                if severity is not Severity.INFO:
                    self.waiting.append((1, n, x, y, finding.code.replace("_", " "), _BLACK, 11.0))
            off = every - len(placed)
            aside = f",\n{off} without a place" if off else ""
            self.legend[f"{severity} ({every}{aside})"] = Line2D([], [], **style)

    # -- words

    def _labels(self) -> None:
        for (lon, lat), words in self.sheet.labels:
            x, y = self._xy([(lon, lat)])[0].tolist()
            self.waiting.append((0, 0, x, y, words, _BLACK, 11.5))
        view = self._in_view()
        for n, zone in enumerate(self.sheet.zones):
            seen = to_local(zone.area, self.frame).intersection(view)
            if not zone.name or seen.is_empty:
                continue
            flies = Purpose.FLIGHT in zone.purposes
            inside = max(getattr(seen, "geoms", [seen]), key=lambda part: part.area)
            colour = _RED if zone.kind is ZoneKind.EXCLUSION else _GREEN
            spot = inside.representative_point()
            x, y = spot.x, spot.y
            if flies and zone.kind is ZoneKind.INCLUSION:  # its middle is where the path is
                x, y = self._below_the_top(inside, zone.name)
            self.waiting.append((3, n, x, y, zone.name, colour if flies else "#9C4A77", 0.0))
        told: set[tuple[str, int, int]] = set()
        for rank, _, x, y, words, colour, clear in sorted(self.waiting, key=lambda w: w[:2]):
            px, py = self._px(x, y)
            same = (words, round(px / 40), round(py / 40))
            size = {0: 8.5, 1: 7.5, 3: 7.5}.get(rank, 6.5)
            short = words if len(words) <= 28 else words[:27] + "…"
            free = None
            if same not in told:
                free = self.room.place(
                    px, py, short, size, centred=rank == 3, clear_px=clear, over_lines=rank < 4
                )
            if free is not None:
                told.add(same)
                self._word(*free, short, size, colour)

    def _below_the_top(self, area: Any, words: str) -> tuple[float, float]:
        """Returns a place under the upper edge of an area, where few paths are."""
        points = [c for part in getattr(area, "geoms", [area]) for c in part.exterior.coords]
        top = max(y for _, y in points)
        level = [x for x, y in points if y > top - 1.0]
        x = (min(level) + max(level)) / 2
        if len(level) > 1:  # a level edge: begin at its left end
            x = min(level) + (4.5 * len(words)) * self.m_per_px
        return x, top - 9.0 * self.m_per_px

    def _word(self, px: float, py: float, words: str, size: float, colour: str) -> None:
        from matplotlib.patheffects import withStroke

        x = self.axes.get_xlim()[0] + px * self.m_per_px
        y = self.axes.get_ylim()[0] + py * self.m_per_px
        self.axes.text(
            x, y, words, fontsize=size, color=colour, ha="center", va="center", zorder=6.0,
            clip_on=True, parse_math=False,
            path_effects=[withStroke(linewidth=2.2, foreground=_PAPER)],
        )  # fmt: skip

    def _in_view(self) -> Polygon:
        (west, east), (south, north) = self.axes.get_xlim(), self.axes.get_ylim()
        view: Polygon = box(west, south, east, north)
        return view


def _long_m(xy: Any) -> float:
    return float(np.hypot(*np.diff(xy, axis=0).T).sum()) if len(xy) > 1 else 0.0
