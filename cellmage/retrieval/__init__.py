"""A full-text index of documents for ``--rag``: files, their text, passages, and the search."""

from .index import Index

__all__ = ["Index"]
