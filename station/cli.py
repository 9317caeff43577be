"""The `qyran` command: finds the verb, runs it, turns what happened into an exit code.

Exit codes: 0 done; 1 the answer is no; 2 usage or unreadable input; 3 the environment (port,
disk, missing extra); 128 and the signal's number when stopped; 70 a fault of our own. A verb
is imported only when it is called: see `station.command` for how one is written.
"""

import errno
import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.errors import DiskFull, EnvironmentFault, QyranError, UsageError
from station import logs
from station.output import Output
from station.stopping import Stopped, stopped_by_signals

if TYPE_CHECKING:
    import typer

log = logging.getLogger(__name__)

VERBS: dict[str, str] = {
    "account": "Add people, services and devices that may sign in.",
    "assets": "Bring drones and cars in, list them.",
    "backup": "Copy the data folder into one file.",
    "check": "Check a plan file against fences and the vehicle's limits.",
    "config": "Show every setting, its value and where it comes from.",
    "convert": "Convert a plan from one file format into another.",
    "demo": "Run the simulated patrol of Kosshy.",
    "dispatch": "Decide who goes to an event, and why.",
    "doctor": "Say what is there, what is missing and how to get it.",
    "exits": "Give aircraft their proven ways out of a zone that appears.",
    "ingest": "Run the whole line on footage: file, folder or stream.",
    "permissions": "Bring airspace permissions in, list them, revoke one.",
    "plan": "Plan paths: an area that is to be covered.",
    "purge": "Delete what retention no longer allows to keep.",
    "restore": "Bring a backup back into an empty data folder.",
    "roads": "Bring in the roads that cars drive on, ask for a way.",
    "schedule": "List when patrols are due, keep schedules and their history.",
    "serve": "Start the station: API, page and patrols.",
    "shift": "Report a shift: flown, missed and why, still open, grounded.",
    "sim": "Start simulated vehicles, our own or real autopilots, and say where they are.",
    "survey": "Tell what the pictures of a survey show of its area.",
    "telemetry": "Bring log files into the telemetry log, show what it holds.",
    "upgrade": "Migrate the data folder to this version, after a backup.",
    "version": "Say which version this is.",
    "zones": "Bring zones in, take them out, list them.",
}
"""Each verb, in the file `station/verbs/NAME.py`, and its line in `qyran --help`."""

INTERNAL_EXIT_CODE = 70
"""Of a fault of our own (EX_SOFTWARE of sysexits.h); a traceback goes to standard error."""


def build_app(wanted: str | None, wanted_part: str | None = None) -> "typer.Typer":
    """Returns the app with the `wanted` verb loaded; the others only have their help line.

    Args:
        wanted: the verb.
        wanted_part: a verb of that verb; those in modules of their own are loaded by it alone.
    """
    import typer

    from station.command import Elsewhere

    app = typer.Typer(
        name="qyran",
        help="Mission control for a city's drones and patrol cars.",
        epilog="Every verb takes --help and --json. Settings: qyran config.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_every_verb_has_its_own_options)
    for name, line in VERBS.items():
        if name != wanted:
            app.command(name, help=line)(_not_loaded)
            continue
        module = importlib.import_module(f"station.verbs.{name}")
        runs: dict[str, Callable[..., int] | Elsewhere] | None = getattr(module, "RUNS", None)
        if runs is None:
            app.command(name)(module.run)
            continue
        group = typer.Typer(help=line, no_args_is_help=True, rich_markup_mode=None)
        group.callback()(_every_verb_has_its_own_options)
        for sub_name, run in runs.items():
            if not isinstance(run, Elsewhere):
                group.command(sub_name)(run)
            elif sub_name == wanted_part:
                group.command(sub_name)(run.load())
            else:
                group.command(sub_name, help=run.line)(_not_loaded)
        app.add_typer(group, name=name)
    return app


def _every_verb_has_its_own_options() -> None:
    pass  # a callback keeps typer from folding an app of one command into that command


def _not_loaded() -> None:
    raise RuntimeError("only the verb that was asked for is loaded")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb and returns its exit code.

    Args:
        arguments: words after `qyran`; the process's own by default.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    wanted = next((word for word in words if not word.startswith("-")), None)
    before_rest = words[: words.index("--")] if "--" in words else words
    output = Output(as_json="--json" in before_rest)
    try:
        logs.configure()
        code = _run(output, wanted, words)
        if not output.answered and output.as_json:
            output.emit({"done": code == 0})
        return code
    except BrokenPipeError:  # the reader (head, less) has gone: nobody is left to tell
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123
        return 0
    finally:
        if arguments is not None:
            # in a process of its own standard output stays turned away to the very end, since
            # threads and buffers of C libraries may still print
            output.close()


def _run(output: Output, wanted: str | None, words: list[str]) -> int:
    try:
        # before anything heavy is loaded: a stop in the first second is answered too
        with stopped_by_signals():
            return _called(output, wanted, words)
    except QyranError as error:
        return _fail(output, error.code, error.exit_code, str(error), error)
    except Stopped as stop:
        return _fail(output, "stopped", stop.exit_code, f"stopped by {stop}", None)
    except KeyboardInterrupt:
        return _fail(output, "stopped", 130, "stopped", None)
    except BrokenPipeError:
        raise
    except OSError as error:
        fault = _environment_fault(error)
        return _fail(output, fault.code, fault.exit_code, str(fault), fault)
    except Exception as error:  # the rim: a fault of our own must still end in one clear line
        log.exception("unexpected fault")
        first = next(iter(str(error).splitlines()), "")[:200]
        line = f"{type(error).__name__}: {first}; please report this with the lines above"
        return _fail(output, "internal_error", INTERNAL_EXIT_CODE, line, None)


def _called(output: Output, wanted: str | None, words: list[str]) -> int:
    import typer

    try:
        named = [word for word in words if not word.startswith("-")]
        app = build_app(wanted, named[1] if len(named) > 1 else None)
        code = app(words, prog_name="qyran", standalone_mode=False, obj=output)
        return int(code or 0)
    except typer.TyperException as error:
        known = wanted if wanted in VERBS else None
        hint = f"see qyran {known} --help" if known else "see qyran --help"
        message = error.format_message().rstrip(".")
        fault = UsageError(message, cure=hint)
        return _fail(output, "usage_error", 2, str(fault), fault)
    except typer.Abort as abort:
        raise KeyboardInterrupt from abort


def _environment_fault(error: OSError) -> EnvironmentFault:
    """Returns an error of the operating system that no adapter has named, as one of ours."""
    where = str(error.filename or "")
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("no room left on the disk", where=where, cure="free some space, try again")
    return EnvironmentFault(reason.lower(), where=where, cure="check the path and its permissions")


def _fail(output: Output, code: str, exit_code: int, line: str, error: QyranError | None) -> int:
    """Says what went wrong: one line for a person, one document for a script."""
    line = logs.without_secrets(" ".join(line.split()))
    output.note(f"qyran: {line} [{code}]")
    if output.as_json and not output.answered:
        message = error.message if error else line
        where, cure = (error.where, error.cure) if error else ("", "")
        parts = {"code": code, "message": message, "where": where, "cure": cure}
        clean = {name: logs.without_secrets(text) for name, text in parts.items()}
        output.emit({"error": clean})
    return exit_code


if __name__ == "__main__":
    raise SystemExit(main())
