"""Makes a road graph of streets as they are drawn: cut at crossings, joined in between."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from geo.local_frame import LocalFrame
from geo.road_graph import Ints, RoadGraph

SPEEDS_KM_H = {
    "motorway": 110.0, "trunk": 90.0, "primary": 60.0, "secondary": 60.0, "tertiary": 50.0,
    "unclassified": 40.0, "residential": 30.0, "living_street": 15.0, "service": 15.0,
    "road": 30.0, "track": 15.0, "motorway_link": 60.0, "trunk_link": 50.0, "primary_link": 40.0,
    "secondary_link": 40.0, "tertiary_link": 30.0,
}  # fmt: skip
"""What a car is allowed where a way says nothing: Kazakhstan's 60 km/h in towns, 20 in yards,
and less where a street of that kind is narrow. A kind that is not here is no road for a car."""

DRIVEN_FRACTION = 0.8
"""Of the speed allowed: crossings, bends and other cars cost a fifth."""


@dataclass(frozen=True, slots=True)
class Street:
    """A drawn line of road, from one drawing's corner to the next."""

    way: Hashable
    """Which way of the source it belongs to."""
    corners: tuple[Hashable, ...]
    """What identifies its corners: streets that share one are joined there."""
    places: tuple[tuple[float, float], ...]
    """Latitude and longitude of each corner."""
    speed_m_s: float
    one_way: bool = False
    """From the first corner to the last only."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Ban:
    """A turn that is not allowed, from one way over a corner into another."""

    from_way: Hashable
    over: Hashable
    to_way: Hashable
    only: bool = False
    """Whether every other turn from there is the one that is banned."""


@dataclass(frozen=True, slots=True)
class Built:
    """A graph, and what did not come into it."""

    graph: RoadGraph
    left_out: int
    """Edges that can't be reached from the rest, or from which nothing else can."""


def speed_m_s(highway: str, maxspeed: object) -> float | None:
    """Returns how fast a car drives on a way, by its tags, or `None` where it may not.

    Args:
        highway: OpenStreetMap's `highway`.
        maxspeed: OpenStreetMap's `maxspeed`: `60`, `40 mph`, `RU:urban`, or nothing.
    """
    usual = SPEEDS_KM_H.get(highway)
    if usual is None:
        return None
    return DRIVEN_FRACTION * _allowed_km_h(maxspeed, usual) / 3.6


def _allowed_km_h(maxspeed: object, usual: float) -> float:
    text = str(maxspeed or "").strip().lower()
    number = text.removesuffix("mph").removesuffix("km/h").strip()
    try:
        value = float(number)
    except ValueError:
        return usual
    value *= 1.609344 if text.endswith("mph") else 1.0
    return value if 5.0 <= value <= 200.0 else usual


_Edge = tuple[int, int, list[Hashable], float, int, Hashable, Hashable, str]
"""Crossings, corners, speed, twin, way at its begin and end, name."""
_Link = tuple[Hashable, Hashable, int, int]  # from corner, to corner, street, number within it


def build_roads(
    streets: Sequence[Street], bans: Sequence[Ban] = (), attribution: str = ""
) -> Built:
    """Returns the graph of streets.

    Only the largest part within which every place can be reached from every other is kept: a
    car sent into any other could not come back.

    Args:
        streets: at least one, each with at least two corners.
        bans: turns that are not allowed.
        attribution: whose data this is, in the words that its licence asks for.

    Raises:
        ValueError: if there is no street with a length.
    """
    places: dict[Hashable, tuple[float, float]] = {}
    links: list[_Link] = []
    for number, street in enumerate(streets):
        places.update(zip(street.corners, street.places, strict=True))
        for k in range(len(street.corners) - 1):
            a, b = street.corners[k], street.corners[k + 1]
            if a != b and street.places[k] != street.places[k + 1]:
                links.append((a, b, number, k))
    if not links:
        raise ValueError("no street has a length")
    chains = _chains(streets, links, {ban.over for ban in bans})
    return _graph(streets, places, chains, bans, attribution)


def _chains(
    streets: Sequence[Street], links: Sequence[_Link], kept: set[Hashable]
) -> list[list[_Link]]:
    """Returns the links joined at every corner where nothing happens."""
    at: dict[Hashable, list[int]] = defaultdict(list)
    for n, (a, b, _, _) in enumerate(links):
        at[a].append(n)
        at[b].append(n)

    def plain(corner: Hashable) -> bool:
        if len(at[corner]) != 2 or corner in kept or at[corner][0] == at[corner][1]:
            return False
        one, two = (links[n] for n in at[corner])
        first, second = streets[one[2]], streets[two[2]]
        if first.one_way != second.one_way or first.speed_m_s != second.speed_m_s:
            return False
        if first.name != second.name:
            return False
        return not first.one_way or (one[1] == corner) != (two[1] == corner)

    used = [False] * len(links)
    chains: list[list[_Link]] = []

    def walk(n: int, corner: Hashable) -> list[_Link]:
        """Goes on from a corner along link n until something happens."""
        chain = []
        while not used[n]:
            used[n] = True
            a, b, street, k = links[n]
            chain.append((a, b, street, k) if a == corner else (b, a, street, k))
            corner = b if a == corner else a
            if not plain(corner):
                break
            n = next(m for m in at[corner] if m != n)
        return chain

    for ends_only in (True, False):  # what is left after the first round are closed rings
        for n, (a, b, _, _) in enumerate(links):
            if used[n] or (ends_only and plain(a) and plain(b)):
                continue
            chain = walk(n, a if not ends_only or not plain(a) else b)
            one_way = streets[chain[0][2]].one_way
            if one_way and chain[0][0] != links[n][0]:  # walked against the traffic
                chain = [(b, a, street, k) for a, b, street, k in reversed(chain)]
            chains.append(chain)
    return chains


def _graph(
    streets: Sequence[Street],
    places: dict[Hashable, tuple[float, float]],
    chains: Sequence[list[_Link]],
    bans: Sequence[Ban],
    attribution: str,
) -> Built:
    numbers: dict[Hashable, int] = {}
    edges: list[_Edge] = []
    for chain in chains:
        corners = [chain[0][0], *(link[1] for link in chain)]
        a = numbers.setdefault(corners[0], len(numbers))
        b = numbers.setdefault(corners[-1], len(numbers))
        first, last = streets[chain[0][2]], streets[chain[-1][2]]
        here = len(edges)
        twin = -1 if first.one_way else here + 1
        name = first.name
        edges.append((a, b, corners, first.speed_m_s, twin, first.way, last.way, name))
        if not first.one_way:
            back = corners[::-1]
            edges.append((b, a, back, first.speed_m_s, here, last.way, first.way, name))
    tail = np.array([edge[0] for edge in edges])
    head = np.array([edge[1] for edge in edges])
    joined = csr_matrix((np.ones(len(edges)), (tail, head)), shape=(len(numbers),) * 2)
    _, part = connected_components(joined, connection="strong")
    inside = np.bincount(part[tail[part[tail] == part[head]]], minlength=1)
    keep = (part[tail] == inside.argmax()) & (part[head] == inside.argmax())
    if not keep.any():  # one-way streets that lead nowhere: better all than none
        keep[:] = True
    chosen = np.flatnonzero(keep)
    renumbered = np.full(len(edges) + 1, -1)
    renumbered[chosen] = np.arange(len(chosen))
    _, ends = np.unique(np.concatenate([tail[chosen], head[chosen]]), return_inverse=True)
    kept = [edges[n] for n in chosen]
    points = [[places[corner] for corner in edge[2]] for edge in kept]
    flat = np.array([place for shape in points for place in shape])
    sizes = [len(shape) for shape in points]
    frame = LocalFrame(*flat.mean(axis=0))
    east, north = frame.to_en_m(flat[:, 0], flat[:, 1])
    step = np.hypot(np.diff(east, append=east[-1]), np.diff(north, append=north[-1]))
    ends_at = np.cumsum(sizes)
    step[ends_at - 1] = 0.0  # between the last point of one edge and the first of the next
    start = np.concatenate([[0], ends_at])
    pairs = _banned(edges, numbers, bans, renumbered)
    graph = RoadGraph(
        tail=ends[: len(chosen)],
        head=ends[len(chosen) :],
        length_m=np.maximum(np.add.reduceat(step, start[:-1]), 0.01),
        speed_m_s=np.array([edge[3] for edge in kept]),
        shape_start=start,
        shape_lat_deg=flat[:, 0],
        shape_lon_deg=flat[:, 1],
        twin=renumbered[[edge[4] for edge in kept]],
        banned=np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2),
        attribution=attribution,
        streets=tuple(edge[7] for edge in kept) if any(edge[7] for edge in kept) else (),
    )
    return Built(graph, len(edges) - len(chosen))


def _banned(
    edges: Sequence[_Edge],
    numbers: dict[Hashable, int],
    bans: Sequence[Ban],
    renumbered: Ints,
) -> set[tuple[int, int]]:
    entering: dict[int, list[int]] = defaultdict(list)
    leaving: dict[int, list[int]] = defaultdict(list)
    for n, edge in enumerate(edges):
        if renumbered[n] >= 0:
            leaving[edge[0]].append(n)
            entering[edge[1]].append(n)
    pairs: set[tuple[int, int]] = set()
    for ban in bans:
        over = numbers.get(ban.over, -1)
        for e in entering[over]:
            if edges[e][6] != ban.from_way:
                continue
            meant = {f for f in leaving[over] if edges[f][5] == ban.to_way}
            if ban.from_way == ban.to_way and not ban.only:  # turning round, not going straight on
                meant &= {edges[e][4]}
            if not meant:  # the way that it speaks of is not here: it says nothing then
                continue
            wrong = set(leaving[over]) - meant if ban.only else meant
            pairs |= {(int(renumbered[e]), int(renumbered[f])) for f in wrong}
    return pairs
