"""Who goes to an event, by which way, and out of zones that appear."""
