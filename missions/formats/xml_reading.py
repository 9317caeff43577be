"""XML and ZIP files of strangers, read within limits: no entities, no bombs, no paths.

A document type is refused before it is looked at, so that neither entities nor outside files
come into play; a ZIP is read in memory, so that names in it lead nowhere.
"""

import io
import re
import zipfile
import zlib
from xml.etree import ElementTree
from xml.parsers import expat

from core.errors import PlanUnreadable

_MOST_BYTES = 64 * 1024 * 1024
_MOST_NODES = 2_000_000
_DEEPEST = 200
_MOST_ENTRIES = 10_000
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(value: str) -> str:
    """Returns a text in which what XML can't hold is a replacement character."""
    return _NO_XML.sub("\ufffd", value)


def parse_xml(data: bytes) -> ElementTree.Element:
    """Returns the root of an XML document; names of elements have no namespace.

    Raises:
        PlanUnreadable: if it is no XML, has a document type, or is far too large.
    """
    if len(data) > _MOST_BYTES:
        raise PlanUnreadable("it is larger than 64 MiB", cure="split it")
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    depth = nodes = 0

    def refuse(*_: object) -> int:
        raise PlanUnreadable(
            "it has a document type or entities, which are not read",
            where=f"line {parser.CurrentLineNumber}",
            cure="export it again without them",
        )

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, nodes
        depth, nodes = depth + 1, nodes + 1
        if depth > _DEEPEST or nodes > _MOST_NODES:
            raise PlanUnreadable("it is nested too deep or has too many elements")
        plain = {name.rpartition("}")[2]: value for name, value in attributes.items()}
        builder.start(tag.rpartition("}")[2], plain)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag.rpartition("}")[2])

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, AssertionError, ValueError, LookupError) as error:
        raise PlanUnreadable(
            f"not readable as XML: {error}", cure="the file may be cut short; export it again"
        ) from error


def main_kml(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Returns the KML inside a KMZ, and the names of what else is in it.

    The first `.kml` at the top counts, then the first anywhere. Nothing is unpacked to a disk.

    Raises:
        PlanUnreadable: if it is no ZIP, holds no KML, is encrypted or far too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_ENTRIES:
                raise PlanUnreadable("it has too many files")
            kmls = [e for e in entries if e.filename.lower().endswith(".kml")]
            if not kmls:
                raise PlanUnreadable("it holds no .kml", cure="give a KMZ of a map program")
            chosen = next((e for e in kmls if "/" not in e.filename), kmls[0])
            with archive.open(chosen) as file:
                content = file.read(_MOST_BYTES + 1)  # its own word on its size may be a lie
    except (
        zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError,
        ValueError, OverflowError,
    ) as error:  # fmt: skip
        raise PlanUnreadable(f"not a readable KMZ: {error}", cure="export it again") from error
    if len(content) > _MOST_BYTES:
        raise PlanUnreadable("its KML is larger than 64 MiB", cure="split it")
    others = [e.filename for e in entries if e is not chosen and not e.is_dir()]
    return content, tuple(others)


def zipped(files: dict[str, bytes]) -> bytes:
    """Returns a ZIP of files; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
