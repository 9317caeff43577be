"""Names by which the station may be called: pages of other sites must not rebind one to it."""

import pytest

from api.hosts import AllowedHosts, allowed_hosts
from station.settings import Settings
from tests.api.station import Station, a_station
from tests.api.test_incident_life import refused

EVIL = {"Host": "evil.example:8000", "Origin": "http://evil.example:8000"}


def test_a_rebound_name_gets_no_session_of_the_demo() -> None:
    with a_station(demo=True) as station:
        answer = station.stranger().post("/session/demo", {"role": "admin"}, headers=EVIL)
        refused(answer, 421, "host_unknown")
        assert "set-cookie" not in answer.headers
        assert "content-security-policy" in answer.headers
        assert station.stranger().post("/session/demo", {"role": "admin"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/v1/health", "/api/v1/live", "/no/such"])
def test_no_route_answers_to_another_name(station: Station, path: str) -> None:
    refused(station.stranger().get(path, whole=True, headers=EVIL), 421, "host_unknown")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "localhost.", "127.0.0.1:8000", "[::1]:8000", "[::1]", "::1",
     "qyran.example.kz", "Qyran.Example.kz:443"],
)  # fmt: skip
def test_loopback_and_named_hosts_are_answered(host: str) -> None:
    assert allowed_hosts("127.0.0.1", ("qyran.example.kz",)).allow(host)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:127.0.0.1",
     "192.0.2.7", "[2001:db8::7]:80", "", "qyran.example.kz@evil.example", "xlocalhost", "[", ":"],
)  # fmt: skip
def test_others_are_not(host: str) -> None:
    assert not allowed_hosts("127.0.0.1", ("qyran.example.kz",)).allow(host)


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", ""])
def test_a_station_on_all_addresses_may_be_called_by_any_bare_one(bound: str) -> None:
    hosts = allowed_hosts(bound)
    assert hosts.allow("192.0.2.7:8000")
    assert hosts.allow("[2001:db8::7]:8000")
    assert not hosts.allow("evil.example")
    assert not allowed_hosts("192.0.2.9").allow("192.0.2.7")
    assert allowed_hosts("192.0.2.9").allow("192.0.2.9:8000")


def test_the_default_is_loopback_alone_and_the_setting_reads_a_list() -> None:
    assert AllowedHosts() == allowed_hosts("localhost")
    read = Settings(server={"hosts": "a.example, b.example"}).server  # type: ignore[arg-type]
    assert read.hosts == ("a.example", "b.example")
