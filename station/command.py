'''The pattern of a verb: a function that takes a `Run` and gives one answer.

A verb is one file, `station/verbs/NAME.py`, with a function `run` under `@verb`, and one line
in the table `station.cli.VERBS`. It is imported only when it is called, so it may import what
it needs at its top; the rest of the command line stays quick. The whole of a verb:

    """`qyran greet`: greets somebody."""

    from typing import Annotated

    import typer

    from station.command import Run, verb


    @verb
    def run(call: Run, who: Annotated[str, typer.Argument(help="Whom to greet.")]) -> int:
        """Greet somebody."""
        call.emit({"greeted": who, "port": call.settings.server.port}, f"Salem, {who}!")
        return 0

`@verb` adds the options that every verb has: `--json`, `--home`, `--set NAME=VALUE` and
`--log-level`. The return value is the exit code (`None` is 0): 0 done, 1 the answer is no.
Usage and environment faults are raised as `core.errors`; `main` says them in one line and
picks the exit code. A verb with verbs of its own (`zones import`) names several functions in
a dict `RUNS = {"import": import_, "list": list_}` instead of `run`; one of them that needs much
that the others do not stands there as an `Elsewhere`, and is imported when it is called.
'''

import functools
import importlib
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import SettingInvalid
from station import logs
from station.output import Output, ProgressBar
from station.stopping import stopped_by_signals

if TYPE_CHECKING:
    from station.settings import Settings
    from station.settings_sources import LoadedSettings


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A verb of a verb in a module of its own, which is imported only when it is called."""

    module: str
    name: str
    """Of the function there."""
    line: str
    """For the help: the first line of the function's docstring."""

    def load(self) -> Callable[..., int]:
        """Returns the function."""
        run: Callable[..., int] = getattr(importlib.import_module(self.module), self.name)
        return run


@dataclass
class Run:
    """One call of a verb: its settings and where it speaks."""

    output: Output
    home: Path | None
    """`--home`, else `None`."""
    overrides: dict[str, str]
    """Settings given by flags, by name."""

    @cached_property
    def settings(self) -> "Settings":
        """The settings of this call, read once; logging follows them from here on.

        Raises:
            SettingInvalid: if a name is unknown or a value impossible.
        """
        return self.load_settings().settings

    def load_settings(
        self, *, home: Path | None = None, defaults: dict[str, object] | None = None
    ) -> "LoadedSettings":
        """Returns settings together with where each came from.

        Args:
            home: data folder to use where neither flag nor environment names one (the demo's).
            defaults: values that stand in for the built-in defaults; file, environment and
                flags still win.

        Raises:
            SettingInvalid: if a name is unknown or a value impossible.
        """
        from station.settings_sources import load_settings

        loaded = load_settings(
            home=self.home, overrides=self.overrides, default_home=home, defaults=defaults
        )
        settings = loaded.settings
        logs.configure(settings.log.level, settings.log.format, settings.log.file)
        return loaded

    @property
    def as_json(self) -> bool:
        """Whether `--json` was given."""
        return self.output.as_json

    def emit(self, document: object, text: str | None = None) -> None:
        """Gives the answer, once; see `station.output.Output.emit`."""
        self.output.emit(document, text)

    def say(self, text: str) -> None:
        """Tells a person more on standard output; silent with `--json`."""
        self.output.say(text)

    def note(self, text: str) -> None:
        """Tells a person something by the way, on standard error."""
        self.output.note(text)

    def progress(
        self, what: str, total: float | None = None
    ) -> AbstractContextManager[ProgressBar]:
        """Shows a bar on standard error during the block."""
        return self.output.progress(what, total)


Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]
Home = Annotated[Path | None, typer.Option("--home", help="Data folder, instead of QYRAN_HOME.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Set one setting; may be repeated."),
]
LogLevel = Annotated[
    str | None,
    typer.Option("--log-level", help="debug, info, warning or error."),
]
_COMMON = {"json_": (Json, False), "home": (Home, None), "set_": (Set, None)}
_COMMON["log_level"] = (LogLevel, None)


def verb(function: Callable[..., int | None]) -> Callable[..., int]:
    """Returns the function as a command of the app, with the options that every verb has."""
    signature = inspect.signature(function, eval_str=True)
    own = list(signature.parameters.values())[1:]

    @functools.wraps(function)
    def command(ctx: typer.Context, **values: Any) -> int:
        values.pop("json_")
        home, pairs, level = (values.pop(name) for name in ("home", "set_", "log_level"))
        overrides = dict(_pair(text) for text in pairs or ())
        if level is not None:
            overrides["log.level"] = level
        with stopped_by_signals():  # here too: click makes a mere abort of a Ctrl-C
            return function(Run(ctx.obj, home, overrides), **values) or 0

    parameters = [inspect.Parameter("ctx", _KEYWORD, annotation=typer.Context)]
    parameters += [parameter.replace(kind=_KEYWORD) for parameter in own]
    parameters += [
        inspect.Parameter(name, _KEYWORD, annotation=annotation, default=default)
        for name, (annotation, default) in _COMMON.items()
    ]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise SettingInvalid(f"--set {text} is no NAME=VALUE", cure="write --set server.port=8010")
    return name.strip(), value
