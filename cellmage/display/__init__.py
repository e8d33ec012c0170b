"""What the reader sees while an answer arrives. Knows text; knows nothing of models."""

from .healing import heal
from .live import CURSOR, Frame, LiveMarkdown
from .neutralising import neutralise

__all__ = ["CURSOR", "Frame", "LiveMarkdown", "heal", "neutralise"]
