"""Where settings come from: joins defaults, file, environment and flags, and keeps origins."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from core.errors import SettingInvalid
from station.settings import Settings

FILE_NAME = "qyran.toml"
PREFIX = "QYRAN_"
NOT_SETTINGS = frozenset(
    {
        "QYRAN_SHARED", "QYRAN_PX4", "QYRAN_ARDUPILOT", "QYRAN_SKIP_PAGE", "QYRAN_EXPLORE",
        "QYRAN_TEST_POSTGRES", "QYRAN_TEST_WORKERS",
    }
)  # fmt: skip
"""Variables of that prefix that tests and builds read; no settings."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings and, by dotted name, where each value came from."""

    settings: Settings
    origins: Mapping[str, str]
    """Such as `default`, `file …/qyran.toml`, `environment QYRAN_HOME`, `flag`."""


def fields(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yields every setting by its dotted name, in the order of the class."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def value_of(settings: BaseModel, name: str) -> Any:
    """Returns the value of a dotted name."""
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def environment_name(name: str) -> str:
    """Returns the environment variable of a dotted name."""
    return PREFIX + name.replace(".", "__").upper()


def load_settings(
    *,
    home: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    default_home: Path | None = None,
    defaults: Mapping[str, object] | None = None,
) -> LoadedSettings:
    """Returns the settings of a run.

    Args:
        home: the data folder that a flag names.
        overrides: settings that flags give, by dotted name.
        default_home: the data folder where nobody names one, instead of the user's own.
        defaults: values by dotted name that stand in for the built-in defaults.

    Raises:
        SettingInvalid: if a name is unknown, a value impossible, or the file unreadable.
    """
    values: dict[str, object] = {}
    origins: dict[str, str] = {}

    def take(found: Mapping[str, object], origin: str) -> None:
        for name, value in found.items():
            values[name] = value
            origins[name] = origin.format(variable=environment_name(name))

    take(defaults or {}, "default of this verb")
    if default_home is not None:
        take({"home": default_home}, "default of this verb")
    environment = _from_environment()
    folder = home or environment.get("home") or values.get("home") or Settings().home
    path = Path(str(folder)).expanduser() / FILE_NAME
    take(_from_file(path), f"file {path}".replace("{", "{{").replace("}", "}}"))
    take(environment, "environment {variable}")
    take(overrides or {}, "flag")
    if home is not None:
        take({"home": home}, "flag")
    _refuse_unknown(values, origins)
    if "home" in values:
        values["home"] = Path(str(values["home"])).expanduser().absolute()
    try:
        settings = Settings(**_nested(values))
    except ValidationError as error:
        raise _as_ours(error, origins) from None
    return LoadedSettings(settings, {name: origins.get(name, "default") for name, _ in fields()})


def _from_environment() -> dict[str, object]:
    known = {environment_name(name) for name, _ in fields()} | NOT_SETTINGS
    for variable in os.environ:
        if variable.upper().startswith(PREFIX) and variable.upper() not in known:
            raise SettingInvalid(
                "no such setting",
                where=f"environment {variable}",
                cure=_nearest(variable.upper(), known),
            )
    return dict(_flat(EnvSettingsSource(Settings)()))


def _from_file(path: Path) -> dict[str, object]:
    try:
        found = dict(_flat(tomllib.loads(path.read_text(encoding="utf-8"))))
    except (FileNotFoundError, NotADirectoryError):  # whoever needs the folder tells that
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingInvalid(
            f"not readable as TOML: {error}", where=str(path), cure="mend the file or move it away"
        ) from None
    if "home" in found:
        raise SettingInvalid(
            "the file lies in the data folder and can't name it",
            where=f"{path}: home",
            cure="use --home or QYRAN_HOME",
        )
    return found


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _nested(values: Mapping[str, object]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *groups, leaf = name.split(".")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
        branch[leaf] = value
    return tree


def _refuse_unknown(values: Mapping[str, object], origins: Mapping[str, str]) -> None:
    known = {name for name, _ in fields()}
    for name in values:
        if name not in known:
            raise SettingInvalid(
                "no such setting",
                where=f"{name} ({origins[name]})",
                cure=_nearest(name, known),
            )


def _nearest(name: str, known: set[str] | frozenset[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"{meant}`qyran config` lists all"


def _as_ours(error: ValidationError, origins: Mapping[str, str]) -> SettingInvalid:
    first = error.errors(include_url=False, include_input=False)[0]
    names = {name for name, _ in fields()}
    path = [str(part) for part in first["loc"]]
    # a list's index or a union's branch may follow the name
    name = next((n for i in range(len(path), 0, -1) if (n := ".".join(path[:i])) in names), "")
    name = name or ".".join(path)
    message = str(first["msg"])
    return SettingInvalid(
        message[:1].lower() + message[1:],
        where=f"{name} ({origins.get(name, 'default')})",
        cure="see docs/settings.md",
    )
