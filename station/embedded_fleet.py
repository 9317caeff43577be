"""Our own simulated vehicles as a fleet of MAVLink endpoints on this machine."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from core.errors import PortInUse
from core.ids import AssetId
from geo.positions import Altitude, Datum, Position
from missions.model import AssetKind, Autopilot
from sim.clock import ScaledClock
from sim.mavlink_vehicle import MavlinkVehicle
from sim.profiles import PROFILES
from station.autopilots import Started, homes
from station.demo_scenario import demo_assets

_LAST_PORT = 65_535


@contextmanager
def embedded_vehicles(
    count: int, clock: ScaledClock, first_port: int, profile: str
) -> Iterator[tuple[tuple[Started, ...], tuple[MavlinkVehicle, ...]]]:
    """Starts simulated vehicles that send to ports of this machine, one after the other.

    Args:
        count: how many.
        clock: their time.
        first_port: of the first; each next one has the next port.
        profile: whose ways they have, of `sim.profiles.PROFILES`.

    Raises:
        PortInUse: if there are not as many ports from there on.
    """
    if first_port + count - 1 > _LAST_PORT:
        raise PortInUse(
            f"there are no {count} ports from {first_port} on",
            where="--port",
            cure="begin with a lower one",
        )
    chosen = PROFILES[profile]
    wanted = AssetKind.VEHICLE if profile.endswith("rover") else AssetKind.DRONE
    like = next(asset for asset in demo_assets() if asset.kind is wanted)
    kind = Autopilot.ARDUPILOT if profile.startswith("ardu") else Autopilot.PX4
    with ExitStack() as stack:
        started, vehicles = [], []
        for number, (lat, lon, amsl_m) in enumerate(homes(count)):
            asset = replace(
                like,
                asset_id=AssetId(f"sim-{number}"),
                home=Position(lat, lon, Altitude(amsl_m, Datum.GEOID)),
                autopilot=kind,
            )
            port, system_id = first_port + number, number + 1
            vehicles.append(
                stack.enter_context(
                    MavlinkVehicle(
                        asset, clock=clock, port=port, seed=number, system_id=system_id,
                        profile=chosen,
                    )
                )
            )  # fmt: skip
            started.append(Started(number, profile, f"udpin://127.0.0.1:{port}", system_id))
        yield tuple(started), tuple(vehicles)
