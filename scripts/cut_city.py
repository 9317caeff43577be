"""Cuts station/data/kosshy.geojson out of the boundary and place files of ../shared/data/geo.

Run once; the result is committed. Usage: python scripts/cut_city.py [SHARED_DATA_FOLDER]
"""

import json
import sys
from pathlib import Path

from shapely import get_coordinates, make_valid, set_coordinates
from shapely.geometry import mapping, shape
from shapely.geometry.polygon import orient

ROOT = Path(__file__).resolve().parent.parent
NEAR_DEG = 0.2
"""How far from the border a place may lie: some 14 km east or west, 22 km north or south."""
BOUNDARY_OF_KOSSHY = -15594335
BOUNDARY_CREDIT = "© OpenStreetMap contributors, ODbL"
PLACES_CREDIT = "© OpenStreetMap contributors (HOT export), ODbL"
NOTICE = (
    "Contains information from OpenStreetMap, made available under the Open Data Commons Open "
    "Database License 1.0 (https://opendatacommons.org/licenses/odbl/1-0/). A derived database "
    "that you publish must stay under that licence."
)
FROM_AFAR = {"Астана", "Astana"}


def rounded(geometry):
    """Returns the geometry with 6 decimals (about 0.1 m)."""
    return set_coordinates(geometry, get_coordinates(geometry).round(6))


def main() -> None:
    """Writes the file."""
    source = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT.parent / "shared" / "data") / "geo"
    boundaries = json.loads((source / "kosshy_astana_tselinograd_boundaries.geojson").read_text())
    places = json.loads((source / "places_near_kosshy.geojson").read_text())
    found = next(
        f for f in boundaries["features"] if f["properties"]["osm_id"] == BOUNDARY_OF_KOSSHY
    )
    city = orient(rounded(make_valid(shape(found["geometry"]))))
    names = {"kk": "Қосшы", "ru": "Косшы", "en": "Kosshy"}
    features = [
        {
            "type": "Feature",
            "id": "city",
            "geometry": mapping(city),
            "properties": {"kind": "boundary", "name": names, "attribution": BOUNDARY_CREDIT},
        }
    ]
    near = city.buffer(NEAR_DEG)
    for feature in sorted(places["features"], key=lambda f: f["properties"]["osm_id"]):
        given, point = feature["properties"], shape(feature["geometry"])
        if not near.contains(point) and given["name"] not in FROM_AFAR:
            continue
        kazakh, russian = given["name:kk"] or given["name"], given["name:ru"] or given["name"]
        features.append(
            {
                "type": "Feature",
                "id": f"place-{given['osm_id']}",
                "geometry": mapping(rounded(point)),
                "properties": {
                    "kind": "place",
                    "place": given["place"],
                    "name": {"kk": kazakh, "ru": russian, "en": given["name:en"]},
                    "attribution": PLACES_CREDIT,
                },
            }
        )
    lines = ",\n".join(json.dumps(f, ensure_ascii=False) for f in features)
    head = f'"type": "FeatureCollection", "licence": {json.dumps(NOTICE)}'
    text = f'{{{head}, "features": [\n{lines}\n]}}\n'
    target = ROOT / "station" / "data" / "kosshy.geojson"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
