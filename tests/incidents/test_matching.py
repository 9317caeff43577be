"""The same thing or another? Tables of pairs, and the fusion of what is the same."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import AssetId, CameraId, IncidentId, ObservationId, SortieId, TrackId
from geo.positions import Covariance, GroundPoint
from incidents.matching import best_match, compatible, fuse, fused_point
from incidents.model import IncidentKind, Observation, Origin, Source
from tests.builders import (
    AT,
    a_piece_of_evidence,
    a_point,
    a_source,
    a_violation,
    after,
    an_incident,
    an_observation,
)


def later_pass(number: int = 2, **changes: object) -> Source:
    return a_source(
        sortie_id=SortieId(f"sortie-{number}"),
        asset_id=AssetId(f"drone-{number}"),
        camera_id=CameraId(f"camera-{number}"),
        **changes,
    )


def second(hours: float = 4, **changes: object) -> Observation:
    values: dict[str, object] = {
        "observation_id": ObservationId("observation-2"),
        "source": later_pass(),
        "first_seen_at": after(hours=hours),
        "last_seen_at": after(4, hours=hours),
        "point": a_point(3.1, 0),
        **changes,
    }
    return an_observation(**values)


def test_the_reason_is_told() -> None:
    match = best_match(a_violation(observation=second()), [an_incident()])
    assert match is not None
    assert match.because == "3.1 m apart, same kind, 4 h later"
    assert match.distance_m == pytest.approx(3.1, abs=0.01)
    assert match.mahalanobis2 == pytest.approx(3.1**2 / 8, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"point": a_point(8.5, 0)}, True),  # m = 9.03
        ({"point": a_point(8.7, 0)}, False),  # m = 9.46
        ({"point": a_point(40, 0, 20)}, True),
        ({"point": a_point(61, 0, 40)}, False),  # out of reach whatever the error
        ({"hours": 11}, True),
        ({"hours": 13}, False),
        ({"hours": -11}, True),  # an upload that comes late
        ({"hours": -13}, False),
        ({"label": "van"}, True),
        ({"label": "bus"}, False),
        ({"label": "motorcycle"}, False),
        ({"label": "spaceship"}, True),  # a device's own word tells nothing
    ],
)
def test_pairs(changes: dict[str, object], same: bool) -> None:
    match = best_match(a_violation(observation=second(**changes)), [an_incident()])  # type: ignore[arg-type]
    assert (match is not None) is same


def test_another_kind_is_another_thing() -> None:
    heap = a_violation(kind=IncidentKind.WASTE_HEAP, observation=second(label="waste"))
    assert best_match(heap, [an_incident()]) is None


def test_a_heap_lies_for_weeks() -> None:
    heap = an_incident(kind=IncidentKind.WASTE_HEAP, observations=(an_observation(label="waste"),))
    seen = a_violation(
        kind=IncidentKind.WASTE_HEAP, observation=second(hours=24 * 20, label="waste")
    )
    match = best_match(seen, [heap])
    assert match is not None
    assert match.because.endswith("20 d later")


def test_plates_that_differ_are_two_cars() -> None:
    one = an_incident(observations=(an_observation(plate="123ABC01"),))
    assert best_match(a_violation(observation=second(plate="999XYZ01")), [one]) is None
    assert best_match(a_violation(observation=second(plate="123ABC01")), [one]) is not None
    assert best_match(a_violation(observation=second(plate="")), [one]) is not None


@pytest.mark.parametrize(
    ("start_s", "east_m", "same"),
    [
        (2.0, 3.0, False),  # both in one picture: two cars side by side
        (2.0, 1.0, True),  # one car tracked twice
        (9.0, 3.0, True),  # not seen together
    ],
)
def test_two_tracks_seen_at_once_are_two_things(start_s: float, east_m: float, same: bool) -> None:
    neighbour = second(
        source=a_source(track_id=TrackId("track-2")),
        first_seen_at=after(start_s),
        last_seen_at=after(start_s + 4),
        point=a_point(east_m, 0),
    )
    assert (best_match(a_violation(observation=neighbour), [an_incident()]) is not None) is same


def test_the_nearest_in_error_wins_not_the_vaguest() -> None:
    sharp = an_incident(incident_id=IncidentId("incident-sharp"), point=a_point(1, 0, 2))
    vague = an_incident(incident_id=IncidentId("incident-vague"), point=a_point(2, 0, 30))
    match = best_match(a_violation(observation=second(point=a_point(0, 0))), [vague, sharp])
    assert match is not None
    assert match.incident is sharp


def test_without_candidates_there_is_no_match() -> None:
    assert best_match(a_violation(), []) is None


def test_labels_that_one_thing_may_have() -> None:
    assert compatible("car", "car")
    assert compatible("minibus", "bus")
    assert compatible("vehicle", "motorcycle")
    assert not compatible("car", "truck")


@given(st.floats(1, 20), st.floats(1, 20), st.floats(-0.8, 0.8), st.floats(1, 20), st.floats(-6, 6))
def test_independent_views_are_fused_as_by_their_weights(
    ee: float, nn: float, rho: float, other: float, east: float
) -> None:
    """The oracle is the information form, not the gain."""
    c1 = np.array([[ee, rho * math.sqrt(ee * nn)], [rho * math.sqrt(ee * nn), nn]])
    c2 = np.diag([other, 2 * other])
    information = np.linalg.inv(c1) + np.linalg.inv(c2)
    covariance = np.linalg.inv(information)
    place = covariance @ (np.linalg.inv(c2) @ np.array([east, 2.0]))
    lat, lon = AT.to_geo1_deg(east, 2.0)
    first = an_observation(
        point=GroundPoint(AT.lat_deg, AT.lon_deg, Covariance(ee, nn, float(c1[0, 1])))
    )
    fused = fused_point([first, second(point=GroundPoint(lat, lon, Covariance(other, 2 * other)))])
    assert AT.to_en1_m(fused.lat_deg, fused.lon_deg) == pytest.approx(tuple(place), abs=1e-3)
    assert fused.covariance.ee_m2 == pytest.approx(max(0.25, covariance[0, 0]), rel=1e-6)
    assert fused.covariance.en_m2 == pytest.approx(covariance[0, 1], abs=1e-9)


def test_views_of_one_pass_do_not_shrink_the_error() -> None:
    again = second(source=a_source(track_id=TrackId("track-9")), point=a_point(1, 0, 3))
    fused = fused_point([an_observation(), again])
    assert fused == an_observation().point  # the better one


def test_a_fixed_camera_is_wrong_in_the_same_way_for_ever() -> None:
    fixed = a_source(origin=Origin.ELSEWHERE, asset_id=None, sortie_id=None, track_id=None)
    views = [
        an_observation(
            observation_id=ObservationId(f"observation-{i}"),
            source=fixed,
            first_seen_at=after(hours=i),
            last_seen_at=after(hours=i),
        )
        for i in range(5)
    ]
    assert fused_point(views).covariance == a_point().covariance


def test_files_of_one_camera_are_passes_where_silence_parts_them() -> None:
    file = a_source(sortie_id=None)

    def at(minutes: float, name: str) -> Observation:
        return an_observation(
            observation_id=ObservationId(name),
            source=file,
            first_seen_at=after(minutes=minutes),
            last_seen_at=after(minutes=minutes),
        )

    assert fused_point([at(0, "a"), at(5, "b")]).covariance.ee_m2 == pytest.approx(4)
    assert fused_point([at(0, "a"), at(60, "b")]).covariance.ee_m2 == pytest.approx(2)


def test_no_place_becomes_better_than_the_thing_is_large() -> None:
    many = [
        second(
            observation_id=ObservationId(f"o-{i}"),
            source=later_pass(i),
            point=a_point(0, 0, 0.6),
        )
        for i in range(30)
    ]
    assert fused_point(many).covariance.ee_m2 == 0.25


def test_there_is_nothing_to_fuse_in_nothing() -> None:
    with pytest.raises(ValueError, match="nothing to fuse"):
        fused_point([])


def test_a_grown_observation_takes_the_older_ones_place() -> None:
    old = an_observation(evidence=(a_piece_of_evidence(),))
    new = an_observation(
        last_seen_at=after(20),
        sightings=90,
        point=a_point(0.5, 0, 1.8),
        confidence=0.95,
        evidence=(a_piece_of_evidence(digest="b" * 64),),
    )
    incident = fuse(an_incident(observations=(old,)), new)
    (kept,) = incident.observations
    assert kept.sightings == 90
    assert [e.digest[0] for e in kept.evidence] == ["a", "b"]
    assert incident.point == new.point
    assert incident.last_seen_at == after(20)
    assert incident.confidence == 0.95
    assert fuse(incident, new) == incident


@given(st.permutations([0, 1, 2, 3]))
def test_the_order_of_arrival_does_not_matter(order: list[int]) -> None:
    views = [
        second(
            observation_id=ObservationId(f"o-{i}"),
            source=later_pass(i),
            hours=i,
            point=a_point(i, -i, 1 + i),
        )
        for i in range(4)
    ]
    incident = an_incident(observations=(views[order[0]],))
    for i in order[1:]:
        incident = fuse(incident, views[i])
    assert incident.point == fused_point(views)
    assert [o.observation_id for o in incident.observations] == ["o-0", "o-1", "o-2", "o-3"]
