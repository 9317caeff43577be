"""Settings: what wins, where a value came from, what is refused."""

import json
import os

import pytest
from pydantic import ValidationError

from core.errors import SettingInvalid
from station import cli
from station.settings import Group, Settings, setting
from station.settings_sources import environment_name, fields, load_settings, value_of


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path))
    return tmp_path


def test_the_later_source_wins_and_is_named(home, monkeypatch):
    def port_and_origin(**given):
        loaded = load_settings(**given)
        return loaded.settings.server.port, loaded.origins["server.port"].split()[0]

    assert port_and_origin() == (8000, "default")
    assert port_and_origin(defaults={"server.port": 0}) == (0, "default")
    (home / "qyran.toml").write_text("[server]\nport = 8001\n")
    assert port_and_origin(defaults={"server.port": 0}) == (8001, "file")
    monkeypatch.setenv("QYRAN_SERVER__PORT", "8002")
    assert port_and_origin() == (8002, "environment")
    assert port_and_origin(overrides={"server.port": "8003"}) == (8003, "flag")


def test_home_by_flag_environment_verb(home, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    assert load_settings().settings.home == home
    assert load_settings(default_home=elsewhere).settings.home == home
    assert load_settings(home=elsewhere).settings.home == elsewhere
    monkeypatch.delenv("QYRAN_HOME")
    assert load_settings(default_home=elsewhere).settings.home == elsewhere


def test_the_file_of_the_chosen_home_is_read(home, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "qyran.toml").write_text("[server]\nport = 8009\n")
    assert load_settings(home=other).settings.server.port == 8009


def test_lists_may_be_written_with_commas(monkeypatch):
    monkeypatch.setenv("QYRAN_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, 192.168.1.0/24")
    proxies = load_settings().settings.server.trusted_proxies
    assert [str(network) for network in proxies] == ["10.0.0.0/8", "192.168.1.0/24"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("QYRAN_SERVER__PROT", "1"),
        ("QYRAN_NOPE", "1"),
        ("QYRAN_SERVER__PORT", "high"),
        ("QYRAN_SERVER__PORT", "70000"),
        ("QYRAN_GEOTAG__RADIUS_MOST_M", "-1"),
        ("QYRAN_GEOTAG__RADIUS_MOST_M", "nan"),
        ("QYRAN_SERVER__TRUSTED_PROXIES", "10.0.0.0/33"),
        ("QYRAN_SERVER", "{}"),
    ],
)
def test_bad_environment_is_refused_and_named(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingInvalid) as caught:
        load_settings()
    assert variable in caught.value.where
    assert caught.value.cure


@pytest.mark.parametrize(
    "text", ["[server]\nprot = 1\n", "server = 5\n", "[server\n", "home = '/x'\n", "\x00", "\xff"]
)
def test_a_bad_file_is_refused_and_named(home, text):
    (home / "qyran.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingInvalid) as caught:
        load_settings()
    assert "qyran.toml" in caught.value.where


def test_a_near_name_is_offered():
    with pytest.raises(SettingInvalid, match=r"did you mean server\.port"):
        load_settings(overrides={"server.prot": "1"})


def test_settings_never_change():
    settings = load_settings().settings
    with pytest.raises(ValidationError):
        settings.server.port = 1


def test_every_setting_says_what_it_is_and_in_which_unit():
    for name, field in fields():
        assert field.description, name
        assert field.description.endswith("."), name
        assert isinstance(field.json_schema_extra, dict), name
        unit = field.json_schema_extra["unit"]
        numeric = isinstance(value_of(Settings(), name), float)
        assert unit or not numeric, f"{name} has no unit"


def test_config_shows_all_and_hides_secrets(monkeypatch, capfd):
    class Probe(Group):
        key: str = setting("", "A key.", secret=True)
        url: str = setting("", "A source.")

    monkeypatch.setattr("station.verbs.config.fields", lambda: iter(_fields_of(Probe)))
    monkeypatch.setattr(
        "station.verbs.config.value_of",
        lambda _settings, name: getattr(Probe(key="hunter2", url="rtsp://me:pw1234@h/"), name),
    )
    loaded = load_settings()
    origins = dict(loaded.origins) | {"key": "default", "url": "default"}
    fake = type(loaded)(loaded.settings, origins)
    monkeypatch.setattr("station.command.Run.load_settings", lambda _self: fake)
    assert cli.main(["config", "--json"]) == 0
    out = capfd.readouterr().out
    rows = {row["name"]: row["value"] for row in json.loads(out)["settings"]}
    assert rows == {"key": "***", "url": "rtsp://***@h/"}


def _fields_of(model):
    return model.model_fields.items()


def test_config_names_every_setting(capfd):
    assert cli.main(["config", "--json"]) == 0
    rows = json.loads(capfd.readouterr().out)["settings"]
    assert [row["name"] for row in rows] == [name for name, _ in fields()]
    assert all(row["environment"] == environment_name(row["name"]) for row in rows)
