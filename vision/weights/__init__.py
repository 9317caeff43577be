"""The shipped weights and their manifests; data only."""
