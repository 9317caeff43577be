"""What was seen becomes places, violations, incidents; people decide on them."""
