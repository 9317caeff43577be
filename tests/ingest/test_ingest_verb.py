import json
import os
from pathlib import Path

import pytest

from geo.adapters.geojson_zones import write_zones
from station import cli
from tests.ingest import footage


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        if name != "QYRAN_SHARED":
            monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))


def answer(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict]:
    code = cli.main(["ingest", *words, "--json"])
    out, _ = capfd.readouterr()
    assert out.count("\n") == 1
    return code, json.loads(out)


def test_the_verb_answers_with_one_document_of_flat_keys(
    made: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    zones = tmp_path / "zones.geojson"
    write_zones(zones, [footage.zone_about(footage.STANDING)])
    words = (str(made / "flight.mp4"), "--hfov", "62", "--fps", "2", "--zones", str(zones))
    start = ("--start", "2026-05-04T14:00:00+05:00")
    code, first = answer(capfd, *words, *start)
    assert code == 0
    assert (first["kind"], first["frames"], first["complete"]) == ("subtitles", 14, True)
    assert first["started_at"] == "2026-05-04T09:00:00Z"
    assert isinstance(first["incidents"], list)
    code, second = answer(capfd, *words, *start)
    assert code == 0
    assert second["incidents"] == first["incidents"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("none.mp4",), "source_missing"),
        (("rtsp://user:s3cret@127.0.0.1/x",), "source_unreadable"),
        (("{made}/flight.mp4", "--start", "yesterday"), "bad_request"),
        (("{made}/flight.mp4", "--clock", "Mars/Base"), "bad_request"),
        (("{made}/flight.mp4", "--telemetry", "{made}/flight.mp4"), "telemetry_unreadable"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_2(
    made: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], code: str
) -> None:
    left = cli.main(["ingest", *(word.format(made=made) for word in words), "--json"])
    out, err = capfd.readouterr()
    assert left == 2
    assert json.loads(out)["error"]["code"] == code
    assert "s3cret" not in out + err
    assert err.count("\n") == 1
