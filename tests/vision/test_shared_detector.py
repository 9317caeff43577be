import threading
from datetime import UTC, datetime

import numpy as np
import pytest

from core.errors import DetectorFailed
from core.ids import CameraId
from vision.adapters.scripted_detector import DetectorFault, ScriptedDetector
from vision.model import Box, Detection, Frame
from vision.shared_detector import SharedDetector

AT = datetime(2026, 5, 4, tzinfo=UTC)
DEADLINE_S = 10.0


def a_frame(camera: str = "a", sequence: int = 0) -> Frame:
    return Frame(CameraId(camera), sequence, AT, np.zeros((4, 4, 3), np.uint8))


def by_sequence(frame: Frame) -> tuple[Detection, ...]:
    return (Detection("car", 0.5, Box(float(frame.sequence), 0.0, 1.0, 1.0)),)


class HeldDetector(ScriptedDetector):
    """A slow network: each batch waits for `gate`, which a test opens."""

    def __init__(self, **options: object) -> None:
        self.gate = threading.Event()
        super().__init__(by_sequence, gate=self.gate, **options)  # type: ignore[arg-type]


def test_answers_are_those_of_the_frame_in_the_order_of_each_camera() -> None:
    with SharedDetector(ScriptedDetector(by_sequence), batch_size=3) as shared:
        promises = [
            (n, shared.submit(a_frame(camera, n))) for n in range(12) for camera in ("a", "b", "c")
        ]
        for number, promise in promises:
            found = promise.result(DEADLINE_S)
            assert found is not None
            assert found[0].box.x_px == number
        assert shared.stats.frames == 36
        assert shared.stats.dropped == {}


def test_a_batch_takes_one_frame_of_each_camera_before_a_second_of_any() -> None:
    network = HeldDetector()
    with SharedDetector(network, batch_size=4, queue_length=8) as shared:
        first = shared.submit(a_frame("busy", 0))
        assert network.entered.wait(DEADLINE_S)
        promises = [shared.submit(a_frame("busy", n)) for n in range(1, 7)]
        promises += [shared.submit(a_frame(camera, 0)) for camera in ("b", "c")]
        network.gate.set()
        for promise in (first, *promises):
            promise.result(DEADLINE_S)
    assert network.batches[0] == ("busy",)
    assert sorted(network.batches[1]) == ["b", "busy", "busy", "c"]


def test_a_live_camera_drops_its_oldest_frames_and_they_are_counted() -> None:
    network = HeldDetector()
    with SharedDetector(network, batch_size=1, queue_length=2) as shared:
        shared.submit(a_frame("live", 0), live=True)
        assert network.entered.wait(DEADLINE_S)
        promises = [shared.submit(a_frame("live", n), live=True) for n in range(1, 6)]
        assert shared.stats.dropped == {"live": 3}
        assert [promise.done() for promise in promises] == [True, True, True, False, False]
        network.gate.set()
        found = [promise.result(DEADLINE_S) for promise in promises]
    assert found[:3] == [None, None, None]
    assert [one[0].box.x_px for one in found[3:] if one] == [4.0, 5.0]


def test_a_live_frame_that_waited_too_long_is_dropped_and_a_file_s_is_not() -> None:
    now_s = [0.0]
    network = HeldDetector()
    shared = SharedDetector(network, batch_size=1, staleness_s=0.5, now=lambda: now_s[0])
    with shared:
        shared.submit(a_frame("first", 0), live=True)
        assert network.entered.wait(DEADLINE_S)
        stale = shared.submit(a_frame("live", 1), live=True)
        filed = shared.submit(a_frame("file", 1), live=False)
        now_s[0] = 0.6
        fresh = shared.submit(a_frame("live", 2), live=True)
        network.gate.set()
        assert stale.result(DEADLINE_S) is None
        assert filed.result(DEADLINE_S) is not None
        assert fresh.result(DEADLINE_S) is not None
        assert shared.stats.dropped == {"live": 1}


def test_a_file_waits_for_room_and_loses_nothing() -> None:
    network = HeldDetector()
    done = threading.Event()
    with SharedDetector(network, batch_size=1, queue_length=2) as shared:
        promises = [shared.submit(a_frame("file", 0))]
        assert network.entered.wait(DEADLINE_S)
        promises += [shared.submit(a_frame("file", n)) for n in (1, 2)]

        def one_more() -> None:
            promises.append(shared.submit(a_frame("file", 3)))
            done.set()

        feeder = threading.Thread(target=one_more)
        feeder.start()
        assert not done.wait(0.05)
        network.gate.set()
        assert done.wait(DEADLINE_S)
        feeder.join()
        assert [p.result(DEADLINE_S)[0].box.x_px for p in promises] == [0, 1, 2, 3]
        assert shared.stats.dropped == {}


@pytest.mark.parametrize(
    "fault", [DetectorFault.FIRST_BATCH, DetectorFault.CRASH, DetectorFault.WRONG_COUNT]
)
def test_a_failed_batch_fails_alone(fault: DetectorFault) -> None:
    with SharedDetector(ScriptedDetector(by_sequence, fault=fault), batch_size=1) as shared:
        with pytest.raises(DetectorFailed):
            shared.detections(a_frame(sequence=0))
        found = shared.detections(a_frame(sequence=1))
        assert found is not None
        assert found[0].box.x_px == 1
        assert (shared.stats.failed_batches, shared.stats.failed_frames) == (1, 1)
        assert shared.stats.frames == 1


def test_closing_answers_what_still_waits_and_refuses_what_comes_later() -> None:
    network = HeldDetector()
    shared = SharedDetector(network, batch_size=1, queue_length=4)
    shared.submit(a_frame("a", 0))
    assert network.entered.wait(DEADLINE_S)
    waiting = shared.submit(a_frame("a", 1))
    threading.Timer(0.01, network.gate.set).start()
    shared.close()
    shared.close()
    assert waiting.result(DEADLINE_S) is None
    with pytest.raises(DetectorFailed):
        shared.submit(a_frame("a", 2))


def test_closing_frees_a_file_that_waits_for_room() -> None:
    network = HeldDetector()
    shared = SharedDetector(network, batch_size=1, queue_length=1)
    shared.submit(a_frame("a", 0))
    assert network.entered.wait(DEADLINE_S)
    shared.submit(a_frame("a", 1))
    ended: list[type[BaseException]] = []
    began = threading.Event()

    def blocked() -> None:
        began.set()
        try:
            shared.submit(a_frame("a", 2))
        except DetectorFailed as error:
            ended.append(type(error))

    feeder = threading.Thread(target=blocked)
    feeder.start()
    assert began.wait(DEADLINE_S)
    threading.Timer(0.01, network.gate.set).start()
    shared.close()
    feeder.join(DEADLINE_S)
    assert not feeder.is_alive()
    assert ended in ([DetectorFailed], [])  # it may have got room in the last moment


def test_a_forgotten_camera_answers_none_and_leaves_the_others_alone() -> None:
    network = HeldDetector()
    with SharedDetector(network, batch_size=1) as shared:
        shared.submit(a_frame("a", 0))
        assert network.entered.wait(DEADLINE_S)
        gone, stays = shared.submit(a_frame("a", 1)), shared.submit(a_frame("b", 1))
        shared.forget(CameraId("a"))
        network.gate.set()
        assert gone.result(DEADLINE_S) is None
        assert stays.result(DEADLINE_S) is not None
