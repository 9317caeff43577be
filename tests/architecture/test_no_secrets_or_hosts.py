"""Nothing of one machine, one network or one person is committed."""

import re

BINARY = {
    ".png",
    ".jpg",
    ".jpeg",
    ".onnx",
    ".ts",
    ".mp4",
    ".gpkg",
    ".klv",
    ".bin",
    ".ulg",
    ".woff2",
}
PATTERNS = {
    "a machine's path": re.compile(r"(?<![\w.])/(?:home|root|Users|work|opt|mnt)/[\w.-]+"),
    "a registry's address": re.compile(
        r"https?://[^\s\"')]*(?:pypi\.org/simple|files\.pythonhosted|registry\.npmjs|/simple/)",
        re.IGNORECASE,
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a cloud or forge token": re.compile(
        r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{30,}|glpat-\w{20,})\b"
    ),
    "an index option": re.compile(r"--(?:extra-)?index-url|--find-links|PIP_INDEX_URL="),
}
ALLOWED = {
    "tests/architecture/test_no_secrets_or_hosts.py",
}


def test_no_secrets_machines_or_registries(root, files):
    found = []
    for path in files:
        name = str(path.relative_to(root))
        if path.suffix.lower() in BINARY or name in ALLOWED:
            continue
        data = path.read_bytes()
        if b"\0" in data[:8192]:
            continue
        text = data.decode("utf-8", "replace")
        for what, pattern in PATTERNS.items():
            if match := pattern.search(text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{name}:{line}: {what}: {match[0][:60]}")
    assert not found, "\n".join(found)


def test_lock_of_the_page_names_no_registry(root):
    lock = root / "web" / "package-lock.json"
    if lock.is_file():
        assert '"resolved": "http' not in lock.read_text(encoding="utf-8")


def test_the_pinned_lists_are_plain(root):
    for path in root.glob("requirements*.lock"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path.name
        assert "opencv-python==" not in text, path.name
