"""`qyran version`: which version this is."""

import importlib.metadata
import platform

from station.command import Run, verb


def version_text() -> str:
    """Returns the version of this installation, or `0+unknown` of a bare source tree."""
    try:
        return importlib.metadata.version("qyran")
    except importlib.metadata.PackageNotFoundError:
        return "0+unknown"


@verb
def run(call: Run) -> None:
    """Say which version this is."""
    version = version_text()
    document = {"version": version, "python": platform.python_version()}
    call.emit(document, f"qyran {version} (Python {document['python']})")
