"""Logs: levels, both forms, and no secret in either."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station import logs


@pytest.fixture(autouse=True)
def quiet_after():
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    yield
    for handler in [h for h in root.handlers if h not in before[1]]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(before[0])


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("opening rtsp://admin:hunter2@10.0.0.5:554/live", "hunter2"),
        ("opening rtsp://tok3nalone@cam/live", "tok3nalone"),
        ("Authorization: Bearer abc.def-123456", "abc.def-123456"),
        ("authorization=Basic dXNlcjpwdw==", "dXNlcjpwdw"),
        ("GET /live?token=s3cr3tvalue&x=1", "s3cr3tvalue"),
        ("open http://127.0.0.1:8000/#setup=s3cr3tvalue", "s3cr3tvalue"),
        ('{"password": "s3cr3tvalue"}', "s3cr3tvalue"),
        ("qyran_session=s3cr3tvalue; Path=/", "s3cr3tvalue"),
        ("api-key: s3cr3tvalue", "s3cr3tvalue"),
        ("password=s3cr3tvalue and more", "s3cr3tvalue"),
        ("sent password: s3cr3tvalue, then more", "s3cr3tvalue"),
        ("opening rtsp://user:pa/s3cret@h/x", "s3cret"),
        ("opening rtsp://user:p@s3cret@h/x", "s3cret"),
        ("'rtsp://user:p's3cret@h/x'", "s3cret"),
        ("opening rtsp://h/x?user=a&pwd=s3cret", "s3cret"),
        ("opening rtsp://h/x?usr=s3cret&channel=1", "s3cret"),
        ("opening rtsp://h/x?auth=s3,cret)&channel=1", "cret"),
        ("opening rtsp://h/x?pw=s3cret", "s3cret"),
        ('{"password": "s3 cret"}', "cret"),
        ('{"password":"s3\\" cret"}', "cret"),
        ('"{\\"password\\": \\"s3 cret\\"}"', "cret"),
        ("camera_pwd = 's3 cret'", "cret"),
        ('"password": "s3 cret', "cret"),
    ],
)
def test_secrets_are_removed(text, secret):
    assert secret not in logs.without_secrets(text)
    assert logs.HIDDEN in logs.without_secrets(text)


@pytest.mark.parametrize(
    "text",
    [
        "sortie ended after 12 s",
        "udpin://127.0.0.1:14540",
        "http://127.0.0.1:8000/api/v1/health",
        "password: a password must have 10 to 256 characters",
        "zone zone-4f0c: its border is not valid",
        "author: a person; powered=yes",
        "rtsp://h/x?user=a&channel=1",
    ],
)
def test_what_is_no_secret_stays(text):
    assert logs.without_secrets(text) == text


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=30))
def test_any_password_of_a_url_is_removed(password):
    assert password not in logs.without_secrets(f"rtsp://u:{password}@cam.example/x").split("@")[0]


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"<>')))
def test_any_password_of_a_url_goes_to_the_last_at_sign(password):
    assert logs.without_secrets(f"see rtsp://u:{password}@cam/x.") == "see rtsp://***@cam/x."


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_any_quoted_password_goes_whole(password):
    said = logs.without_secrets(json.dumps({"password": password, "frames": 3}))
    assert said == '{"password": "***", "frames": 3}'


def test_json_lines_carry_fields_and_hide_named_secrets(capsys):
    logs.configure("info", "json")
    logging.getLogger("station.probe").info(
        "source opened", extra={"url": "rtsp://a:hunter2@h/x", "token": "hunter2", "frames": 3}
    )
    line = json.loads(capsys.readouterr().err)
    assert line["message"] == "source opened"
    assert line["level"] == "info"
    assert line["frames"] == 3
    assert line["token"] == logs.HIDDEN
    assert "hunter2" not in json.dumps(line)
    assert line["at"].endswith("Z")


def test_human_lines_carry_fields_and_hide_secrets(capsys):
    logs.configure("info")
    try:
        raise ValueError("password=hunter2")
    except ValueError:
        logging.getLogger("station.probe").exception("failed", extra={"sortie_id": "sortie-1"})
    err = capsys.readouterr().err
    assert "sortie_id=sortie-1" in err
    assert "Traceback" in err
    assert "hunter2" not in err


def test_levels_hold_for_ours_and_spare_us_the_libraries(capsys):
    logs.configure("info")
    logging.getLogger("station.probe").debug("unheard")
    logging.getLogger("somebodys.library").info("unheard")
    logging.getLogger("station.probe").info("heard")
    assert capsys.readouterr().err.count("heard") == 1


def test_a_file_gets_the_same_and_a_second_call_replaces_the_first(tmp_path, capsys):
    logs.configure("info", "json", tmp_path / "logs" / "qyran.log")
    logs.configure("info", "json", tmp_path / "logs" / "qyran.log")
    logging.getLogger("station.probe").info("once")
    lines = (tmp_path / "logs" / "qyran.log").read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["once"]
    assert capsys.readouterr().err.count("once") == 1
