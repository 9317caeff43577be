"""Plans of many patrols for drones and cars together."""
