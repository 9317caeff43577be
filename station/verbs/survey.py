"""`qyran survey`: what the pictures of a survey show of its area."""

from pathlib import Path
from typing import Annotated, Any

import typer

from geo.area_documents import area_to_document
from geo.area_reading import area_of_document
from geo.positions import Altitude, Datum
from geo.zones import Area
from missions.planning.seen_ground import FARTHEST_M
from missions.planning.survey_report import PictureSeen, SurveyReport, report_survey
from station.command import Run, verb
from station.json_file import read_json
from station.survey_file import read_camera, read_pictures
from station.wiring import read_terrain


@verb
def report(
    call: Run,
    poses: Annotated[
        Path,
        typer.Argument(metavar="POSES", help="Pictures' poses: CSV, JSON lines or a JSON list."),
    ],
    camera: Annotated[Path, typer.Option(help="JSON: width_px, height_px, hfov_deg or fx_px.")],
    area: Annotated[Path, typer.Option(help="What was to be seen: GeoJSON with polygons.")],
    resolution_m_per_px: Annotated[
        float | None, typer.Option(min=1e-6, help="Ground resolution that was asked for.")
    ] = None,
    terrain: Annotated[
        Path | None, typer.Option(help="Ground: a tile (.hgt, .tif, .asc) or a folder of tiles.")
    ] = None,
    ground_m: Annotated[
        float | None, typer.Option(help="Height of home above the sea, for heights above home.")
    ] = None,
    farthest_m: Annotated[
        float, typer.Option(min=1.0, help="Ground farther away does not count as seen, m.")
    ] = FARTHEST_M,
) -> int:
    """Tell what pictures show of an area: seen and unseen, resolution, overlap, each footprint."""
    pictures = read_pictures(poses)
    wanted = area_of_document(read_json(area), str(area))
    ground = None if terrain is None else read_terrain(terrain)
    home = None if ground_m is None else Altitude(ground_m, Datum.GEOID)
    found = report_survey(
        pictures,
        read_camera(camera),
        wanted,
        terrain=ground,
        home=home,
        wanted_m_per_px=resolution_m_per_px,
        farthest_m=farthest_m,
    )
    call.emit(_document(found), _text(found))
    return 0


def _document(found: SurveyReport) -> dict[str, Any]:
    fine = found.resolution
    overlaps = sorted(p.overlap_fraction for p in found.pictures if p.overlap_fraction is not None)
    return {
        "area_m2": found.area_m2,
        "seen_m2": found.seen_m2,
        "unseen_m2": found.unseen_m2,
        "seen_fraction": found.seen_fraction,
        "seen": _shape(found.seen),
        "unseen": _shape(found.unseen),
        "resolution_m_per_px": None
        if fine is None
        else {"best": fine.best, "median": fine.median, "p90": fine.p90, "worst": fine.worst},
        "wanted_m_per_px": found.wanted_m_per_px,
        "fine_fraction": found.fine_fraction,
        "overlap": {
            "mean_pictures": found.mean_pictures,
            "twice_fraction": found.twice_fraction,
            "with_next_median": overlaps[len(overlaps) // 2] if overlaps else None,
            "with_next_least": overlaps[0] if overlaps else None,
        },
        "pictures": {
            "type": "FeatureCollection",
            "features": [_feature(picture) for picture in found.pictures],
        },
    }


def _shape(area: Area | None) -> object:
    return None if area is None else area_to_document(area)


def _feature(seen: PictureSeen) -> dict[str, Any]:
    pose = seen.picture.pose
    return {
        "type": "Feature",
        "geometry": _shape(seen.footprint),
        "properties": {
            "name": seen.picture.name,
            "at": pose.at,
            "lat": pose.position.lat_deg,
            "lon": pose.position.lon_deg,
            "height_m": pose.position.altitude.metres,
            "datum": pose.position.altitude.datum,
            "height_above_ground_m": seen.height_m,
            "yaw_deg": pose.attitude.yaw_deg,
            "pitch_deg": pose.attitude.pitch_deg,
            "roll_deg": pose.attitude.roll_deg,
            "resolution_m_per_px": seen.resolution_m_per_px,
            "overlap_fraction": seen.overlap_fraction,
        },
    }


def _text(found: SurveyReport) -> str:
    lines = [
        f"{found.seen_fraction:.1%} of {found.area_m2 / 1e4:.2f} ha seen,"
        f" {found.unseen_m2:.0f} m2 unseen, {len(found.pictures)} pictures",
        f"a place is in {found.mean_pictures:.1f} pictures, {found.twice_fraction:.1%} in two or"
        " more",
    ]
    if found.resolution is not None:
        r = found.resolution
        lines.append(
            f"resolution in cm per pixel: best {100 * r.best:.1f}, median {100 * r.median:.1f},"
            f" 90 % {100 * r.p90:.1f}, worst {100 * r.worst:.1f}"
        )
    if found.fine_fraction is not None and found.wanted_m_per_px is not None:
        lines.append(f"{found.fine_fraction:.1%} at {100 * found.wanted_m_per_px:.1f} cm or finer")
    return "\n".join(lines)


RUNS = {"report": report}
