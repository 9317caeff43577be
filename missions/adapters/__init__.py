"""Adapters of missions's ports; only station/wiring.py names them."""
