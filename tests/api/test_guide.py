"""The commands of docs/guides/api.md, each sent as curl would send it, one after the other."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.accounts import Role
from api.policies import COOKIE
from tests.api.station import BASE, PASSWORD, Client, Station, a_picture
from tests.api.test_incident_life import an_open_incident
from tests.builders import after

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "api.md"


@dataclass
class Command:
    """What one curl command asks for."""

    url: str = ""
    method: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    data: str = ""
    form: dict[str, str] = field(default_factory=dict)
    jar: str = ""
    keeps: str = ""


def commands(values: dict[str, str]) -> Iterator[Command]:
    """Yields the guide's curl commands with its variables filled in."""
    for block in re.findall(r"```\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL):
        for name, value in re.findall(r"^(\w+)=(\S+)$", block, re.MULTILINE):
            values[name] = filled(value, values)
        for text in re.split(r"\n(?=curl )", block.replace("\\\n", " ")):
            if text.startswith("curl "):
                yield read(shlex.split(filled(text, values))[1:])


def filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$([A-Za-z_]+)", lambda match: values[match[1]], text)


def read(words: list[str]) -> Command:
    """Returns a command; an option that is not known fails the test."""
    command = Command()
    rest = iter(words)
    for word in rest:
        if word in ("-s", "-sN"):
            continue
        if word == "-c":
            command.keeps = next(rest)
        elif word == "-b":
            command.jar = next(rest)
        elif word == "-X":
            command.method = next(rest)
        elif word == "-H":
            name, _, value = next(rest).partition(": ")
            command.headers[name] = value
        elif word == "-d":
            command.data = next(rest)
        elif word == "-F":
            name, _, value = next(rest).partition("=")
            command.form[name] = value
        else:
            assert not word.startswith("-"), word
            command.url = word
    return command


def send(station: Station, command: Command, jars: dict[str, str]) -> httpx.Response:
    headers = {"User-Agent": "curl/8.5.0", "Accept": "*/*", **command.headers}
    client = Client(station, headers, jars[command.jar] if command.jar else "")
    options: dict[str, Any] = {"whole": True}
    if command.data:
        options["content"] = command.data.encode()
        assert "Content-Type" in command.headers  # else curl says it is a form
    if command.form:
        files = {k: v for k, v in command.form.items() if v.startswith("@")}
        options["files"] = {name: (file[1:], a_picture()) for name, file in files.items()}
        options["data"] = {k: v for k, v in command.form.items() if k not in files}
    method = command.method or ("POST" if command.data or command.form else "GET")
    answer = client.send(method, command.url, **options)
    if command.keeps and answer.is_success:
        jars[command.keeps] = client.cookies[COOKIE]
    return answer


def test_the_guide_leads_from_the_sign_in_to_the_closure(station: Station) -> None:
    incident = an_open_incident(station)
    user = json.loads(next(commands({"ID": "", "DEVICE_TOKEN": ""})).data)["user"]
    station.account(Role.REVIEWER, Role.DISPATCHER, login=user, password=PASSWORD)
    device = station.account(Role.DEVICE, login="cam-07", agency=None)
    service = station.account(Role.SERVICE, agency="cleaning")
    jars = {"service-jar": station.browser(service).cookies[COOKIE]}
    values = {"ID": incident.incident_id, "DEVICE_TOKEN": station.token_of(device)}
    states = []
    for command in commands(values):
        command.url = command.url.replace("http://127.0.0.1:8000", BASE)
        origin = command.headers.get("Origin")
        if origin is not None:
            command.headers["Origin"] = origin.replace("http://127.0.0.1:8000", BASE)
        command.data = command.data.replace("…", PASSWORD)
        command.data = re.sub(r'"at": "[^"]+"', f'"at": "{after(-60).isoformat()}"', command.data)
        if command.url.endswith("/live"):
            states.append("live")
            continue  # it never ends; tests/api/test_live.py follows it
        answer = send(station, command, jars)
        assert answer.is_success, (command, answer.text)
        states.append(answer.json().get("state", command.url.rpartition("/")[2]))
    assert states == [
        "session", "observations", "incidents?state=open&limit=20", "open", "confirmed",
        "assigned", "done", "closed", "live",
    ]  # fmt: skip


@pytest.mark.parametrize("origin", [None, "http://evil.example"])
def test_a_form_with_the_cookie_and_no_origin_of_ours_is_refused(
    station: Station, origin: str | None
) -> None:
    service = station.account(Role.SERVICE, agency="cleaning")
    headers = {} if origin is None else {"Origin": origin}
    answer = station.browser(service, **headers).post(
        "/incidents/incident-1/completion", files={"photo": ("a.jpg", a_picture())}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
