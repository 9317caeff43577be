"""All settings of a station: typed, frozen, each with a description and a unit.

Where a value comes from, the later winning: built-in default, the verb's own default (the
demo's), the file `qyran.toml` in the data folder, the environment (`QYRAN_SERVER__PORT`),
flags (`--set server.port=8010`). An unknown name anywhere is refused. `docs/settings.md` is
made from this file by `scripts/make_docs`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, IPvAnyNetwork, JsonValue
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from station.logs import LogFormat, LogLevel


def setting(
    default: Any, description: str, *, unit: str = "", secret: bool = False, **k: Any
) -> Any:
    """Returns a field with its description, its unit and whether `qyran config` hides it."""
    extra: dict[str, JsonValue] = {"unit": unit, "secret": secret}
    return Field(default, description=description, json_schema_extra=extra, **k)


def _words(value: object) -> object:
    """Lets a list be written with commas in the environment and in flags."""
    if isinstance(value, str):
        return [word.strip() for word in value.strip("[] ").split(",") if word.strip(" '\"")]
    return value


def _home() -> Path:
    return platformdirs.user_data_path("qyran", appauthor=False)


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
Networks = Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_words)]


class Group(BaseModel):
    """Settings that belong together; refuses unknown names and later changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ServerSettings(Group):
    """Where the API and the page are found, and who may reach them."""

    host: str = setting("127.0.0.1", "Address to listen on; 0.0.0.0 opens it to the network.")
    port: int = setting(8000, "Port to listen on; 0 takes a free one.", ge=0, le=65_535)
    hosts: Words = setting(
        (),
        "More names by which it may be called (Host header), such as that of a reverse proxy; "
        "loopback names and `server.host` always may, any bare address where it listens on all.",
    )
    trusted_proxies: Networks = setting(
        (), "Networks of reverse proxies whose X-Forwarded headers are believed."
    )
    session_hours: float = setting(12.0, "How long a sign-in holds.", unit="h", gt=0, le=720)
    body_max_mb: float = setting(20.0, "Largest request body.", unit="MB", gt=0, le=1_000)
    observation_days: float = setting(
        30.0, "Oldest observation of a device that is taken in; 0 takes any.",
        unit="days", ge=0, le=36_500,
    )  # fmt: skip
    stop_s: float = setting(10.0, "How long a stop waits for open requests.", unit="s", ge=0)


class LogSettings(Group):
    """What is written about the work, and where."""

    level: LogLevel = setting("warning", "Least level of our own records.")
    format: LogFormat = setting("human", "A line for a person, or one JSON object a line.")
    file: Path | None = setting(None, "Write the log to this file as well; it is rotated.")


class StoreSettings(Group):
    """Where rows and evidence are kept; all of it in the data folder."""

    free_least_mb: float = setting(
        500.0, "Free space that `qyran doctor` asks for.", unit="MB", ge=0
    )


class DetectorSettings(Group):
    """The network that looks at pictures."""

    engine: Literal["onnx", "ultralytics"] = setting(
        "onnx", "What runs the network; ultralytics needs the extra of that name."
    )
    weights: Path | None = setting(
        None, "Weights with their manifest beside them; none means those that are shipped."
    )
    threads: int = setting(1, "Threads of the network.", ge=1, le=256)
    batch: int = setting(4, "Most frames looked at in one go.", unit="frames", ge=1, le=64)
    queue_frames: int = setting(
        8, "Frames that may wait for each camera; a live one then drops its oldest.",
        unit="frames", ge=1, le=1_000,
    )  # fmt: skip


class PlanningSettings(Group):
    """How zones and schedules come into force."""

    zone_review: bool = setting(
        False, "Whether a second planner must review a zone before it holds."
    )
    schedule_review: bool = setting(
        False, "Whether another planner than its author must approve a schedule before it fires."
    )


class GeotagSettings(Group):
    """When a pixel may become a place."""

    pose_gap_ms: float = setting(
        200.0, "Furthest that a telemetry sample may be from a frame.", unit="ms", gt=0, le=10_000
    )
    distance_most_m: float = setting(
        500.0, "Furthest that a place may be from the camera.", unit="m", gt=0
    )
    radius_most_m: float = setting(
        25.0, "Places known worse (radius that holds 90 % of errors) are refused.", unit="m", gt=0
    )
    ground_m: float = setting(
        350.0, "Height of the city's ground above mean sea level, taken as level.", unit="m"
    )
    terrain_sigma_m: float = setting(
        1.0, "One-sigma error of the ground's height where it is taken as flat.", unit="m", ge=0
    )


class EvidenceSettings(Group):
    """What is kept of a violation."""

    clip_before_s: float = setting(2.0, "Length of a clip before the violation.", unit="s", ge=0)
    clip_after_s: float = setting(2.0, "Length of a clip after it.", unit="s", ge=0)


class LinkSettings(Group):
    """How long a vehicle may be silent, who may speak as one, and what must be signed."""

    connect_most_s: float = setting(30.0, "How long to wait for an autopilot.", unit="s", gt=0)
    silence_most_s: float = setting(5.0, "A silent vehicle is lost after this.", unit="s", gt=0)
    peers: Networks = setting(
        (),
        "Networks from which vehicles may speak, beside this machine itself; packets of others "
        "are dropped, and nothing is sent to them.",
    )
    signing: Literal["off", "required"] = setting(
        "off",
        "Whether MAVLink must be signed: without a key a vehicle is not opened, and nothing "
        "unsigned is sent or heeded.",
    )
    signing_keys: Path | None = setting(
        None, "JSON file of signing keys by asset (64 hex digits), which its owner alone may read."
    )
    car_silence_most_s: float = setting(
        600.0, "A patrol car is; a phone is silent while its screen is locked.", unit="s", gt=0
    )


class WeatherSettings(Group):
    """Where the weather gates of schedules get their data."""

    file: Path | None = setting(
        None, "JSON file with the newest observations; none keeps every gate closed."
    )


class MonitorSettings(Group):
    """When the live monitor warns of a flight, and when it orders something."""

    ahead_s: float = setting(
        10.0, "A zone that would be entered within this is warned of.", unit="s", ge=0, le=600
    )
    margin_m: float = setting(
        5.0, "Kept from borders beyond the way to brake.", unit="m", ge=0, le=1_000
    )
    route_margin_m: float = setting(
        12.0, "Beside the proven way, beyond the acceptance radius.", unit="m", ge=0, le=10_000
    )
    sigma_most_m: float = setting(
        8.0, "A position known worse (one sigma) is too uncertain.", unit="m", gt=0, le=1_000
    )
    stale_s: float = setting(3.0, "Silence that is warned of.", unit="s", gt=0, le=600)
    energy_spare_fraction: float = setting(
        0.05, "Of a full battery: less than this beyond a return and the reserve is warned of.",
        unit="of 1", ge=0, le=1,
    )  # fmt: skip
    permission_spare_s: float = setting(
        60.0, "A permission that ends so soon after a return would be ended by one.",
        unit="s", ge=0, le=86_400,
    )  # fmt: skip
    hold_most_s: float = setting(
        20.0, "How long a hold waits for a person before it returns.", unit="s", ge=0, le=3_600
    )


class LoudspeakerSettings(Group):
    """What may be said in public."""

    texts: Path | None = setting(
        None, "JSON list of approved texts (id, language, words); none means that nothing is said."
    )


class HandoffSettings(Group):
    """Events handed to who goes there."""

    answer_s: float = setting(
        20.0, "How long a crew has to answer before the next best is asked.",
        unit="s", gt=0, le=3_600,
    )  # fmt: skip
    press_window_s: float = setting(
        30.0, "Presses of an SOS button no longer apart than this are one event.",
        unit="s", ge=0, le=3_600,
    )  # fmt: skip
    violations: bool = setting(
        False, "Hand every new incident off at once; without it a person does by one click."
    )


class RetentionSettings(Group):
    """How long things are kept; `qyran purge` forgets what is older. 0 keeps for ever."""

    telemetry_days: int = setting(90, "Telemetry samples.", unit="days", ge=0, le=36_500)
    dismissed_media_days: int = setting(
        30, "Media that only rejected incidents hold.", unit="days", ge=0, le=36_500
    )


class Settings(BaseSettings):
    """Everything that may be set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        env_prefix="QYRAN_",
        env_nested_delimiter="__",
        toml_file=None,
        validate_default=False,
    )

    home: Path = Field(
        default_factory=_home,
        description="Data folder: rows, evidence, keys, qyran.toml.",
        json_schema_extra={"unit": "", "secret": False},
    )
    server: ServerSettings = ServerSettings()
    log: LogSettings = LogSettings()
    store: StoreSettings = StoreSettings()
    detector: DetectorSettings = DetectorSettings()
    planning: PlanningSettings = PlanningSettings()
    geotag: GeotagSettings = GeotagSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    link: LinkSettings = LinkSettings()
    weather: WeatherSettings = WeatherSettings()
    monitor: MonitorSettings = MonitorSettings()
    handoff: HandoffSettings = HandoffSettings()
    loudspeaker: LoudspeakerSettings = LoudspeakerSettings()
    retention: RetentionSettings = RetentionSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Returns the values given alone: `load_settings` joins the sources and keeps origins."""
        return (init_settings,)
