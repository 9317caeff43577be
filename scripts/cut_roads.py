"""Cuts the highways out of an OpenStreetMap extract, for a test of real streets.

    python scripts/cut_roads.py EXTRACT.osm.pbf OUT.osm.gz

What stays: ways with `highway`, the nodes they use, barriers, turn restrictions; all of their
tags save notes. OUT is OpenStreetMap's XML, packed; ODbL 1.0.
"""

import gzip
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from geo.adapters.osm_pbf import read_pbf

DROPPED = {"note", "fixme", "source", "created_by"}


def main() -> None:
    """Reads the first file named and writes the second."""
    extract, out = Path(sys.argv[1]), Path(sys.argv[2])
    elements = read_pbf(extract)
    root = ElementTree.Element("osm", version="0.6", generator="scripts/cut_roads.py")
    root.set("attribution", "© OpenStreetMap contributors, ODbL 1.0")
    for node, (lat, lon) in sorted(elements.places.items()):
        one = ElementTree.SubElement(root, "node", id=str(node), lat=f"{lat:.7f}", lon=f"{lon:.7f}")
        tag(one, elements.barriers.get(node, {}))
    for way in elements.ways:
        one = ElementTree.SubElement(root, "way", id=str(way.way_id))
        for ref in way.nodes:
            ElementTree.SubElement(one, "nd", ref=str(ref))
        tag(one, way.tags)
    for relation in elements.restrictions:
        one = ElementTree.SubElement(root, "relation", id=str(relation.relation_id))
        for member in relation.members:
            ElementTree.SubElement(
                one, "member", type=member.kind, ref=str(member.ref), role=member.role
            )
        tag(one, relation.tags)
    with out.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        ElementTree.ElementTree(root).write(packed, encoding="utf-8", xml_declaration=True)


def tag(element: ElementTree.Element, tags: Mapping[str, str]) -> None:
    """Adds tags to an element."""
    for key, value in tags.items():
        if key not in DROPPED:
            ElementTree.SubElement(element, "tag", k=key, v=value)


if __name__ == "__main__":
    main()
