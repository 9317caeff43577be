"""Judges flights while they are flown: concerns, and what is done about them; values only."""
