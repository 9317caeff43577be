"""What must be set in an autopilot before it may arm: required, read, compared, corrected."""
