"""A station in memory behind its real app: real accounts, real tokens, no network."""

import asyncio
import io
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from PIL import Image, UnidentifiedImageError

from api.accounts import Account, Agency, Role, TokenKind
from api.adapters.argon2_passwords import Argon2Passwords
from api.adapters.embedded_operations import EmbeddedOperations
from api.adapters.memory_accounts import MemoryAccounts
from api.app import create_app
from api.hosts import AllowedHosts
from api.live import LiveFeed
from api.policies import COOKIE
from api.services import CameraPlace, Services, Versions
from api.setup import SetUp
from api.signing_in import issue_token, new_account
from api.throttle import SignInThrottle
from core.errors import SourceUnreadable
from core.ids import AgencyId, AssetId, CameraId
from geo.adapters.memory_zones import MemoryZones
from incidents.adapters.memory_store import MemoryIncidentStore
from incidents.adapters.memory_vault import MemoryVault
from missions.adapters.calendar_days import CalendarDays
from missions.adapters.memory_control import MemoryControlStore
from missions.adapters.memory_handoffs import MemoryHandoffStore
from missions.adapters.memory_permissions import MemoryPermissions
from missions.adapters.memory_schedules import MemoryScheduleStore
from missions.adapters.memory_store import MemoryMissionStore
from missions.adapters.memory_taps import MemoryTapStore
from missions.control.desk import ControlDesk
from missions.model import AssetKind
from sim.clock import ManualClock
from telemetry.adapters.memory_log import MemoryTelemetryLog
from telemetry.posted import Postbox
from tests.builders import AT, NOW, a_patrol, a_zone, an_asset

BASE = "http://testserver"
API = "/api/v1"
PASSWORDS = Argon2Passwords(time_cost=1, memory_kib=64)
PASSWORD = "a long enough password"


def a_name(words: Mapping[str, str] | str) -> dict[str, str]:
    return {language: str(words) for language in ("kk", "ru", "en")}


AGENCIES = (
    Agency(AgencyId("police"), a_name("Police"), service=False),
    Agency(AgencyId("cleaning"), a_name("Cleaning")),
    Agency(AgencyId("roads"), a_name("Roads")),
)


def a_picture(form: str = "JPEG", size: tuple[int, int] = (64, 48), shade: int = 90) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (shade, 120, 60)).save(out, form)
    return out.getvalue()


def decoded_size(data: bytes) -> tuple[int, int]:
    """The picture check of these tests; the station brings its own."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            return picture.size
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise SourceUnreadable("the picture does not decode") from error


class Client:
    """One visitor; sends requests through the app on the station's loop."""

    def __init__(self, station: "Station", headers: Mapping[str, str], cookie: str = "") -> None:
        self._station = station
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(station.app, client=("192.0.2.7", 4711)),
            base_url=BASE,
            headers=headers,
            cookies={COOKIE: cookie} if cookie else None,
        )

    async def asend(self, method: str, path: str, **options: Any) -> httpx.Response:
        url = path if options.pop("whole", False) else API + path
        return await self._http.request(method, url, **options)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._station.runner.run(self.asend(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        if body is not None:
            options["json"] = body
        return self.send("POST", path, **options)

    def put(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return self.send("PUT", path, json=body, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.send("DELETE", path, **options)

    @property
    def cookies(self) -> httpx.Cookies:
        return self._http.cookies


class Station:
    """Everything of a station that the API sees, with a clock that stands still."""

    def __init__(self, *, demo: bool = False, page_folder: Path | None = None, **more: Any) -> None:
        self.runner = asyncio.Runner()
        self.clock = ManualClock(NOW)
        self.zones = MemoryZones([a_zone()])
        self.missions = MemoryMissionStore()
        self.permissions = MemoryPermissions()
        self.schedules = MemoryScheduleStore()
        self.missions.save_asset(an_asset())
        self.missions.save_asset(
            an_asset(asset_id=AssetId("car-1"), name="Car 1", kind=AssetKind.VEHICLE)
        )
        self.missions.save_patrol(a_patrol())
        self.log = MemoryTelemetryLog()
        self.incidents = MemoryIncidentStore()
        self.vault = MemoryVault()
        self.accounts = MemoryAccounts()
        self.live = LiveFeed(self.clock)
        self.commands = MemoryControlStore()
        self.taps = MemoryTapStore()
        self.control = ControlDesk(self.commands, self.clock, on_lease=self.live.lease_changed)
        self.operations = EmbeddedOperations(self.missions, self.clock, self.control)
        lat, lon = AT.to_geo1_deg(0.0, 0.0)
        values: dict[str, Any] = {
            "zones": self.zones,
            "missions": self.missions,
            "permissions": self.permissions,
            "schedules": self.schedules,
            "days": CalendarDays(),
            "hosts": AllowedHosts(frozenset({"testserver"})),
            "telemetry_log": self.log,
            "incidents": self.incidents,
            "vault": self.vault,
            "notifier": self.live,
            "accounts": self.accounts,
            "receipts": self.accounts,
            "passwords": PASSWORDS,
            "picture_check": decoded_size,
            "clock": self.clock,
            "live": self.live,
            "setup": SetUp(),
            "throttle": SignInThrottle(self.clock),
            "operations": self.operations,
            "control": self.control,
            "commands": self.commands,
            "handoff_store": MemoryHandoffStore(self.commands),
            "taps": self.taps,
            "postbox": Postbox(self.log, self.operations.heard),
            "agencies": AGENCIES,
            "city": lambda: {"type": "FeatureCollection", "features": []},
            "page_folder": page_folder,
            "versions": Versions("0.1.0", "main-0001", "test-1"),
            "demo": demo,
            "cameras": {CameraId("camera-9"): CameraPlace(lat, lon, 5.0)},
            **more,
        }
        self.services = Services(**values)
        self.app = create_app(self.services)

    def close(self) -> None:
        self.runner.close()

    def account(
        self, *roles: Role, agency: str | None = "police", login: str = "", password: str = ""
    ) -> Account:
        name = login or f"{'-'.join(sorted(roles))}-{len(self.accounts.accounts())}"
        return new_account(
            self.accounts,
            PASSWORDS,
            self.clock,
            login=name,
            name=name.title(),
            password=password or None,
            roles=roles,
            agency=None if agency is None else AgencyId(agency),
        )

    def token_of(self, account: Account, kind: TokenKind = TokenKind.BEARER) -> str:
        lifetime = self.services.limits.session if kind is TokenKind.SESSION else None
        return issue_token(self.accounts, account.user_id, kind, self.clock, lifetime)

    def client(self, *roles: Role, account: Account | None = None, **options: Any) -> Client:
        """Returns a visitor with a bearer token of an account with these roles."""
        account = account or self.account(*roles, **options)
        return Client(self, {"Authorization": f"Bearer {self.token_of(account)}"})

    def stranger(self, **headers: str) -> Client:
        return Client(self, headers)

    def browser(self, account: Account, **headers: str) -> Client:
        """Returns a visitor with a session cookie and these headers."""
        return Client(self, headers, self.token_of(account, TokenKind.SESSION))


@contextmanager
def a_station(**options: Any) -> Any:
    station = Station(**options)
    try:
        yield station
    finally:
        station.close()
