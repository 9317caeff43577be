"""Assets as people write them down: a JSON file with one asset or a list of them.

```json
[{"id": "drone-1", "name": "Drone 1", "kind": "drone", "agency": "police",
  "address": "udpin://0.0.0.0:14540", "video": "rtsp://10.0.0.5/main",
  "home": {"lat": 50.9754, "lon": 71.3549, "ground_m": 350.0, "datum": "geoid"},
  "cruise_m_s": 7.0, "endurance_s": 1500,
  "camera": {"id": "drone-1-gimbal", "width_px": 1920, "height_px": 1080,
             "hfov_deg": 62.0, "pitch_deg": -55.0},
  "acceptance_radius_m": 2.0, "autopilot": "px4", "climb_m_s": 2.5, "sink_m_s": 1.5,
  "link_range_m": 3000.0, "wind_most_m_s": 10.0, "coldest_c": -10.0,
  "energy": {"capacity_wh": 90.0, "hover_w": 180.0, "reserve_fraction": 0.2}}]
```

Only id, kind, home and cruise speed must be there; `read_asset_for` fills in even those from the
plan that the asset is to fly.
"""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from core.errors import SourceUnreadable
from core.ids import AgencyId, AssetId, CameraId
from geo.camera import CameraModel
from geo.positions import Altitude, Datum, Position
from missions.energy import EnergyModel
from missions.model import Asset, AssetKind, Autopilot, CameraMount, Plan
from station.bounded_fields import (
    NotNegative,
    Number,
    Positive,
    PositiveSeconds,
    Seconds,
    Speed,
)
from station.field_cures import refusal_of
from station.json_file import read_json

Fraction = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Home(_Strict):
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    ground_m: Number
    datum: Annotated[Datum, BeforeValidator(lambda word: Datum.named(str(word)))]


class _Camera(_Strict):
    id: str
    width_px: Annotated[int, Field(ge=16, le=20_000)]
    height_px: Annotated[int, Field(ge=16, le=20_000)]
    hfov_deg: Annotated[float, Field(gt=1, lt=179)]
    pitch_deg: Annotated[float, Field(ge=-90, le=0)]
    yaw_offset_deg: Number = 0.0
    height_m: NotNegative = 0.0
    yaw_sigma_deg: Positive = 2.0
    pitch_sigma_deg: Positive = 1.0
    roll_sigma_deg: Positive = 1.0
    time_sigma_s: Seconds = 0.05
    sigma_px: Positive = 4.0

    def to_domain(self) -> CameraMount:
        model = CameraModel.from_hfov(self.width_px, self.height_px, self.hfov_deg, self.sigma_px)
        return CameraMount(
            CameraId(self.id), model, self.pitch_deg, self.yaw_offset_deg, self.height_m,
            self.yaw_sigma_deg, self.pitch_sigma_deg, self.roll_sigma_deg, self.time_sigma_s,
        )  # fmt: skip


class _Energy(_Strict):
    capacity_wh: Positive = 90.0
    hover_w: Positive = 180.0
    drag_w_per_m3_s3: NotNegative = 0.35
    climb_j_per_m: NotNegative = 45.0
    reserve_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.2
    usable_at_c: tuple[tuple[Number, Fraction], ...] = EnergyModel().usable_at_c
    swap_s: Seconds = 180.0
    greatest_air_speed_m_s: Speed = 15.0

    def to_domain(self) -> EnergyModel:
        return EnergyModel(**self.model_dump())


class _Asset(_Strict):
    id: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w.-]+$")]
    name: str = ""
    kind: AssetKind
    home: _Home
    cruise_m_s: Speed
    endurance_s: PositiveSeconds = 1_500.0
    turn_radius_m: Positive = 5.0
    acceptance_radius_m: Positive = 2.0
    agency: str | None = None
    address: str = ""
    video: str = ""
    passive: bool = False
    camera: _Camera | None = None
    autopilot: Autopilot = Autopilot.PX4
    climb_m_s: Speed = 2.5
    sink_m_s: Speed = 1.5
    energy: _Energy | None = None
    link_range_m: Positive | None = None
    wind_most_m_s: Speed = 10.0
    coldest_c: Number = -10.0
    attested: bool = False

    def to_domain(self) -> Asset:
        ground = Altitude(self.home.ground_m, self.home.datum)
        return Asset(
            AssetId(self.id), self.name or self.id, self.kind,
            self.camera.to_domain() if self.camera else None, self.cruise_m_s,
            Position(self.home.lat, self.home.lon, ground), self.endurance_s,
            self.turn_radius_m, self.acceptance_radius_m,
            AgencyId(self.agency) if self.agency else None, self.address, self.passive, self.video,
            self.autopilot, self.climb_m_s, self.sink_m_s,
            self.energy.to_domain() if self.energy else None, self.link_range_m,
            self.wind_most_m_s, self.coldest_c, self.attested,
        )  # fmt: skip


def read_assets(path: Path) -> tuple[Asset, ...]:
    """Returns the assets of a file.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no JSON or an asset makes no sense; the field is named.
    """
    document = read_json(path)
    many = document if isinstance(document, list) else [document]
    return tuple(_read(one, path).to_domain() for one in many)


def read_asset_for(path: Path, plan: Plan) -> tuple[Asset, tuple[str, ...]]:
    """Returns the one asset of a file, for a plan, and the names in it that mean nothing here.

    What the file leaves out comes from the plan (home, cruise speed) or is a drone's usual value,
    so that a file may hold no more than what matters for a check.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no JSON of one asset; the field is named.
    """
    document = read_json(path)
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, dict):
        cure = "give a file with one asset; see docs/guides/operate.md"
        raise SourceUnreadable("does not hold one asset", where=str(path), cure=cure)
    known = {name: value for name, value in document.items() if name in _Asset.model_fields}
    home = plan.home
    datum = home.altitude.datum
    usual = {
        "id": str(plan.asset_id),
        "kind": AssetKind.DRONE,
        "cruise_m_s": max(0.1, plan.cruise_m_s),
        "home": {
            "lat": home.lat_deg,
            "lon": home.lon_deg,
            "ground_m": home.altitude.metres,
            "datum": datum,
        },
    }
    strange = tuple(sorted(document.keys() - known.keys()))
    return _read({**usual, **known}, path).to_domain(), strange


def _read(document: object, path: Path) -> _Asset:
    try:
        return _Asset.model_validate(document)
    except ValidationError as error:
        raise refusal_of(error, path, "docs/guides/operate.md", "the asset") from error
