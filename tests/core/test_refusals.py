from core.refusals import Refusal, RefusalCode, RefusalCount


def test_counts_say_why_nothing_came_of_it_most_frequent_first() -> None:
    count = RefusalCount()
    count.add(Refusal(RefusalCode.TOO_FAR, "410 m away"))
    count.add(Refusal(RefusalCode.NO_POSE, "no telemetry within 200 ms"), times=3)
    count.add(Refusal(RefusalCode.TOO_FAR, "900 m away"))
    assert list(count.as_dict().items()) == [("no_pose", 3), ("too_far", 2)]
    assert count.first_reasons[RefusalCode.TOO_FAR] == "410 m away"
