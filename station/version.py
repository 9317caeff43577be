"""Which version this is."""

import importlib.metadata


def version_text() -> str:
    """Returns the version of this installation, or `0+unknown` of a bare source tree."""
    try:
        return importlib.metadata.version("qyran")
    except importlib.metadata.PackageNotFoundError:
        return "0+unknown"
