"""Assets as people write them down: a JSON file with one asset or a list of them.

```json
[{"id": "drone-1", "name": "Drone 1", "kind": "drone", "agency": "police",
  "address": "udpin://0.0.0.0:14540", "video": "rtsp://10.0.0.5/main",
  "home": {"lat": 50.9754, "lon": 71.3549, "ground_m": 350.0, "datum": "geoid"},
  "cruise_m_s": 7.0, "endurance_s": 1500,
  "camera": {"id": "drone-1-gimbal", "width_px": 1920, "height_px": 1080,
             "hfov_deg": 62.0, "pitch_deg": -55.0}}]
```
"""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import SourceMissing, SourceUnreadable
from core.ids import AgencyId, AssetId, CameraId
from geo.camera import CameraModel
from geo.positions import Altitude, Datum, Position
from missions.model import Asset, AssetKind, CameraMount

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Home(_Strict):
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    ground_m: Number
    datum: Datum


class _Camera(_Strict):
    id: str
    width_px: Annotated[int, Field(ge=16, le=20_000)]
    height_px: Annotated[int, Field(ge=16, le=20_000)]
    hfov_deg: Annotated[float, Field(gt=1, lt=179)]
    pitch_deg: Annotated[float, Field(ge=-90, le=0)]
    yaw_offset_deg: Number = 0.0
    height_m: Annotated[float, Field(ge=0)] = 0.0
    yaw_sigma_deg: Positive = 2.0
    pitch_sigma_deg: Positive = 1.0
    roll_sigma_deg: Positive = 1.0
    time_sigma_s: Annotated[float, Field(ge=0)] = 0.05
    sigma_px: Positive = 4.0

    def to_domain(self) -> CameraMount:
        model = CameraModel.from_hfov(self.width_px, self.height_px, self.hfov_deg, self.sigma_px)
        return CameraMount(
            CameraId(self.id), model, self.pitch_deg, self.yaw_offset_deg, self.height_m,
            self.yaw_sigma_deg, self.pitch_sigma_deg, self.roll_sigma_deg, self.time_sigma_s,
        )  # fmt: skip


class _Asset(_Strict):
    id: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w.-]+$")]
    name: str = ""
    kind: AssetKind
    home: _Home
    cruise_m_s: Positive
    endurance_s: Positive = 1_500.0
    turn_radius_m: Positive = 5.0
    acceptance_radius_m: Positive = 2.0
    agency: str | None = None
    address: str = ""
    video: str = ""
    passive: bool = False
    camera: _Camera | None = None

    def to_domain(self) -> Asset:
        ground = Altitude(self.home.ground_m, self.home.datum)
        return Asset(
            AssetId(self.id), self.name or self.id, self.kind,
            self.camera.to_domain() if self.camera else None, self.cruise_m_s,
            Position(self.home.lat, self.home.lon, ground), self.endurance_s,
            self.turn_radius_m, self.acceptance_radius_m,
            AgencyId(self.agency) if self.agency else None, self.address, self.passive, self.video,
        )  # fmt: skip


def read_assets(path: Path) -> tuple[Asset, ...]:
    """Returns the assets of a file.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no JSON or an asset makes no sense; the field is named.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SourceMissing("there is no such file", where=str(path)) from error
    except (OSError, ValueError) as error:
        raise SourceUnreadable(f"is no JSON: {error}", where=str(path)) from error
    many = document if isinstance(document, list) else [document]
    try:
        read = [_Asset.model_validate(one) for one in many]
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the asset"
        raise SourceUnreadable(
            f"{field}: {first['msg']}", where=str(path), cure="see docs/guides/operate.md"
        ) from error
    return tuple(one.to_domain() for one in read)
