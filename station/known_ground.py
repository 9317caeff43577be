"""Where a station is, by all that it knows; whether what comes in lies there only swapped."""

from collections.abc import Sequence

from core.errors import QyranError, SourceUnreadable, ZoneInvalid
from geo.ports import ZoneStore
from geo.swapped import CURE, SAID, Box, box_at, box_of_document, boxes_of, swapped_among
from geo.zones import Zone
from missions.model import Asset
from missions.permissions import Permission
from missions.ports import MissionStore
from station.services import city


def known_boxes(zones: ZoneStore, missions: MissionStore, new: Sequence[str] = ()) -> list[Box]:
    """Returns the boxes of the zones and homes that a station knows, and of its map.

    Args:
        zones: those that are kept.
        missions: has the assets.
        new: ids of zones that are about to be replaced: these say nothing.
    """
    kept = [zone for zone in zones.find(active=False) if zone.zone_id not in new]
    homes = [box_at(a.home.lat_deg, a.home.lon_deg) for a in missions.assets()]
    mapped = box_of_document(city())
    return [*boxes_of(kept), *homes, *([] if mapped is None else [mapped])]


def refuse_swapped_zones(zones: Sequence[Zone], known: Sequence[Box], file: str) -> None:
    """Refuses zones of which one lies by all that is known only with its coordinates swapped.

    Raises:
        ZoneInvalid: if there is one; `where` names the row.
    """
    number = swapped_among(boxes_of(zones), known)
    if number is None:
        return
    name = zones[number].name
    raise _refusal(ZoneInvalid, f"{file}, row {number + 1}" + (f" ({name})" if name else ""))


def refuse_swapped_permissions(
    permissions: Sequence[Permission], known: Sequence[Box], file: str
) -> None:
    """Refuses permissions of which one lies by all that is known only when it is swapped.

    Raises:
        ZoneInvalid: if there is one; `where` names it.
    """
    boxes: list[Box] = [p.area.bounds for p in permissions]
    number = swapped_among(boxes, known)
    if number is not None:
        raise _refusal(ZoneInvalid, f"{file}, permission {permissions[number].number}")


def refuse_swapped_assets(assets: Sequence[Asset], known: Sequence[Box], file: str) -> None:
    """Refuses assets of which one's home lies by all that is known only when it is swapped.

    Raises:
        SourceUnreadable: if there is one; `where` names it.
    """
    homes = [box_at(asset.home.lat_deg, asset.home.lon_deg) for asset in assets]
    number = swapped_among(homes, known)
    if number is not None:
        raise _refusal(SourceUnreadable, f"{file}, home of {assets[number].asset_id}")


def _refusal(kind: type[QyranError], where: str) -> QyranError:
    return kind(SAID, where=where, cure=CURE)
