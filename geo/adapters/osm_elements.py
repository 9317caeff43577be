"""What an OpenStreetMap extract says about roads, whichever file format it came in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""
Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OsmWay:
    """A drawn line with its tags."""

    way_id: int
    nodes: tuple[int, ...]
    tags: Tags


@dataclass(frozen=True, slots=True)
class OsmMember:
    """One part of a relation."""

    kind: str
    """`node`, `way` or `relation`."""
    ref: int
    role: str


@dataclass(frozen=True, slots=True)
class OsmRelation:
    """Things that belong together, such as the two ways and the node of a banned turn."""

    relation_id: int
    members: tuple[OsmMember, ...]
    tags: Tags


@dataclass(frozen=True, slots=True)
class OsmElements:
    """The ways that are highways, the restrictions, and the nodes that these ways use."""

    places: Mapping[int, tuple[float, float]]
    """Latitude and longitude by node; a node that was cut off is missing."""
    barriers: Mapping[int, Tags] = field(default_factory=dict)
    """Tags of those nodes that are a barrier."""
    ways: tuple[OsmWay, ...] = ()
    restrictions: tuple[OsmRelation, ...] = ()
