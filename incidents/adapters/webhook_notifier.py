"""Tells a web address that incidents change, signed as Standard Webhooks describe.

One thread sends in order; the intake only puts into a bounded queue. A receiver that is
down is tried again a few times; what can't be delivered is logged and dropped, since the
store and the live feed hold the truth.
"""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Event, Thread

import httpx

from core.clock import Clock
from core.ids import content_id
from incidents.model import Incident

log = logging.getLogger(__name__)

_QUEUE = 1_000
_TIMEOUT_S = 10.0
_WAITS_S = (1.0, 5.0, 30.0)


class WebhookNotifier:
    """A `Notifier` that posts each change as JSON; close it to end its thread."""

    def __init__(
        self,
        url: str,
        secret: bytes,
        clock: Clock,
        *,
        waits_s: tuple[float, ...] = _WAITS_S,
        queue: int = _QUEUE,
        on_dropped: Callable[[Incident], None] | None = None,
    ) -> None:
        """Starts the sending thread.

        Args:
            url: where to post.
            secret: the key of the signature (HMAC-SHA-256).
            clock: dates the messages.
            waits_s: pauses before each further try.
            queue: how many messages may wait; a further one is dropped.
            on_dropped: is told of an incident whose message was given up.
        """
        self._url = url
        self._secret = secret
        self._clock = clock
        self._waits_s = waits_s
        self._on_dropped = on_dropped
        self._queue: Queue[Incident] = Queue(queue)
        self._closed = Event()
        self._client = httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False)
        self._thread = Thread(target=self._run, name="webhook", daemon=True)
        self._thread.start()

    def incident_changed(self, incident: Incident) -> None:
        """Queues a message and returns at once; never raises."""
        try:
            if not self._closed.is_set():
                self._queue.put_nowait(incident)
                return
        except Full:
            pass
        self._drop(incident, "the queue is full or closed")

    def close(self) -> None:
        """Ends after the message under way; a second call does nothing."""
        self._closed.set()
        self._thread.join(timeout=2 * _TIMEOUT_S)
        self._client.close()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                incident = self._queue.get(timeout=0.2)
            except Empty:
                continue
            try:
                self._send(incident)
            except Exception:  # one bad message must not silence all that follow
                log.exception("a webhook message failed")

    def _send(self, incident: Incident) -> None:
        body = json.dumps(_message(incident), allow_nan=False).encode()
        message_id = content_id("msg", incident.incident_id, incident.version)
        reason = ""
        for wait_s in (*self._waits_s, None):
            sent_at = str(int(self._clock.now().timestamp()))
            headers = {
                "content-type": "application/json",
                "webhook-id": message_id,
                "webhook-timestamp": sent_at,
                "webhook-signature": signature(self._secret, message_id, sent_at, body),
            }
            try:
                answer = self._client.post(self._url, content=body, headers=headers)
                if answer.is_success:
                    return
                reason = f"status {answer.status_code}"
            except httpx.HTTPError as error:
                reason = type(error).__name__
            if wait_s is None or self._closed.wait(wait_s):
                break
        self._drop(incident, reason)

    def _drop(self, incident: Incident, reason: str) -> None:
        log.warning(
            "a webhook message was given up",
            extra={"incident_id": incident.incident_id, "reason": reason},
        )
        if self._on_dropped is not None:
            self._on_dropped(incident)


def signature(secret: bytes, message_id: str, sent_at: str, body: bytes) -> str:
    """Returns the value of the header `webhook-signature`."""
    signed = message_id.encode() + b"." + sent_at.encode() + b"." + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _message(incident: Incident) -> dict[str, object]:
    """Returns the body: what changed, without people's names, plates or media."""
    return {
        "type": "incident.changed",
        "timestamp": incident.last_seen_at.isoformat(),
        "data": {
            "id": incident.incident_id,
            "version": incident.version,
            "kind": str(incident.kind),
            "state": str(incident.state),
            "zone_id": incident.zone_id,
            "agency": incident.agency,
            "point": {
                "lat": incident.point.lat_deg,
                "lon": incident.point.lon_deg,
                "radius_m": incident.point.radius_m,
            },
            "opened_at": incident.opened_at.isoformat(),
            "last_seen_at": incident.last_seen_at.isoformat(),
            "event": incident.timeline[-1].event if incident.timeline else "",
        },
    }
