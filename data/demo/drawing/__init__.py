"""Draws the demo sources: faces of nobody, in the layouts of the real sources."""
