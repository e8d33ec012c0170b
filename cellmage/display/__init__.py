"""Show text while it arrives. This package knows text; it does not know models."""

from ..markdown.heal import heal
from ..markdown.sanitize import sanitize
from ..text import CURSOR
from .base import Frame
from .live import LiveMarkdown

__all__ = ["CURSOR", "Frame", "LiveMarkdown", "heal", "sanitize"]
