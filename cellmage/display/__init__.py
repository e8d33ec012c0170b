"""What the reader sees while an answer arrives. Knows text; knows nothing of models."""

from .live import CURSOR, Frame, LiveMarkdown

__all__ = ["CURSOR", "Frame", "LiveMarkdown"]
