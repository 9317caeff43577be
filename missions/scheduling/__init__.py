"""When patrols are due, whether they may start, and what became of them."""
