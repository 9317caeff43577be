import hashlib
import hmac
import json
import logging
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Thread

import pytest

from core.clock import SystemClock
from incidents.adapters.webhook_notifier import WebhookNotifier
from incidents.model import Incident
from tests.builders import an_incident, an_observation

SECRET = b"a secret of the test"


class Receiver:
    """A web server on loopback that answers as it is told and keeps what came."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.came: Queue[tuple[dict[str, str], bytes]] = Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.came.put(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def next(self) -> tuple[dict[str, str], bytes]:
        return self.came.get(timeout=10)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def notifier(url: str, dropped: Queue[Incident] | None = None, **more: int) -> WebhookNotifier:
    return WebhookNotifier(
        url, SECRET, SystemClock(), waits_s=(0.0, 0.0),
        on_dropped=None if dropped is None else dropped.put, **more,
    )  # fmt: skip


def test_a_change_arrives_signed_and_without_anything_personal(receiver: Receiver) -> None:
    incident = an_incident(observations=(an_observation(plate="777ABC01"),))
    sender = notifier(receiver.url)
    sender.incident_changed(incident)
    headers, body = receiver.next()
    sender.close()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = hmac.new(SECRET, signed, hashlib.sha256).digest()
    assert b64decode(headers["webhook-signature"].removeprefix("v1,")) == expected
    data = json.loads(body)["data"]
    assert (data["id"], data["version"], data["state"]) == ("incident-1", 1, "open")
    assert data["event"] == "opened"
    assert b"777ABC01" not in body


def test_a_receiver_that_stumbles_is_tried_again_with_the_same_id(receiver: Receiver) -> None:
    receiver.answers = [503, 500]
    dropped: Queue[Incident] = Queue()
    sender = notifier(receiver.url, dropped)
    sender.incident_changed(an_incident())
    ids = {receiver.next()[0]["webhook-id"] for _ in range(3)}
    sender.incident_changed(replace(an_incident(), version=2))
    ids.add(receiver.next()[0]["webhook-id"])
    sender.close()
    assert len(ids) == 2
    assert dropped.empty()


def test_what_nobody_takes_is_given_up_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    closed = Receiver()
    closed.close()
    dropped: Queue[Incident] = Queue()
    sender = notifier(closed.url, dropped)
    with caplog.at_level(logging.WARNING):
        sender.incident_changed(an_incident())
        assert dropped.get(timeout=10) == an_incident()
    sender.close()
    assert "a webhook message was given up" in caplog.messages


def test_a_full_queue_or_a_closed_notifier_never_holds_up_the_intake() -> None:
    closed = Receiver()
    closed.close()
    dropped: Queue[Incident] = Queue()
    sender = notifier(closed.url, dropped, queue=1)
    for _ in range(50):
        sender.incident_changed(an_incident())
    sender.close()
    sender.close()
    sender.incident_changed(an_incident())
    assert dropped.qsize() >= 1
