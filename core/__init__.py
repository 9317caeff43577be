"""Words and rules that every package shares: ids, clock, errors, state tables."""
