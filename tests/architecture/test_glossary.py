"""Every word of the domain that the glossary explains is a class, and the other way round."""

import ast
import re

MODELS = (
    "core/refusals.py", "geo/positions.py", "geo/zones.py", "geo/camera.py", "telemetry/model.py",
    "missions/model.py", "vision/model.py", "incidents/model.py",
)  # fmt: skip


def glossary_words(root):
    text = (root / "docs" / "glossary.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| ([^|]+) \|", text, re.M)
    return {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}


def classes(root, names):
    found = set()
    for name in names:
        tree = ast.parse((root / name).read_text(encoding="utf-8"))
        found |= {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    return {name for name in found if not name.startswith("_")}


def test_every_domain_class_is_explained(root):
    missing = classes(root, MODELS) - glossary_words(root)
    assert not missing, f"say what these are in docs/glossary.md: {sorted(missing)}"


def test_every_word_explained_exists(root):
    ports = [
        str(path.relative_to(root))
        for package in ("geo", "telemetry", "missions", "vision", "incidents")
        for path in (root / package).rglob("*.py")
    ]
    known = classes(root, [*MODELS, *ports, "core/clock.py", "core/states.py", "api/accounts.py"])
    unknown = {word for word in glossary_words(root) if word[0].isupper()} - known
    assert not unknown, f"no such class: {sorted(unknown)}"
