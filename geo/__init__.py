"""Where things are: positions and datums, zones, the local frame, cameras, terrain."""
