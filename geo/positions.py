"""Positions, altitudes with their datum, attitudes, and points on the ground with covariance.

Angles are degrees. Latitude and longitude are WGS 84. No bare altitude exists: a height is
an `Altitude`, and two of different datums are never compared here (see `geo.datums`).
"""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

CHI2_90_2DOF = 4.605170185988092
"""The 90 % quantile of chi-square with two degrees of freedom: -2 ln 0.1."""


class Datum(StrEnum):
    """What a height is counted from."""

    ELLIPSOID = "ellipsoid"
    """The WGS 84 ellipsoid (height above ellipsoid, HAE)."""
    GEOID = "geoid"
    """Mean sea level by a geoid model (AMSL, orthometric)."""
    GROUND = "ground"
    """The ground straight below (AGL)."""
    HOME = "home"
    """The place of take-off."""

    @classmethod
    def named(cls, word: str) -> "Datum":
        """Returns the datum of a word: our own, or `AGL`, `AMSL`, `MSL`, `HAE`, in any case.

        Raises:
            ValueError: if it names none.
        """
        text = word.strip().lower()
        try:
            return cls(_DATUM_WORDS.get(text, text))
        except ValueError as error:
            raise ValueError(f"{word!r} is no datum; say AGL, AMSL, home or ellipsoid") from error

    @classmethod
    def words(cls) -> tuple[str, ...]:
        """Returns the words that `named` takes: ours in small letters, all others in capitals."""
        return (*(str(datum) for datum in cls), *(word.upper() for word in _DATUM_WORDS))


_DATUM_WORDS = {
    "agl": "ground", "sfc": "ground", "amsl": "geoid", "msl": "geoid", "orthometric": "geoid",
    "hae": "ellipsoid", "wgs84": "ellipsoid", "w84": "ellipsoid", "relative": "home",
    "ato": "home",
}  # fmt: skip
"""What aviation (ICAO Annex 15), ASTM F3548 and autopilots call our datums."""


@dataclass(frozen=True, slots=True)
class Altitude:
    """A height in metres above a datum."""

    metres: float
    datum: Datum

    def __post_init__(self) -> None:
        """Refuses NaN and infinity.

        Raises:
            ValueError: if `metres` is not finite.
        """
        if not math.isfinite(self.metres):
            raise ValueError(f"an altitude must be finite, not {self.metres}")


@dataclass(frozen=True, slots=True)
class Position:
    """A place: latitude and longitude on WGS 84 and an altitude."""

    lat_deg: float
    lon_deg: float
    altitude: Altitude

    def __post_init__(self) -> None:
        """Refuses what is no place on Earth.

        Raises:
            ValueError: if latitude is outside -90..90 or longitude outside -180..180.
        """
        if not (-90.0 <= self.lat_deg <= 90.0 and -180.0 <= self.lon_deg <= 180.0):
            raise ValueError(f"no place on Earth: {self.lat_deg}, {self.lon_deg}")


@dataclass(frozen=True, slots=True)
class Attitude:
    """3-2-1 Euler angles in north-east-down of a body (x forward, y right, z down).

    For a camera, x is the optical axis, y points to the right of the picture and z to its
    bottom: yaw 90 looks east, pitch -90 looks straight down.
    """

    yaw_deg: float
    """Clockwise from true north."""
    pitch_deg: float
    """Positive nose up."""
    roll_deg: float = 0.0
    """Positive right side down."""

    def __post_init__(self) -> None:
        """Refuses NaN and infinity.

        Raises:
            ValueError: if an angle is not finite.
        """
        if not all(math.isfinite(a) for a in (self.yaw_deg, self.pitch_deg, self.roll_deg)):
            raise ValueError("an attitude must be finite")


@dataclass(frozen=True, slots=True)
class PoseSigma:
    """One-sigma errors of a camera pose."""

    horizontal_m: float
    """Of the position on each horizontal axis."""
    vertical_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    time_s: float = 0.0
    """Of the time stamp that joined picture and telemetry."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a camera was and how it looked, at one instant, with its uncertainty."""

    at: datetime
    position: Position
    attitude: Attitude
    sigma: PoseSigma
    north_m_s: float = 0.0
    """Velocity towards north; turns a time error into metres."""
    east_m_s: float = 0.0
    yaw_rate_deg_s: float = 0.0
    """Turn of the optical axis about the vertical; turns a time error into degrees."""


@dataclass(frozen=True, slots=True)
class Covariance:
    """A 2x2 covariance on the ground, in square metres, axes east and north."""

    ee_m2: float
    nn_m2: float
    en_m2: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what is no covariance.

        Raises:
            ValueError: if a variance is negative or the matrix is not positive semi-definite.
        """
        determinant = self.ee_m2 * self.nn_m2 - self.en_m2**2
        tolerance = 1e-9 * max(1.0, self.ee_m2 * self.nn_m2)
        if not (self.ee_m2 >= 0 and self.nn_m2 >= 0 and determinant >= -tolerance):
            raise ValueError(f"not a covariance: {self}")

    def __add__(self, other: "Covariance") -> "Covariance":
        """Returns the covariance of the sum of two independent errors."""
        return Covariance(
            self.ee_m2 + other.ee_m2, self.nn_m2 + other.nn_m2, self.en_m2 + other.en_m2
        )

    def mahalanobis2(self, east_m: float, north_m: float) -> float:
        """Returns the squared Mahalanobis length of an offset under this covariance."""
        determinant = self.ee_m2 * self.nn_m2 - self.en_m2**2
        if determinant <= 0:
            return math.inf if (east_m or north_m) else 0.0
        return (
            self.nn_m2 * east_m**2 - 2 * self.en_m2 * east_m * north_m + self.ee_m2 * north_m**2
        ) / determinant

    @property
    def axes_m2(self) -> tuple[float, float]:
        """The variances along the major and the minor axis of the ellipse."""
        mean = (self.ee_m2 + self.nn_m2) / 2
        half = math.hypot((self.ee_m2 - self.nn_m2) / 2, self.en_m2)
        return mean + half, max(0.0, mean - half)

    @property
    def bearing_deg(self) -> float:
        """Direction of the major axis, clockwise from north, 0 to 180."""
        # atan2 gives the angle from east, counter-clockwise
        angle = 0.5 * math.degrees(math.atan2(2 * self.en_m2, self.ee_m2 - self.nn_m2))
        return (90.0 - angle) % 180.0

    @property
    def ce90_m(self) -> float:
        """Radius of the circle about the mean that holds 90 % of a normal error.

        Our own polynomial in the ratio of the axes, fitted to the exact integral (largest
        error 0.2 %): from 1.645 sigma for a line to 2.146 sigma for a circle.
        """
        major, minor = (math.sqrt(v) for v in self.axes_m2)
        if major == 0.0:
            return 0.0
        c = minor / major
        return major * (1.64485 + c**2 * (0.32393 + c * (-0.31684 + c * (1.16537 - 0.67304 * c))))


@dataclass(frozen=True, slots=True)
class GroundPoint:
    """A place on the ground, with how well it is known."""

    lat_deg: float
    lon_deg: float
    covariance: Covariance
    altitude: Altitude | None = None

    @property
    def radius_m(self) -> float:
        """The CE90: 90 % of errors are smaller."""
        return self.covariance.ce90_m
