"""Tells several listeners that an incident has changed."""

from incidents.adapters.log_notifier import LogNotifier
from incidents.model import Incident
from incidents.ports import Notifier


class ManyNotifiers:
    """A `Notifier` that writes the log's line and tells each of the others."""

    def __init__(self, *notifiers: Notifier) -> None:
        """Takes whom to tell after the log."""
        self._notifiers = (LogNotifier(), *notifiers)

    def incident_changed(self, incident: Incident) -> None:
        """Passes it on to each."""
        for notifier in self._notifiers:
            notifier.incident_changed(incident)
