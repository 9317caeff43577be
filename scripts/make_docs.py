"""Writes the pages of docs/ that are made from code: settings, findings, the command line.

Usage: python scripts/make_docs.py [--check]; with --check nothing is written and the exit
code is 1 where a page is out of step.
"""

import io
import os
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pydantic import BaseModel  # noqa: E402
from pydantic.fields import FieldInfo  # noqa: E402

from core.refusals import RefusalCode  # noqa: E402
from missions.proving.checks import FINDING_CODES  # noqa: E402
from station import cli  # noqa: E402
from station.output import jsonable  # noqa: E402
from station.settings import Settings  # noqa: E402
from station.settings_sources import FILE_NAME, environment_name, fields  # noqa: E402

HEAD = f"""# Settings

Made by `scripts/make_docs.py` from `station/settings.py`; do not edit by hand.

The later wins: built-in default; the verb's own default (the demo's); the file `{FILE_NAME}` in
the data folder; the environment (`QYRAN_SERVER__PORT=8010`); flags (`--set server.port=8010`,
`--home`, `--log-level`). Lists are written with commas in the environment and in flags. An
unknown name is refused (`setting_invalid`, exit 2). `qyran config` shows every value and where
it comes from. A setting without a default listed is empty.

```toml
# {FILE_NAME}
[server]
port = 8010

[detector]
threads = 2
```
"""


def shown_default(name: str, field: FieldInfo) -> str:
    """Returns the default as a person would write it."""
    if name == "home":
        return "the user's data folder"
    value = jsonable(field.get_default(call_default_factory=True, validated_data={}))
    if value is None or value == "" or value == []:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def settings_page() -> str:
    """Returns the whole page."""
    parts, group_before = [HEAD], None
    for name, field in fields():
        group = name.rpartition(".")[0]
        if group != group_before or group_before is None:
            group_before = group
            parts.append(group_head(group))
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        cells = [
            f"`{name}`",
            shown_default(name, field),
            str(extra.get("unit", "")),
            str(field.description),
            f"`{environment_name(name)}`",
        ]
        parts.append("| " + " | ".join(cells) + " |")
    return "\n".join(parts) + "\n"


def group_head(group: str) -> str:
    """Returns the heading of a group and of its table."""
    title, text = "Data folder", ""
    if group:
        kind = Settings.model_fields[group].annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        title, text = group, f"\n{kind.__doc__}\n"
    table = "| Setting | Default | Unit | Meaning | Environment |\n|---|---|---|---|---|"
    return f"\n## {title}\n{text}\n{table}"


FINDINGS_HEAD = """# Findings and refusals

Made by `scripts/make_docs.py` from `missions/proving/checks.py` and `core/refusals.py`; do not
edit by hand.

## Findings

What `qyran check` and a plan's preflight may find. An error keeps the plan on the ground; a
warning is for the pilot to weigh. `check_plan` never raises: whatever is wrong with a plan is a
finding.

| Code | Meaning |
|---|---|
"""

REFUSALS_HEAD = """
## Refusals

Why a frame, a row or a detection gave no observation. A refusal is a result that is counted,
not an error; `qyran ingest` and `qyran demo` tell the counts under `refused`.

| Code | Meaning |
|---|---|
"""

CLI_HEAD = """# The command line

Made by `scripts/make_docs.py` from `station/verbs/`; do not edit by hand.

Every verb takes `--json`, `--home DIR`, `--set NAME=VALUE` and `--log-level LEVEL`.

**Standard output** holds the answer, and with `--json` exactly one JSON document (UTF-8, no NaN
or Infinity: what is no finite number is null). Logs, progress and notes go to standard error.

| Exit code | Meaning |
|---|---|
| 0 | done |
| 1 | the answer is no: an error-level finding, a demo goal missed, a refusal |
| 2 | usage, or input that can't be read |
| 3 | the environment: port, disk, missing extra |
| 130, 143 | stopped by Ctrl-C or SIGTERM, in order |
| 70 | a fault of our own; a traceback is on standard error |

What fails is told in one line, `qyran: WHERE: WHAT; WHAT TO DO [CODE]`, and with `--json` also as
`{"error": {"code": "…", "message": "…", "where": "…", "cure": "…"}}`. The codes are in
[errors.md](errors.md), and two of the command line alone: `usage_error` (the words after `qyran`
make no sense), `internal_error` (exit 70), `stopped`.
"""


def findings_page() -> str:
    """Returns the codes of findings and refusals."""
    findings = "".join(f"| `{code}` | {text} |\n" for code, text in FINDING_CODES.items())
    source = (ROOT / "core" / "refusals.py").read_text(encoding="utf-8")
    meanings = dict(re.findall(r'= "(\w+)"\n    """(.+?)"""', source))
    refusals = "".join(f"| `{code}` | {meanings[code]} |\n" for code in RefusalCode)
    return FINDINGS_HEAD + findings + REFUSALS_HEAD + refusals


def cli_page() -> str:
    """Returns the help of every verb."""
    os.environ["COLUMNS"] = "100"
    parts = [CLI_HEAD]
    for name in cli.VERBS:
        texts = [_help(name)]
        if "COMMAND [ARGS]" in texts[0]:
            names = re.findall(r"^  (\w+)  ", texts[0].split("Commands:")[1], re.M)
            texts += [_help(name, sub) for sub in names]
        parts += [f"\n## qyran {name}\n"]
        parts += [f"\n```\n{text.rstrip()}\n```\n" for text in texts]
    return "".join(parts)


def _help(*words: str) -> str:
    told = io.StringIO()
    with redirect_stdout(told):
        cli.main([*words, "--help"])
    return told.getvalue()


def main() -> int:
    """Writes or compares the pages."""
    pages = {"settings": settings_page(), "findings": findings_page(), "cli": cli_page()}
    stale = 0
    for name, page in pages.items():
        path = ROOT / "docs" / f"{name}.md"
        if "--check" not in sys.argv[1:]:
            path.write_text(page, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != page:
            print(f"docs/{name}.md is out of step; run scripts/make_docs.py", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    raise SystemExit(main())
