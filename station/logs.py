"""Logs of a run: structured, with levels, on standard error or in a file, without secrets.

Records carry a constant message and fields (`log.info("sortie ended", extra={...})`). Two
forms: `human` for a terminal, `json` with one object a line for machines.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["human", "json"]

HIDDEN = "***"
OURS = ("core", "geo", "telemetry", "missions", "vision", "incidents", "api", "sim", "station")
"""Names of the loggers that are ours: the packages."""
_FILE_BYTES = 10_000_000
_FILE_COUNT = 5
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_SECRET_WORD = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|authorization|cookie|session"
    # words too short to be looked for inside others: author, powered
    r"|(?<![a-z0-9])(?:pw|usr|auth)(?![a-z0-9]))"
)
_SECRET_NAME = re.compile(_SECRET_WORD, re.IGNORECASE)
_NAMED = r"(?<!\w)(?:\w*" + _SECRET_WORD + r"\w*|setup)"
_RULES = (
    # rtsp://user:password@host: the whole of the user part goes, it may be a token by itself.
    # A password that nobody has encoded may hold / and @, so the cut is at the last @.
    (re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]*://)[^\s\"<>]*@", re.IGNORECASE), r"\g<keep>***@"),
    (re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE), r"\g<keep>***"),
    # "api_key": "any words", password='…': to the same quote, which may be an escaped one
    (
        re.compile(
            r"(?P<keep>" + _NAMED + r"(?:\\*[\"'])?\s*[=:]\s*(?P<quote>\\*[\"']))"
            r"(?:(?!(?P=quote))(?:\\.|.))*",
            re.IGNORECASE,
        ),
        r"\g<keep>***",
    ),
    # #setup=TOKEN, ?token=…, password:x
    (
        re.compile(
            r"(?P<keep>" + _NAMED + r"(?:\\*[\"'])?\s*(?:=\s*|:))"
            r"(?![\s*\"'\\]|bearer |basic )[^\s\"'&]+",
            re.IGNORECASE,
        ),
        r"\g<keep>***",
    ),
    # api-key: x at the end of a line or clause; "password: it is too short" is prose
    (
        re.compile(
            r"(?P<keep>" + _NAMED + r":\s+)(?![*\"'\\]|bearer |basic )[^\s\"'&,;}\])]+"
            r"(?=\s*(?:$|[\n,;}\]]))",
            re.IGNORECASE,
        ),
        r"\g<keep>***",
    ),
)


def without_secrets(text: str) -> str:
    """Returns the text with passwords, tokens and session keys replaced by `***`."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _field(name: str, value: object) -> object:
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, bool | int | float) or value is None:
        return value
    return without_secrets(str(value))


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Returns what was passed as `extra`, without secrets."""
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {name: _field(name, value) for name, value in extra.items()}


class HumanFormatter(logging.Formatter):
    """One line for a person: time, level, who, message, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as text, with a traceback below where there is one."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        head = f"{at} {record.levelname.lower():7} {record.name}:"
        line = f"{head} {without_secrets(record.getMessage())}{fields}"
        if record.exc_info:
            line += "\n" + without_secrets(self.formatException(record.exc_info))
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as JSON; values that JSON does not know become text."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        line: dict[str, object] = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(
    level: LogLevel = "warning", form: LogFormat = "human", file: Path | None = None
) -> None:
    """Sends all logs to standard error, and to `file` as well where one is given.

    Calling it again replaces what it set up before. Libraries are heard from `warning` on,
    or from `info` on where ours speak at `debug`.
    """
    formatter = JsonFormatter() if form == "json" else HumanFormatter()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(
            RotatingFileHandler(
                file, maxBytes=_FILE_BYTES, backupCount=_FILE_COUNT, encoding="utf-8", delay=True
            )
        )
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if getattr(handler, "of_qyran", False)]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        handler.setFormatter(formatter)
        handler.of_qyran = True  # type: ignore[attr-defined]
        root.addHandler(handler)
    ours = getattr(logging, level.upper())
    root.setLevel(logging.INFO if level == "debug" else max(logging.WARNING, ours))
    for name in OURS:
        logging.getLogger(name).setLevel(ours)
