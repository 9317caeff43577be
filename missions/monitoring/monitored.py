"""What is shown of a flight that is monitored."""

from dataclasses import dataclass
from datetime import datetime

from core.ids import AssetId, SortieId
from missions.monitoring.concerns import Concern
from missions.monitoring.escalation import Stage


@dataclass(frozen=True, slots=True)
class Monitored:
    """One flight with what is wrong with it."""

    sortie_id: SortieId
    asset_id: AssetId
    at: datetime
    stage: Stage
    manual: bool
    concerns: tuple[Concern, ...]
    """The gravest first; each with the instant that it was last seen at."""
    since: tuple[datetime, ...]
    """Since when each of them lasts."""
