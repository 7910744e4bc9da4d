"""The demo sources: faces of nobody, drawn in the layouts of the real sources."""

from smartclass_utils.demo.drawing import draw_demo

__all__ = ["draw_demo"]
