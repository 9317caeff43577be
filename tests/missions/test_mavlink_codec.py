from dataclasses import replace

import pytest

from missions.adapters.mavlink_codec import (
    RawItem,
    difference,
    encode_fences,
    encode_mission,
    encode_rally,
)
from missions.model import ItemKind, MissionItem
from tests.builders import a_mission, a_place
from tests.missions.flying import a_fence, a_short_mission

SENT = encode_mission(a_mission()).items


def test_what_is_held_as_sent_does_not_differ() -> None:
    assert difference(SENT, SENT) == ""
    rounded = [replace(item, x=item.x + 1, z=item.z + 5e-4) for item in SENT]
    assert difference(SENT, rounded) == ""


@pytest.mark.parametrize(
    "changed",
    [
        replace(SENT[1], x=SENT[1].x + 20),
        replace(SENT[1], y=SENT[1].y - 20),
        replace(SENT[1], z=SENT[1].z + 0.5),
        replace(SENT[1], command=21),
        replace(SENT[1], frame=0),
        replace(SENT[1], params=(5.0, *SENT[1].params[1:])),
    ],
    ids=["latitude", "longitude", "height", "command", "frame", "parameter"],
)
def test_each_difference_is_seen(changed: RawItem) -> None:
    assert difference(SENT, [SENT[0], changed, *SENT[2:]])


def test_a_missing_item_is_seen() -> None:
    assert difference(SENT, SENT[:-1])


def test_vehicle_steps_are_counted_back_to_items() -> None:
    encoded = encode_mission(a_short_mission())
    # speed, take-off, camera pitch, waypoint, waypoint, return
    assert [item.command for item in encoded.items] == [178, 22, 205, 16, 16, 20]
    assert [encoded.reached_by(seq) for seq in range(-1, 7)] == [0, 0, 1, 1, 2, 3, 4, 0]
    assert [item.current for item in encoded.items] == [1, 0, 0, 0, 0, 0]


def test_fence_corners_say_how_many_they_are() -> None:
    items = encode_fences([a_fence()])
    assert [(item.command, item.params[0], item.frame) for item in items] == [(5001, 4.0, 0)] * 4


def test_rally_points_go_in_the_frame_that_every_px4_returns_to() -> None:
    items = encode_rally([(50.9754, 71.3549, 0.0), (50.98, 71.36, 0.0)])
    assert [(i.seq, i.command, i.frame, i.mission_type, i.z) for i in items] == [
        (0, 5100, 3, 2, 0.0),
        (1, 5100, 3, 2, 0.0),
    ]
    assert (items[0].x, items[0].y) == (509_754_000, 713_549_000)
    assert encode_rally([]) == ()


@pytest.mark.parametrize(
    ("items", "frame", "other"),
    [
        (encode_rally([(50.9754, 71.3549, 0.0)]), 6, 5),
        (encode_fences([a_fence()]), 5, 6),
    ],
    ids=["rally", "fence"],
)
def test_the_frame_for_whole_numbers_means_the_same(
    items: tuple[RawItem, ...], frame: int, other: int
) -> None:
    assert difference(items, [replace(item, frame=frame) for item in items]) == ""
    assert difference(items, [replace(item, frame=other) for item in items])


def test_what_is_left_to_the_vehicle_may_come_back_as_nothing() -> None:
    loiter = MissionItem(ItemKind.LOITER, a_place(20, 20), hold_s=4.0)
    sent = encode_mission(a_mission(items=(loiter,))).items
    assert difference(sent, [replace(sent[0], params=(4.0, 0.0, 0.0, 0.0))]) == ""
    assert difference(sent, [replace(sent[0], params=(4.0, 0.0, 0.0, 90.0))])
    assert difference(sent, [replace(sent[0], params=(0.0, 0.0, 0.0, 0.0))])
