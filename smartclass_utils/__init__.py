"""Helpers shared by the notebooks of SmartClass A.I.ssistant."""

__version__ = "2.0.0"
