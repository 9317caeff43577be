"""Makers for tests of hand-offs."""

from typing import Any

from core.ids import AssetId, Digest, UserId
from geo.positions import Covariance, GroundPoint
from missions.events import Candidate, Reason
from missions.handoffs.life import opened
from missions.handoffs.model import Handoff, HandoffId, Occasion, SosButton
from missions.handoffs.sos import key_hash
from tests.builders import AT, NOW

ANNA, BOLAT = UserId("anna"), UserId("bolat")
CAR, DRONE = AssetId("car-1"), AssetId("drone-1")


def a_point(east: float = 100.0, north: float = 50.0, sigma_m: float = 3.0) -> GroundPoint:
    lat, lon = AT.to_geo1_deg(east, north)
    return GroundPoint(lat, lon, Covariance(sigma_m**2, sigma_m**2))


def an_occasion(**changes: Any) -> Occasion:
    values: dict[str, Any] = {
        "event_id": "event-1", "kind": "sos", "point": a_point(), "at": NOW,
        "heading_deg": 90.0, "plate": "123ABC01", "picture": Digest("a" * 64), **changes,
    }  # fmt: skip
    return Occasion(**values)


def a_handoff(occasion: Occasion | None = None) -> Handoff:
    return opened(HandoffId("handoff-1"), occasion or an_occasion(), NOW, ANNA)


def a_candidate(asset_id: str = "car-1", **changes: Any) -> Candidate:
    point = a_point()
    values: dict[str, Any] = {
        "route": ((51.0, 71.0), (point.lat_deg, point.lon_deg)), "travel_s": 40.0, **changes,
    }  # fmt: skip
    return Candidate(AssetId(asset_id), True, Reason.CHOSEN, "there in 40 s", **values)


def a_button(button_id: str = "b-1", key: str = "the key") -> SosButton:
    return SosButton(button_id, "Bus stop", a_point(), key_hash(key))
