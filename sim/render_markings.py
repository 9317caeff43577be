"""What is painted on streets: kerbs, lane lines, crossings, parking bays."""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.render_assets import Image
from sim.world_layout import AreaPurpose, Layout, Ring, Road

ToPixels = Callable[[Ring], NDArray[np.int32]]
"""Turns a ring in metres into pixels of the ground picture."""

_BAY_M = 3.2
_BAY_DEPTH_M = 5.2


def paint_markings(paint: Image, layout: Layout, to_pixels: ToPixels) -> None:
    """Draws the markings of a layout as grey levels into an empty one-channel picture."""
    for road in layout.roads:
        _paint_road(paint, road, _crossings(layout, road), to_pixels)
    for area in layout.areas:
        if area.purpose is AreaPurpose.PARKING:
            _paint_bays(paint, area.ring, to_pixels)


def _paint_road(paint: Image, road: Road, gaps_m: list[float], to_pixels: ToPixels) -> None:
    (x0, y0), (x1, y1) = road.centre_line
    length = math.dist((x0, y0), (x1, y1))
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    half = road.width_m / 2

    def strip(a: float, b: float, side: float, width: float, level: int) -> None:
        low, high = side - width / 2, side + width / 2
        ring = tuple(
            (x0 + ux * s + uy * q, y0 + uy * s - ux * q)
            for s, q in ((a, low), (b, low), (b, high), (a, high))
        )
        cv2.fillPoly(paint, [to_pixels(ring)], level)

    for side in (-half - 0.15, half + 0.15):
        strip(0, length, side, 0.3, 120)
    for along in np.arange(0.0, length, 7.0).tolist():
        if any(abs(along + 1.5 - gap) < 14 for gap in gaps_m):
            continue
        strip(along, along + 3, 0.0, 0.16, 235)
        if road.width_m > 12:
            for side in (half / 2 + 0.6, -half / 2 - 0.6):
                strip(along, along + 2, side, 0.13, 200)
    for gap in gaps_m:
        for offset in (-12.0, 12.0):
            for k in range(int(half * 2 / 1.1)):
                strip(gap + offset - 1.6, gap + offset + 1.6, -half + 0.6 + 1.1 * k, 0.5, 225)


def _crossings(layout: Layout, mine: Road) -> list[float]:
    """Returns where other roads cross a road, in metres along it."""
    (x0, y0), (_, y1) = mine.centre_line
    level = y0 == y1
    return [
        (road.centre_line[0][0] - x0) if level else (road.centre_line[0][1] - y0)
        for road in layout.roads
        if (road.centre_line[0][1] == road.centre_line[1][1]) != level
    ]


def _paint_bays(paint: Image, ring: Ring, to_pixels: ToPixels) -> None:
    (west, south), (east, _), (_, north) = ring[0], ring[1], ring[2]
    upright = north - south > east - west
    for k in range(int(max(north - south, east - west) / _BAY_M)):
        for near in (True, False):
            if upright:
                x = west + 0.4 if near else east - 0.4 - _BAY_DEPTH_M
                y = south + 4.4 + _BAY_M * k
                size = (_BAY_DEPTH_M, 0.13)
            else:
                x = west + 2.4 + _BAY_M * k
                y = south + 0.4 if near else north - 0.4 - _BAY_DEPTH_M
                size = (0.13, _BAY_DEPTH_M)
            if west < x < east and south < y < north:
                line = ((x, y), (x + size[0], y), (x + size[0], y + size[1]), (x, y + size[1]))
                cv2.fillPoly(paint, [to_pixels(line)], 205)
