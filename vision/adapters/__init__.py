"""Adapters of vision's ports; only station/wiring.py names them."""
