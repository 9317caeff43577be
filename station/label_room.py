"""Finds room for words on a drawing, so that none covers another or a mark."""

from dataclasses import dataclass, field

_CELL_PX = 40
_WIDE, _HIGH = 0.64, 1.25
"""Size of a letter, as parts of the size of the type."""
_PX_PER_POINT = 100 / 72
_GAP_PX = 2.0

Box = tuple[float, float, float, float]
"""West, south, east, north in pixels."""


@dataclass
class LabelRoom:
    """The room on a map of so many pixels; what is placed or blocked is taken."""

    width_px: float
    height_px: float
    _taken: dict[tuple[int, int], list[tuple[Box, bool]]] = field(default_factory=dict)
    """By cell: boxes, and whether each is only a line, which words may cross."""

    def block(self, x_px: float, y_px: float, radius_px: float, *, line: bool = False) -> None:
        """Takes the room of a mark, or of a spot of a line."""
        box = (x_px - radius_px, y_px - radius_px, x_px + radius_px, y_px + radius_px)
        self._take(box, line=line)

    def place(
        self,
        x_px: float,
        y_px: float,
        words: str,
        size_pt: float,
        *,
        centred: bool = False,
        clear_px: float = 6.0,
        over_lines: bool = False,
    ) -> tuple[float, float] | None:
        """Returns the middle of a free spot beside a point and takes it; `None` if there is none.

        Args:
            x_px: of the point.
            y_px: of the point.
            words: one line.
            size_pt: of the type.
            centred: try the point itself first, and a little above and below it.
            clear_px: distance from the point, which has a mark of its own.
            over_lines: whether the words may stand on a line.
        """
        half_w = len(words) * size_pt * _PX_PER_POINT * _WIDE / 2
        half_h = size_pt * _PX_PER_POINT * _HIGH / 2
        right, up = half_w + clear_px, half_h + clear_px
        beside = ((right, 0), (-right, 0), (0, up), (0, -up), (right, up), (right, -up),
                  (-right, up), (-right, -up))  # fmt: skip
        nearby = ((0, 0), (0, 2 * up), (0, -2 * up), (right, up), (-right, -up))
        for dx, dy in nearby if centred else beside:
            x, y = x_px + dx, y_px + dy
            room = (x - half_w, y - half_h, x + half_w, y + half_h)
            if self._free(room, over_lines=over_lines):
                self._take(room, line=False)
                return x, y
        return None

    def _cells(self, room: Box) -> list[tuple[int, int]]:
        west, south, east, north = (int(side // _CELL_PX) for side in room)
        return [(i, j) for i in range(west, east + 1) for j in range(south, north + 1)]

    def _take(self, room: Box, *, line: bool) -> None:
        if max(map(abs, room)) > 20 * max(self.width_px, self.height_px):
            return  # far off the map
        for cell in self._cells(room):
            self._taken.setdefault(cell, []).append((room, line))

    def _free(self, room: Box, *, over_lines: bool) -> bool:
        west, south, east, north = room
        if west < 2 or south < 2 or east > self.width_px - 2 or north > self.height_px - 2:
            return False
        return not any(
            west < other[2] + _GAP_PX
            and east > other[0] - _GAP_PX
            and south < other[3] + _GAP_PX
            and north > other[1] - _GAP_PX
            for cell in self._cells(room)
            for other, line in self._taken.get(cell, ())
            if not (line and over_lines)
        )
