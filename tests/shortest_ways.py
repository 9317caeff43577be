"""Shortest ways the slow and obvious way: every corner of the free room against every other."""

import heapq
import math
from itertools import pairwise

from shapely import LineString, box, union_all

EVERYWHERE = box(-3_000, -3_000, 3_000, 3_000)


def exhaustive_way(areas, permitted, a, b, margin_m):
    """Returns the shortest way that keeps a margin from areas and border, or None."""
    grown = [area.buffer(margin_m, join_style="mitre", mitre_limit=1.5) for area in areas]
    free = EVERYWHERE
    if permitted is not None:
        free = permitted.buffer(-margin_m, join_style="mitre", mitre_limit=1.5)
    free = free.difference(union_all(grown)) if grown else free
    wide = free.buffer(0.03, join_style="mitre")
    nodes = [a, b]
    for part in getattr(free, "geoms", [free]):
        for ring in (part.exterior, *part.interiors):
            nodes += [(x, y) for x, y in ring.coords[:-1]]
    before, queue = {}, [(0.0, 0, None)]
    while queue:
        cost, here, came_from = heapq.heappop(queue)
        if here in before:
            continue
        before[here] = came_from
        if here == 1:
            break
        for there in range(len(nodes)):
            if there not in before and wide.covers(LineString([nodes[here], nodes[there]])):
                step = cost + math.dist(nodes[here], nodes[there])
                heapq.heappush(queue, (step, there, here))
    if 1 not in before:
        return None
    way, here = [], 1
    while here is not None:
        way.append(nodes[here])
        here = before[here]
    return way[::-1]


def length_m(way):
    """Returns how long a way is."""
    return math.fsum(math.dist(a, b) for a, b in pairwise(way))
