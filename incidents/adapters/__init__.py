"""Adapters of incidents's ports; only station/wiring.py names them."""
