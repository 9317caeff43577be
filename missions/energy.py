"""How much energy an aircraft has and what moving costs it; values only (see `endurance`)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EnergyModel:
    """The battery of a multicopter and its consumption."""

    capacity_wh: float = 90.0
    """When full and warm."""
    hover_w: float = 180.0
    """Electric power to hover in still air."""
    drag_w_per_m3_s3: float = 0.35
    """Power that air speed costs besides: this times its third power."""
    climb_j_per_m: float = 45.0
    """Energy of a metre of climb beyond hovering for that time."""
    reserve_fraction: float = 0.2
    """Of what is usable, never planned with."""
    usable_at_c: tuple[tuple[float, float], ...] = (
        (-30.0, 0.55),
        (-20.0, 0.68),
        (-10.0, 0.80),
        (0.0, 0.90),
        (20.0, 1.0),
    )
    """Air temperature in degrees Celsius, and the part of the capacity that can be used then."""
    swap_s: float = 180.0
    """From landing to being ready again with a fresh battery."""
    greatest_air_speed_m_s: float = 15.0
