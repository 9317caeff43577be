"""Writes docs/settings.md from station/settings.py.

Usage: python scripts/make_docs.py [--check]; with --check nothing is written and the exit
code is 1 where the file is out of step.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pydantic import BaseModel  # noqa: E402
from pydantic.fields import FieldInfo  # noqa: E402

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


def main() -> int:
    """Writes or compares the page."""
    path, page = ROOT / "docs" / "settings.md", settings_page()
    if "--check" in sys.argv[1:]:
        same = path.is_file() and path.read_text(encoding="utf-8") == page
        if not same:
            print("docs/settings.md is out of step; run scripts/make_docs.py", file=sys.stderr)
        return 0 if same else 1
    path.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
