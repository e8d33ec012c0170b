"""Code that was run before you see it: in a fork of the kernel's process, which changes nothing.

See docs/twin.md for what the twin shares with the kernel, and what it does not.
"""

from ..errors import TwinError
from .outside import ActsOutside
from .parent import run
from .results import Action, BoundName, Output, Run

__all__ = ["Action", "ActsOutside", "BoundName", "Output", "Run", "TwinError", "run"]
