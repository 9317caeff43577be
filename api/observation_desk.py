"""Takes in what a device elsewhere has seen: once by its serial, checked, judged, merged."""

import base64
import binascii
import hashlib
import threading
from dataclasses import dataclass, field
from datetime import timedelta

from api.accounts import Account, Receipt, Role
from api.pictures import checked_picture
from api.schemas.observations import ObservationBody
from api.services import CameraPlace, Services
from core.errors import BadRequest, KeyReused, NotAllowed
from core.ids import CameraId
from geo.zones import Purpose
from incidents.intake import elsewhere_observation, report_observation_from_elsewhere
from incidents.model import Evidence, EvidenceRole

_AHEAD = timedelta(minutes=5)
"""How far a device's clock may be ahead of ours."""


@dataclass(slots=True)
class ObservationDesk:
    """One at a time: two sendings of the same serial must not both be new."""

    services: Services
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def take_in(self, account: Account, body: ObservationBody) -> tuple[Receipt, bool]:
        """Returns the receipt of an observation, and whether it is new.

        Raises:
            NotAllowed: if a device posts for another.
            KeyReused: if the serial was used for another content.
            BadRequest: if its picture, time or camera make no sense.
            SourceUnreadable: if its picture does not decode.
        """
        if Role.ADMIN not in account.roles and account.login != body.device_id.lower():
            raise NotAllowed(
                "a device may post its own observations alone",
                where=body.device_id,
                cure=f"send device_id {account.login}",
            )
        fingerprint = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
        with self._turn:
            known = self.services.receipts.receipt(body.device_id, body.serial)
            if known is not None:
                if known.fingerprint != fingerprint:
                    raise KeyReused(
                        "that serial was sent before with another content",
                        where=body.serial,
                        cure="give every observation a serial of its own",
                    )
                return known, False
            receipt = self._taken_in(body, fingerprint)
            # a stop before this line is made good by sending again: the intake knows its id
            self.services.receipts.add_receipt(receipt)
            return receipt, True

    def _taken_in(self, body: ObservationBody, fingerprint: str) -> Receipt:
        services = self.services
        now = services.clock.now()
        if body.at > now + _AHEAD:
            raise BadRequest("it was seen in the future", where="at", cure="set the device's clock")
        oldest = services.limits.observation_age
        if oldest is not None and body.at < now - oldest:
            raise BadRequest(
                f"it was seen more than {oldest / timedelta(days=1):g} days ago",
                where="at",
                cure="set the device's clock, or raise server.observation_days",
            )
        place = self._place(body)
        observation = elsewhere_observation(
            device_id=body.device_id,
            serial=body.serial,
            at=body.at,
            kind=body.kind,
            label=body.label,
            confidence=body.confidence,
            lat_deg=place.lat_deg,
            lon_deg=place.lon_deg,
            radius_m=place.radius_m,
            camera_id=None if body.camera_id is None else CameraId(body.camera_id),
            plate=body.plate,
            evidence=self._evidence(body),
        )
        answer = report_observation_from_elsewhere(
            observation,
            services.zones.find(Purpose.WATCH),
            services.incidents,
            services.notifier,
            now,
        )
        refused = answer.refused
        return Receipt(
            device_id=body.device_id,
            serial=body.serial,
            fingerprint=fingerprint,
            observation_id=answer.observation_id,
            incident_id=None if answer.incident is None else answer.incident.incident_id,
            refused_code="" if refused is None else str(refused.code),
            refused_reason="" if refused is None else refused.reason,
            received_at=now,
        )

    def _place(self, body: ObservationBody) -> CameraPlace:
        if body.lat is not None and body.lon is not None and body.radius_m is not None:
            return CameraPlace(body.lat, body.lon, body.radius_m)
        place = self.services.cameras.get(CameraId(body.camera_id or ""))
        if place is None:
            raise BadRequest(
                "the place of that camera is not known",
                where="camera_id",
                cure="send lat, lon and radius_m",
            )
        return place

    def _evidence(self, body: ObservationBody) -> tuple[Evidence, ...]:
        if body.picture is None:
            return ()
        try:
            data = base64.b64decode(body.picture, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadRequest(
                "the picture is no base64", where="picture", cure="send it as RFC 4648 base64"
            ) from error
        head = checked_picture(self.services, data)
        digest = self.services.vault.put(data, head.media_type)
        camera = CameraId(body.camera_id or body.device_id)
        return (
            Evidence(digest, EvidenceRole.PICTURE, head.media_type, len(data), body.at, camera),
        )
