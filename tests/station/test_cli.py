"""The conventions that every verb keeps: scripts are written against them."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import types
from pathlib import Path

import pytest

from core import errors
from station import cli
from station.command import Run, verb

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))


@pytest.fixture
def a_verb(monkeypatch):
    """Makes the body of a test the verb `qyran probe`."""

    def make(function):
        module = types.ModuleType("station.verbs.probe")
        module.run = verb(function)
        monkeypatch.setitem(sys.modules, "station.verbs.probe", module)
        monkeypatch.setitem(cli.VERBS, "probe", "Probe.")

    return make


def test_json_gives_one_document_and_nothing_else(a_verb, capfd):
    def run(call: Run) -> None:
        print("a careless print")
        os.write(1, b"a careless write\n")
        ctypes.CDLL(None).puts(b"a careless C library")
        call.say("for a person")
        call.emit({"answer": 42, "nothing": float("nan"), "far": [float("inf")]}, "text")

    a_verb(run)
    assert cli.main(["probe", "--json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out) == {"answer": 42, "nothing": None, "far": [None]}
    assert out.count("\n") == 1
    assert "careless print" in err
    assert "careless write" in err
    assert "careless C library" in err


def test_without_json_a_person_reads_text(a_verb, capfd):
    def run(call: Run) -> None:
        call.emit({"answer": 42}, "forty-two")

    a_verb(run)
    assert cli.main(["probe"]) == 0
    assert capfd.readouterr().out == "forty-two\n"


def test_standard_output_is_given_back(a_verb, capfd):
    def run(call: Run) -> None:
        call.emit({})

    a_verb(run)
    cli.main(["probe", "--json"])
    os.write(1, b"mine again\n")
    assert capfd.readouterr().out == "{}\nmine again\n"


def test_a_second_answer_is_a_fault_of_ours(a_verb, capfd):
    def run(call: Run) -> None:
        call.emit({"first": 1})
        call.emit({"second": 2})

    a_verb(run)
    assert cli.main(["probe", "--json"]) == cli.INTERNAL_EXIT_CODE
    assert json.loads(capfd.readouterr().out) == {"first": 1}


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (errors.SourceMissing("is not there", where="a.ts", cure="check the path"), 2),
        (errors.PlanUnsafe("leaves the fence", where="item 3", cure="move it"), 1),
        (errors.PortInUse("is taken", where="127.0.0.1:8000", cure="use --set server.port"), 3),
        (OSError(28, "No space left on device", "clip.mp4"), 3),
        (PermissionError(13, "Permission denied", "/x"), 3),
    ],
)
def test_errors_are_one_line_one_document_and_their_exit_code(a_verb, capfd, error, exit_code):
    def run(call: Run) -> None:
        raise error

    a_verb(run)
    assert cli.main(["probe"]) == exit_code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("qyran: ")

    assert cli.main(["probe", "--json"]) == exit_code
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert set(document["error"]) == {"code", "message", "where", "cure"}
    assert document["error"]["code"] in err
    if isinstance(error, errors.QyranError):
        assert document["error"]["code"] == error.code
        assert document["error"]["where"] == error.where


def test_a_full_disk_has_its_code(a_verb, capfd):
    def run(call: Run) -> None:
        raise OSError(28, "No space left on device", "clip.mp4")

    a_verb(run)
    cli.main(["probe", "--json"])
    assert json.loads(capfd.readouterr().out)["error"]["code"] == "disk_full"


def test_our_own_fault_is_told_as_such(a_verb, capfd):
    def run(call: Run) -> None:
        raise ZeroDivisionError("division by zero")

    a_verb(run)
    assert cli.main(["probe", "--json"]) == 70
    out, err = capfd.readouterr()
    assert json.loads(out)["error"]["code"] == "internal_error"
    assert "Traceback" in err


def test_secrets_never_reach_the_error_line(a_verb, capfd):
    def run(call: Run) -> None:
        raise errors.SourceMissing("no answer", where="rtsp://admin:hunter2@10.0.0.5/live")

    a_verb(run)
    cli.main(["probe", "--json"])
    out, err = capfd.readouterr()
    assert "hunter2" not in out + err
    assert "10.0.0.5/live" in out


@pytest.mark.parametrize(
    "words",
    [
        ["--json"],
        ["nope", "--json"],
        ["config", "--nope", "--json"],
        ["config", "--json", "--set", "server.prot=1"],
        ["config", "--json", "--set", "server.port=high"],
        ["config", "--json", "--set", "server.port"],
        ["config", "--json", "--log-level", "loud"],
    ],
)
def test_wrong_usage_exits_2_with_a_document(words, capfd):
    assert cli.main(words) == 2
    assert json.loads(capfd.readouterr().out)["error"]["code"] in {"usage_error", "setting_invalid"}


def test_the_return_value_is_the_exit_code(a_verb, capfd):
    def run(call: Run) -> int:
        call.emit({"good": False})
        return 1

    a_verb(run)
    assert cli.main(["probe", "--json"]) == 1
    assert json.loads(capfd.readouterr().out) == {"good": False}


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_unwinds_and_says_so(a_verb, capfd, number, exit_code):
    closed = threading.Event()

    def run(call: Run) -> None:
        try:
            signal.raise_signal(number)
        finally:
            closed.set()

    a_verb(run)
    assert cli.main(["probe", "--json"]) == exit_code
    assert closed.is_set()
    assert json.loads(capfd.readouterr().out)["error"]["code"] == "stopped"


EARLY = """
import os, signal, sys

class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Stop())
from station import cli
raise SystemExit(cli.main(["serve", "--json"]))
"""


@pytest.mark.parametrize("module", ["typer", "station.command", "station.verbs.serve", "numpy"])
def test_a_stop_while_it_still_loads_is_answered_too(module):
    done = subprocess.run(
        [sys.executable, "-c", EARLY, module], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 143
    assert json.loads(done.stdout)["error"]["code"] == "stopped"


@pytest.mark.parametrize(
    ("word", "hint"), [("bogus", "see qyran --help"), ("zones", "see qyran zones --help")]
)
def test_a_wrong_word_points_to_help_that_is_there(capfd, word, hint):
    assert cli.main([word, "--nonsense"]) == 2
    assert f"; {hint} [" in capfd.readouterr().err


def test_help_of_the_whole_is_there_for_every_verb(capfd):
    assert cli.main(["--help"]) == 0
    out = capfd.readouterr().out
    for name in cli.VERBS:
        assert f"  {name} " in out


@pytest.mark.parametrize("name", sorted(cli.VERBS))
def test_every_verb_loads_and_has_the_common_options(name, capfd):
    assert cli.main([name, "--help"]) == 0
    out = capfd.readouterr().out
    group = "COMMAND [ARGS]" in out
    assert group or all(option in out for option in ("--json", "--home", "--set", "--log-level"))


def test_the_start_imports_nothing_heavy():
    code = (
        "import sys, station.cli; station.cli.build_app(None); "
        "heavy = {'numpy', 'cv2', 'mavsdk', 'av', 'fastapi', 'sqlmodel', 'geopandas', 'pydantic'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_as_a_process_even_late_prints_stay_out():
    code = (
        "import atexit, ctypes, os, sys, types, station.cli as cli;"
        "from station.command import verb;"
        "module = types.ModuleType('p'); sys.modules['station.verbs.probe'] = module;"
        "cli.VERBS['probe'] = 'Probe.';"
        "atexit.register(lambda: (os.write(1, b'late'), ctypes.CDLL(None).puts(b'late')));"
        "exec('def run(call) -> None: call.emit({})'); module.run = verb(run);"
        "sys.argv = ['qyran', 'probe', '--json']; sys.exit(cli.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "{}\n"
    assert "late" in done.stderr


def test_as_a_process_it_keeps_the_same_promises():
    done = subprocess.run(
        [sys.executable, "-m", "station.cli", "version", "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert set(json.loads(done.stdout)) == {"version", "python"}
