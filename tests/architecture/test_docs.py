"""The build checks the words: what a person may meet is documented."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys

from fastapi import APIRouter

import api.routes
from core import errors
from core.refusals import RefusalCode
from missions.proving.checks import FINDING_CODES
from station import cli
from station.settings_sources import fields


def page(root, name):
    return (root / "docs" / name).read_text(encoding="utf-8")


def all_errors():
    found, waiting = [], [errors.QyranError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return found


def test_pages_made_from_code_are_in_step(root):
    done = subprocess.run(
        [sys.executable, str(root / "scripts" / "make_docs.py"), "--check"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_setting_is_documented(root):
    text = page(root, "settings.md")
    assert not [name for name, _ in fields() if f"`{name}`" not in text]


def test_every_setting_is_read_somewhere(root):
    """A setting that nothing reads would be a promise that is not kept."""
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in (root / "station").rglob("*.py")
        if path.name != "settings.py"
    )
    leaves = {name: name.rsplit(".", 1)[-1] for name, _ in fields()}
    unread = [name for name, leaf in leaves.items() if not re.search(rf"\.{leaf}\b", code)]
    assert not unread


def test_every_verb_is_documented(root):
    text = page(root, "cli.md")
    assert not [name for name in cli.VERBS if f"## qyran {name}" not in text]


def test_every_error_code_is_documented(root):
    text = page(root, "errors.md")
    assert not [kind.code for kind in all_errors() if f"`{kind.code}`" not in text]


def test_every_error_has_a_code_of_its_own_and_stands_in_the_tree():
    codes = [kind.code for kind in all_errors()]
    assert len(codes) == len(set(codes))
    tree = errors.__doc__ or ""
    families = {errors.QyranError, errors.UsageError, errors.Refused, errors.EnvironmentFault}
    for kind in all_errors():
        assert kind.__name__ in tree, kind
        assert kind in families or re.search(rf"{kind.__name__}\s+{kind.code}\b", tree), kind


def test_every_error_of_the_tree_exists():
    tree = errors.__doc__ or ""
    drawn = re.findall(r"─ (\w+)", tree)
    assert not [name for name in drawn if not hasattr(errors, name)]


def test_every_finding_code_is_documented(root):
    text = page(root, "findings.md")
    assert not [code for code in FINDING_CODES if f"`{code}`" not in text]


def test_every_finding_code_in_use_is_listed(root):
    source = (root / "missions" / "proving" / "checks.py").read_text(encoding="utf-8")
    words = {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    shaped = {word for word in words if re.fullmatch(r"[a-z]+(_[a-z]+)+", word)}
    assert shaped <= set(FINDING_CODES), shaped - set(FINDING_CODES)


def test_every_refusal_code_is_documented(root):
    text = page(root, "findings.md")
    assert not [code for code in RefusalCode if f"`{code}`" not in text]


def documented_routes(root):
    """Returns the (method, path) pairs of docs/api.md.

    A cell may name several: "`GET /zones`, `POST /zones`", or "`POST /sorties/{id}/hold`,
    `/resume`", where what follows is a sibling of the first.
    """
    found = set()
    for line in page(root, "api.md").splitlines():
        if not re.match(r"\|? ?`(GET|POST|PUT|PATCH|DELETE) /", line):
            continue
        method = base = ""
        cell = line.strip("| ").split(" | ")[0]
        for piece in re.findall(r"`([^`]+)`", cell):
            first, _, path = piece.partition(" ")
            if path.startswith("/"):
                method, base = first, path.rsplit("/", 1)[0]
                found.add((method, shape(path)))
            elif first.startswith("/"):
                found.add((method, shape(f"{base}{first}")))
    return found


def shape(path):
    """Returns a path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/api/v1").split("?")[0])


def test_every_route_is_documented(root):
    missing = sorted(served_routes() - documented_routes(root))
    assert not missing, f"not in docs/api.md: {missing}"


def test_every_documented_route_is_served(root):
    missing = sorted(documented_routes(root) - served_routes())
    assert not missing, f"in docs/api.md, not served: {missing}"


def served_routes():
    """Returns the (method, path) pairs that the API's routers declare."""
    found = set()
    for info in pkgutil.iter_modules(api.routes.__path__):
        module = importlib.import_module(f"api.routes.{info.name}")
        for router in vars(module).values():
            if isinstance(router, APIRouter):
                for route in router.routes:
                    if route.include_in_schema:
                        found |= {(m, shape(route.path)) for m in route.methods - {"HEAD"}}
    assert found, "no routes found"
    return found


def test_every_decision_has_its_parts(root):
    records = sorted((root / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [path.name[:4] for path in records]
    assert numbers == [f"{n:04}" for n in range(1, len(records) + 1)]
    for path in records:
        text = path.read_text(encoding="utf-8")
        for part in ("## Context", "## Decision", "## Consequences", "## Alternatives rejected"):
            assert part in text, f"{path.name} lacks {part}"
        assert re.search(r"^> \S", text, re.M), f"{path.name} has no line to quote"


def test_every_link_between_documents_leads_somewhere(root, files):
    broken = []
    for path in files:
        if path.suffix != ".md" or "node_modules" in path.parts:
            continue
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target) or target.startswith("#"):
                continue
            if not (path.parent / target.split("#")[0]).exists():
                broken.append(f"{path.relative_to(root)}: {target}")
    assert not broken
