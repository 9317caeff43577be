"""Nothing but the guard tells a vehicle to arm: there is no way around the failsafe contract."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("core", "geo", "telemetry", "missions", "vision", "incidents", "api", "station")
"""All but the simulator, where a vehicle starts its own motors, and the benchmarks."""
GUARD = "missions/failsafes/guarded_arming.py"
EXECUTOR = "missions/executor.py"
"""Calls the guard's `arm`, which `test_the_executor_arms_by_the_guard_alone` looks at."""


def calls_of(name: str, path: Path) -> list[int]:
    text = path.read_text()
    if f"{name}(" not in text:
        return []
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Attribute) and node.func.attr == name)
            or (isinstance(node.func, ast.Name) and node.func.id == name)
        )
    ]


def test_only_the_guard_and_the_executor_call_arm() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for package in OURS
        for path in sorted((ROOT / package).rglob("*.py"))
        if (lines := calls_of("arm", path))
    }
    assert set(found) == {GUARD, EXECUTOR}
    assert len(found[GUARD]) == 1


def test_the_executor_arms_by_the_guard_alone() -> None:
    tree = ast.parse((ROOT / EXECUTOR).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and calls_arm(node):
            (arming,) = [one for one in node.args.args if one.arg == "arming"]
            assert arming.annotation is not None
            assert ast.unparse(arming.annotation) == "GuardedArming | None"
    source = (ROOT / EXECUTOR).read_text()
    assert source.count("GuardedArming(") == 1
    assert calls_of("contract_for", ROOT / EXECUTOR)


def calls_arm(node: ast.AST) -> bool:
    return any(
        isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "arm"
        for one in ast.walk(node)
    )
