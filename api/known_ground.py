"""Where the station is, by all that it knows; whether what comes in lies there only swapped."""

from collections.abc import Sequence

from api.services import Services
from core.errors import BadRequest, QyranError
from geo.swapped import CURE, SAID, Box, box_at, box_of_document, boxes_of, swapped_among


def refuse_swapped(
    services: Services,
    given: Sequence[Box],
    where: str,
    *,
    kind: type[QyranError] = BadRequest,
    replaced: str = "",
) -> None:
    """Refuses places that lie by all that the station knows only with swapped coordinates.

    Args:
        services: its zones, the homes of its assets and its map are what is known.
        given: boxes of what comes in.
        where: what it is about, for the message.
        kind: the error's class.
        replaced: the id of a zone that gives way, and so says nothing.

    Raises:
        QyranError: of that kind, if one of them does.
    """
    kept = [zone for zone in services.zones.find(active=False) if zone.zone_id != replaced]
    homes = [box_at(a.home.lat_deg, a.home.lon_deg) for a in services.missions.assets()]
    mapped = box_of_document(services.city())
    known = [*boxes_of(kept), *homes, *([] if mapped is None else [mapped])]
    number = swapped_among(given, known)
    if number is None:
        return
    west, south, east, north = given[number]
    lon, lat = (west + east) / 2, (south + north) / 2
    raise kind(f"{SAID} (longitude {lon:g}, latitude {lat:g} was read)", where=where, cure=CURE)
