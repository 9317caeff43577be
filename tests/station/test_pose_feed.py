"""A frame that is early waits for its telemetry, and only as long as it may."""

import threading
from datetime import timedelta

from core.refusals import Refusal, RefusalCode
from geo.positions import Pose, PoseSigma
from station.pose_feed import PoseFeed
from telemetry.timeline import PoseTimeline
from tests.builders import NOW, a_sample

SIGMA = PoseSigma(1.5, 2.0, 2.0, 1.0, 1.0)
STEP = timedelta(milliseconds=100)


def feed(patience_s: float) -> PoseFeed:
    return PoseFeed(PoseTimeline(SIGMA), patience=timedelta(seconds=patience_s))


def test_it_waits_for_the_sample_after_the_frame():
    poses = feed(30.0)
    poses.add(a_sample(at=NOW))
    answers: list[Pose | Refusal] = []
    asker = threading.Thread(target=lambda: answers.append(poses.pose_at(NOW + STEP / 2)))
    asker.start()
    poses.add(a_sample(at=NOW + STEP))
    asker.join(10.0)
    assert isinstance(answers[0], Pose)


def test_the_end_lets_everybody_go():
    poses = feed(30.0)
    answers: list[Pose | Refusal] = []
    asker = threading.Thread(target=lambda: answers.append(poses.pose_at(NOW)))
    asker.start()
    poses.end()
    asker.join(10.0)
    refusal = answers[0]
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.NO_POSE


def test_patience_ends():
    poses = feed(0.0)
    poses.add(a_sample(at=NOW))
    late = poses.pose_at(NOW + timedelta(seconds=1))
    assert isinstance(late, Refusal)
    assert late.code is RefusalCode.NO_POSE
