"""Plans of one patrol: coverage, corridors, orbits, look-lists, and what a camera saw of them."""
