"""What may be asked of an asset beside its mission, as far as its kind tells."""

from missions.guided import Capability
from missions.model import Asset, AssetKind, Autopilot

_C = Capability
_FLIGHT = frozenset({_C.FLY_TO, _C.ORBIT, _C.FOLLOW, _C.LOOK_AT, _C.ZOOM})


def capabilities_of(asset: Asset) -> tuple[Capability, ...]:
    """Returns what may be asked; whether a single aircraft carries it shows when it is asked.

    A car is told by its driver. MAVLink has a lamp, which ArduPilot does not show, and no words
    for a loudspeaker.
    """
    if asset.kind is not AssetKind.DRONE or asset.passive:
        return ()
    also = {_C.LIGHT} if asset.autopilot is Autopilot.PX4 else set()
    return tuple(sorted(_FLIGHT | also))
