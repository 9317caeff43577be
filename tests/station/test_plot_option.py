"""`--plot` on the verbs that offer it; that what is drawn is right is tested with the drawing."""

import json
import os
import re
from pathlib import Path

import pytest

from station import cli

ROOT = Path(__file__).parents[2]
AREA = {
    "type": "Polygon",
    "coordinates": [
        [[71.35, 50.97], [71.353, 50.97], [71.353, 50.972], [71.35, 50.972], [71.35, 50.97]]
    ],
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))


@pytest.fixture
def words(tmp_path):
    """Returns the words of a verb that can be drawn."""

    def of(verb):
        if verb == "check":
            return ["check", str(ROOT / "tests" / "golden" / "plans" / "survey_v5.plan")]
        if verb == "area":
            path = tmp_path / "area.geojson"
            path.write_text(json.dumps(AREA))
            return ["plan", "area", str(path), "--swath-m", "40"]
        text = (ROOT / "docs" / "guides" / f"{verb}.md").read_text(encoding="utf-8")
        path = tmp_path / f"{verb}.json"
        path.write_text(re.search(r"```json\n(.*?)```", text, re.DOTALL).group(1))
        if verb == "fleet":
            return ["plan", "fleet", str(path), "--iterations", "5"]
        return ["dispatch", str(path)]

    return of


@pytest.mark.parametrize("verb", ["check", "area", "fleet", "dispatch"])
def test_a_verb_draws_what_it_looked_at(words, tmp_path, capfd, verb):
    target = tmp_path / "drawn.svg"
    code = cli.main([*words(verb), "--plot", str(target), "--json"])
    json.loads(capfd.readouterr().out)
    assert code in (0, 1)
    assert "<svg" in target.read_text(encoding="utf-8")


def test_another_ending_is_refused_before_any_work(words, tmp_path, capfd):
    assert cli.main([*words("area"), "--plot", str(tmp_path / "drawn.jpg"), "--json"]) == 2
    assert json.loads(capfd.readouterr().out)["error"]["code"] == "setting_invalid"
