"""What the reader sees while an answer arrives. Knows text; knows nothing of models."""

from ..markdown.heal import heal
from ..markdown.sanitize import sanitize
from .live import LiveMarkdown
from .parts import CURSOR, Frame

__all__ = ["CURSOR", "Frame", "LiveMarkdown", "heal", "sanitize"]
