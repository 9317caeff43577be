"""Adapters of telemetry's ports; only station/wiring.py names them."""
