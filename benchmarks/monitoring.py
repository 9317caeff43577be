"""What it takes to judge every sample: 100 aircraft at 10 Hz over 1,000 zones.

    python benchmarks/monitoring.py [--zones 1000] [--aircraft 100] [--seconds 5]

Each sample goes through all rules and the escalation's input. Beside it: a plain loop that asks
shapely about each zone whether it holds the place, and nothing else. Goal: under half a core, p99
of a judgement under 50 ms. Times are process time of one core.
"""

import argparse
import random
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from shapely import Point

from benchmarks.dispatch import AT, FRAME, city
from core.ids import AssetId, MissionId
from geo.positions import Altitude, Datum, Position
from missions.model import Asset, AssetKind, ItemKind, Mission, MissionItem, Plan, SortieState
from missions.monitoring.flight import situation_of, track_of
from missions.monitoring.judging import Surroundings, judge_sample
from missions.monitoring.policy import MonitorPolicy
from missions.monitoring.zone_index import ZoneIndex
from telemetry.model import TelemetrySample, VehicleMode


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zones", type=int, default=1_000)
    parser.add_argument("--aircraft", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=5)
    given = parser.parse_args()
    rng = random.Random(1)
    zones = city(rng, given.zones)
    began = time.process_time()
    index = ZoneIndex(zones, FRAME.lat_deg, FRAME.lon_deg, AT)
    print(f"index of {len(zones)} zones: {1e3 * (time.process_time() - began):.0f} ms")
    around, policy, flights = Surroundings(index), MonitorPolicy(), []
    for n in range(given.aircraft):
        east, north = rng.uniform(-8e3, 8e3), rng.uniform(-8e3, 8e3)
        lat, lon = FRAME.to_geo1_deg(east, north)
        home = Position(lat, lon, Altitude(350.0, Datum.GEOID))
        asset = Asset(AssetId(f"d{n}"), f"d{n}", AssetKind.DRONE, None, 8.0, home)
        items = []
        for k in range(40):
            where = FRAME.to_geo1_deg(east + 30 * (k // 2), north + 300 * ((k + 1) // 2 % 2))
            items.append(
                MissionItem(ItemKind.WAYPOINT, Position(*where, Altitude(60.0, Datum.HOME)))
            )
        plan = Plan(Mission(MissionId("m"), tuple(items)), asset.asset_id, home, 8.0)
        sample = TelemetrySample(
            asset.asset_id, AT, Position(lat, lon, Altitude(60.0, Datum.HOME)), 8.0, 0.0, 0.0,
            horizontal_sigma_m=1.0, vertical_sigma_m=1.5, battery_fraction=0.8, armed=True,
            mode=VehicleMode.MISSION, on_ground=False,
        )  # fmt: skip
        flights.append((track_of(plan, asset, index.frame), sample, [None], north, lon))
    took, total = [], 10 * given.seconds
    for step in range(total):
        at = AT + timedelta(seconds=step / 10)
        for track, sample, before, north, lon in flights:
            lat = FRAME.to_geo1_deg(track.home[0], north + 0.8 * step)[0]
            moved = replace(sample, at=at, position=Position(lat, lon, Altitude(60.0, Datum.HOME)))
            start = time.process_time()
            situation = situation_of(track, SortieState.UNDERWAY, moved)
            judge_sample(situation, before[0], around, policy, at)
            before[0] = situation.spot
            took.append(time.process_time() - start)
    share = sum(took) / given.seconds
    print(f"monitor: {share:.2f} of a core, p99 {1e3 * np.quantile(took, 0.99):.2f} ms a sample")
    naive = []
    for track, _, _, _, _ in flights[:5]:
        place = Point(*reversed(FRAME.to_geo1_deg(*track.home)))
        start = time.process_time()
        [zone for zone in zones if zone.in_force(AT) and zone.area.contains(place)]
        naive.append(time.process_time() - start)
    rate = 10 * given.aircraft * sum(naive) / len(naive)
    print(f"naive loop, place in zone alone: {rate:.2f} of a core")


if __name__ == "__main__":
    main()
