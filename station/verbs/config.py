"""`qyran config`: every setting, its value and where it comes from."""

from station.command import Run, verb
from station.logs import HIDDEN, without_secrets
from station.output import jsonable
from station.settings_sources import environment_name, fields, value_of


@verb
def run(call: Run) -> None:
    """Show every setting, its value and where it comes from; secrets are masked."""
    loaded = call.load_settings()
    rows = []
    for name, field in fields():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        value = jsonable(value_of(loaded.settings, name))
        if extra.get("secret") and value:
            value = HIDDEN
        elif isinstance(value, str):
            value = without_secrets(value)
        rows.append(
            {
                "name": name,
                "value": value,
                "unit": extra.get("unit", ""),
                "origin": loaded.origins[name],
                "environment": environment_name(name),
                "description": field.description,
            }
        )
    width = max(len(str(row["name"])) for row in rows)
    lines = [f"{_shown(row):40} {row['origin']}" for row in rows]
    names = [f"{row['name']:{width}}" for row in rows]
    text = "\n".join(f"{name}  {line}" for name, line in zip(names, lines, strict=True))
    call.emit({"settings": rows}, text)


def _shown(row: dict[str, object]) -> str:
    value = row["value"]
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return f"{'-' if value in (None, '') else value} {row['unit']}".strip()
