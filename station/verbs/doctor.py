"""`qyran doctor`: what is there, what is missing, what it would give and how to get it."""

from station.command import Run, verb
from station.doctor import Report, State, examine

_MARKS = {State.OK: "ok", State.MISSING: "--", State.FAULT: "!!"}
_ENVIRONMENT_EXIT_CODE = 3


@verb
def run(call: Run) -> int:
    """Say what is there, what is missing, what it would give and how to get it."""
    reports = examine(call.settings)
    faults = [report.name for report in reports if report.state is State.FAULT]
    lines = [line for report in reports for line in _lines(report)]
    lines.append(f"needs mending: {', '.join(faults)}" if faults else "all that is needed is there")
    call.emit({"ok": not faults, "checks": reports}, "\n".join(lines))
    return _ENVIRONMENT_EXIT_CODE if faults else 0


def _lines(report: Report) -> list[str]:
    lines = [f"{_MARKS[report.state]}  {report.name:18} {report.detail}"]
    if report.state is not State.OK:
        lines.append(f"    {'':18} for: {report.gives}")
        lines.append(f"    {'':18} get: {report.cure}")
    return lines
