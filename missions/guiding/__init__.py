"""What a pilot asks of an aircraft in the air beside its mission, proven before it is sent."""
