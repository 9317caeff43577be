"""Handing an event to who goes there: its life from the offer to the outcome, and SOS buttons."""
