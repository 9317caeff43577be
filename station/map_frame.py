"""What stands around a map: title, legend, scale bar, north, and whose data it shows."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from station.plan_sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLACK, _GREY = "#1A1A1A", "#6B7280"
_BAR_PX = 110


def add_frame(
    figure: "Figure",
    sheet: Sheet,
    legend: Mapping[str, Any],
    place: tuple[float, float, float, float],
    m_per_px: float,
) -> None:
    """Adds everything but the map to a drawing.

    Args:
        figure: the paper.
        sheet: its title, note and attribution.
        legend: names and the marks that they explain.
        place: left, bottom, width and height of the map, as parts of the paper.
        m_per_px: metres on the ground for a pixel.
    """
    left, bottom, width, height = place
    top = bottom + height
    figure.text(
        left, top + 0.042, sheet.title, fontsize=13, fontweight="bold", color=_BLACK,
        parse_math=False,
    )  # fmt: skip
    figure.text(left, top + 0.013, sheet.note, fontsize=9, color=_GREY, parse_math=False)
    source = f"{sheet.attribution} · WGS 84 · north is up"
    figure.text(left, 0.02, source, fontsize=7, color=_GREY, parse_math=False)
    if legend:
        figure.legend(
            list(legend.values()), list(legend), loc="upper left",
            bbox_to_anchor=(left + width + 0.008, top + 0.006), frameon=False, fontsize=8,
            handlelength=2.0, labelspacing=0.85, borderaxespad=0.0,
        )  # fmt: skip
    _scale_bar(figure, left + width + 0.02, bottom + 0.012, m_per_px)
    _north(figure, 0.965, bottom + 0.01)


def _scale_bar(figure: "Figure", x: float, y: float, m_per_px: float) -> None:
    from matplotlib.lines import Line2D

    metres = round_length_m(_BAR_PX * m_per_px)
    long = metres / m_per_px / (figure.get_figwidth() * figure.get_dpi())
    tick = 0.006
    for a, b, c, d in ((0.0, long, 0.0, 0.0), (0.0, 0.0, -tick, tick), (long, long, -tick, tick)):
        bar = Line2D(
            [x + a, x + b], [y + c, y + d], color=_BLACK, linewidth=1.4,
            transform=figure.transFigure,
        )  # fmt: skip
        figure.add_artist(bar)
    words = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    figure.text(x + long / 2, y + 0.012, words, fontsize=8, ha="center", color=_BLACK)


def _north(figure: "Figure", x: float, y: float) -> None:
    from matplotlib.patches import Polygon

    figure.text(x, y + 0.052, "N", fontsize=9, fontweight="bold", ha="center", color=_BLACK)
    corners = [(x, y + 0.046), (x - 0.0085, y), (x, y + 0.011), (x + 0.0085, y)]
    arrow = Polygon(corners, closed=True, color=_BLACK, transform=figure.transFigure)
    figure.add_artist(arrow)


def round_length_m(metres: float) -> float:
    """Returns the roundest length that is no longer: 1, 2 or 5 and zeros."""
    ten = 10.0 ** math.floor(math.log10(max(metres, 1e-3)))
    return max(step * ten for step in (1.0, 2.0, 5.0) if step * ten <= max(metres, 1e-3) * 1.0001)
