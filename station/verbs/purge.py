"""`qyran purge`: forgets what retention no longer allows to keep."""

from datetime import timedelta

from core.clock import SystemClock
from station.command import Run, verb
from station.retention import RetentionPolicy, purge

_FOR_EVER_DAYS = 36_500


@verb
def run(call: Run) -> None:
    """Delete telemetry and media of rejected incidents that are older than the settings allow."""
    settings = call.settings
    kept = settings.retention
    policy = RetentionPolicy(
        telemetry=timedelta(days=kept.telemetry_days or _FOR_EVER_DAYS),
        dismissed_media=timedelta(days=kept.dismissed_media_days or _FOR_EVER_DAYS),
    )
    report = purge(settings.home, policy, SystemClock().now())
    megabytes = f"{report.media_bytes / 1e6:.1f} MB"
    text = f"forgot {report.samples} telemetry samples and {report.media} media ({megabytes})"
    call.emit(report, text)
