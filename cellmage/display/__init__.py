"""What the reader sees while an answer arrives. Knows text; knows nothing of models."""

from .healing import heal
from .live import LiveMarkdown
from .neutralising import neutralise
from .parts import CURSOR, Frame

__all__ = ["CURSOR", "Frame", "LiveMarkdown", "heal", "neutralise"]
