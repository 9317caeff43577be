import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.documents import from_document, to_document
from core.errors import StoreUnreadable
from core.ids import Digest, ObservationId
from geo.adapters.sqlmodel_zones import ZoneVersionRow
from geo.zones import Zone
from incidents.adapters.sqlmodel_rows import IncidentRow, IncidentVersionRow
from incidents.model import Claim, Incident, Observation
from missions.adapters.sqlmodel_store import AssetRow, PatrolRow, SortieRow
from missions.model import Asset, Patrol, Sortie
from tests.builders import (
    NOW,
    REVIEWER,
    a_piece_of_evidence,
    an_incident,
    an_observation,
)
from tests.persistence import strategies

quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def through_json(row: Any) -> Any:
    """What a database does to a document."""
    return row.model_copy(update={"document": json.loads(json.dumps(row.document))})


@quick
@given(strategies.incidents)
def test_an_incident_survives_its_row(incident: Incident) -> None:
    assert through_json(IncidentVersionRow.from_domain(incident, NOW)).to_domain() == incident


@quick
@given(strategies.zones())
def test_a_zone_survives_its_row_to_the_last_bit(zone: Zone) -> None:
    again = through_json(ZoneVersionRow.from_domain(zone)).to_domain()
    assert again == zone
    assert again.area.equals_exact(zone.area, 0.0)


@quick
@given(strategies.sorties)
def test_a_sortie_with_its_fences_survives_its_row(sortie: Sortie) -> None:
    assert through_json(SortieRow.from_domain(sortie)).to_domain() == sortie


@quick
@given(strategies.assets, strategies.patrols)
def test_an_asset_and_a_patrol_survive_their_rows(asset: Asset, patrol: Patrol) -> None:
    assert through_json(AssetRow.from_domain(asset)).to_domain() == asset
    assert through_json(PatrolRow.from_domain(patrol)).to_domain() == patrol


def test_the_head_repeats_what_is_searched_for() -> None:
    incident = an_incident()
    row = IncidentRow.from_domain(incident, NOW)
    assert (row.lat_deg, row.lon_deg) == (incident.point.lat_deg, incident.point.lon_deg)
    assert (row.state, row.kind, row.version) == ("open", "vehicle_stopped", 1)


def test_the_form_of_a_stored_observation_stays() -> None:
    """Renaming a field of the domain needs a migration; this test is what says so."""
    document = to_document(an_observation(evidence=(a_piece_of_evidence(),)))
    assert sorted(document) == [
        "confidence", "evidence", "first_seen_at", "kind", "label", "last_seen_at",
        "observation_id", "plate", "point", "sightings", "source", "speed_m_s",
        "speed_sigma_m_s",
    ]  # fmt: skip
    assert document["first_seen_at"] == "2026-11-20T09:00:00+00:00"
    assert document["evidence"] == [
        {
            "digest": "a" * 64,
            "role": "picture",
            "media_type": "image/jpeg",
            "size_bytes": 1_000,
            "captured_at": "2026-11-20T09:00:00+00:00",
            "camera_id": "camera-1",
            "note": "",
        }
    ]


def test_a_document_without_a_newer_field_gets_its_default() -> None:
    document = to_document(an_observation())
    del document["plate"]
    assert from_document(Observation, document) == an_observation()


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"confidence": "high"},
        {"first_seen_at": "2026-11-20T09:00:00"},
        {"sightings": True},
        {"source": None},
        {"point": {"lat_deg": 1.0}},
    ],
)
def test_a_document_that_is_no_such_thing_is_refused(change: dict[str, object]) -> None:
    document = {**to_document(an_observation()), **change}
    with pytest.raises(StoreUnreadable, match="Observation"):
        from_document(Observation, document)  # type: ignore[arg-type]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_stay_exact(confidence: float) -> None:
    observation = replace(an_observation(), confidence=confidence)
    document = json.loads(json.dumps(to_document(observation)))
    assert from_document(Observation, document).confidence == confidence


def test_nested_values_keep_their_classes() -> None:
    incident = replace(
        an_incident(),
        claim=Claim(REVIEWER, NOW),
        observations=(
            an_observation(
                observation_id=ObservationId("o"),
                evidence=(a_piece_of_evidence(digest=Digest("b" * 64)),),
            ),
        ),
    )
    assert from_document(Incident, to_document(incident)) == incident
