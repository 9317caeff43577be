"""What a station has decided about its monitor; units in the names."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class MonitorPolicy:
    """When the monitor warns, and when it orders something."""

    sigmas: float = 2.0
    """So many one-sigma errors of the position are a doubt; within it is only warned."""
    ahead_s: float = 10.0
    """A zone that is entered within this, at the present velocity, is warned of."""
    begins_s: float = 120.0
    """A zone about the aircraft that begins within this is warned of."""
    leave_s: float = 45.0
    """A zone about the aircraft that begins within this must be left now."""
    margin_m: float = 5.0
    """Kept from borders beyond the way to brake."""
    route_margin_m: float = 12.0
    """Beside the proven way, beyond the acceptance radius."""
    sigma_most_m: float = 8.0
    """A position known worse is too uncertain to fly by."""
    jump_m: float = 15.0
    """A position may be off the motion by this and its own error before it counts as a jump."""
    stale_s: float = 3.0
    energy_spare_fraction: float = 0.05
    """Of a full battery: less than this beyond what a return needs is warned of."""
    land_fraction: float = 0.03
    """Of a full battery beyond what the descent takes; with less nothing is left to fly with."""
    permission_spare_s: float = 60.0
    confirm_s: float = 1.0
    """What it acts upon must last so long."""
    settle_s: float = 5.0
    """A concern that was not seen for so long is over."""
    hold_most_s: float = 20.0
    """How long a hold waits for a person before it returns, if what it holds for goes on."""
    retry_s: float = 10.0
    """Until an order that was not proven, or not obeyed, is tried again."""

    def __post_init__(self) -> None:
        """Refuses a policy that makes no sense.

        Raises:
            ValueError: if a number is negative or not finite.
        """
        for one in fields(self):
            value = getattr(self, one.name)
            if not 0 <= value < 1e9:
                raise ValueError(f"{one.name} must be at least 0 and finite, not {value}")
