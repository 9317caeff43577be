"""The proof of a plan: what it sweeps, what that meets, and the changes that cure it."""
