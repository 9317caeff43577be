"""What is wrong with flights, as the API tells it."""

from datetime import timedelta

from api.schemas.concerns import MonitoredOut
from core.ids import AssetId, SortieId
from missions.monitoring.concerns import Concern, ConcernCode, Gravity
from missions.monitoring.escalation import Stage
from missions.monitoring.monitored import Monitored
from tests.builders import NOW

CONCERN = Concern(
    ConcernCode.ZONE_BREACH,
    Gravity.ACT,
    "5 m inside market",
    NOW,
    "market",
    (50.9, 71.3),
    5,
    0,
    "m",
)


def test_a_flight_is_told_with_what_is_wrong_and_since_when():
    since = NOW - timedelta(seconds=3)
    one = Monitored(
        SortieId("s-1"), AssetId("drone-1"), NOW, Stage.HELD, False, (CONCERN,), (since,)
    )
    shown = MonitoredOut.from_domain(one).model_dump(mode="json")
    assert (shown["stage"], shown["manual"]) == ("held", False)
    (told,) = shown["concerns"]
    assert (told["code"], told["gravity"], told["about"]) == ("zone_breach", "act", "market")
    assert told["place"] == {"type": "Point", "coordinates": [71.3, 50.9]}
    assert told["since"] < told["at"]
