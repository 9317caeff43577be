"""The contract of `Notifier`; adapters join by `NOTIFIERS` in tests/conftest.py."""

import logging

import pytest

from incidents.adapters.log_notifier import LogNotifier
from incidents.model import Incident
from incidents.ports import Notifier
from tests.builders import an_incident


def test_telling_never_fails(notifier: Notifier) -> None:
    notifier.incident_changed(an_incident())
    notifier.incident_changed(an_incident())


def test_the_log_names_the_incident(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        LogNotifier().incident_changed(an_incident())
    (record,) = caplog.records
    assert record.getMessage() == "incident changed"
    assert record.__dict__["incident_id"] == "incident-1"
    assert record.__dict__["state"] == "open"


def test_a_listener_hears_and_its_failure_is_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[Incident] = []

    def listener(incident: Incident) -> None:
        heard.append(incident)
        raise OSError("nobody there")

    LogNotifier(listener).incident_changed(an_incident())
    assert heard == [an_incident()]
    assert caplog.records[-1].levelno == logging.ERROR
