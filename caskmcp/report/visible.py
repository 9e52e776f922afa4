"""Make every character of a text visible, so that captured text cannot steer a terminal or hide in a review: the word for it in reports."""

from caskmcp.hidden import HIDDEN, visible

__all__ = ["HIDDEN", "visible"]
