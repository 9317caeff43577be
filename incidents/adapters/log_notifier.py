"""Tells the log, and whoever listens in this process, that incidents change."""

import logging
from collections.abc import Callable

from incidents.model import Incident

log = logging.getLogger(__name__)


class LogNotifier:
    """A `Notifier` that writes one line per change; a listener's failure is logged too."""

    def __init__(self, listener: Callable[[Incident], None] | None = None) -> None:
        """Takes a listener that is called after the line is written."""
        self._listener = listener

    def incident_changed(self, incident: Incident) -> None:
        """Writes the line and calls the listener; never raises."""
        log.info(
            "incident changed",
            extra={
                "incident_id": incident.incident_id,
                "kind": str(incident.kind),
                "state": str(incident.state),
                "version": incident.version,
            },
        )
        if self._listener is None:
            return
        try:
            self._listener(incident)
        except Exception:  # whatever a listener does, the intake goes on
            log.exception(
                "a listener failed on an incident", extra={"incident_id": incident.incident_id}
            )
