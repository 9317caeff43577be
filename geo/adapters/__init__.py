"""Adapters of geo's ports; only station/wiring.py names them."""
