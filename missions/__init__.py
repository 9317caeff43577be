"""Patrols planned, proven and flown."""
