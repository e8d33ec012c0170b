"""Describe values for a model: variables, tables, figures, code, errors and files.

One `functools.singledispatch` describes all of them, and users extend it with `register`. Below the
level `rows` no cell of a table is described.
"""

from . import code, exceptions, files, values  # noqa: F401 - they register their types
from .catalogue import catalogue
from .description import Description, Level
from .downloads import download
from .exceptions import message_of
from .files import describe_file, describe_path
from .registry import describe, register

__all__ = [
    "Description",
    "Level",
    "catalogue",
    "describe",
    "describe_file",
    "describe_path",
    "download",
    "message_of",
    "register",
]
