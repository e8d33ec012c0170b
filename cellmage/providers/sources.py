"""Sources that a provider names beside its answer, such as the pages that it searched; no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ..events import Document

# In chunks, choices, deltas and messages. "citations" is first: the answer counts in its order.
_FIELDS = (
    "citations",  # Perplexity, xAI, Cohere
    "search_results",  # Perplexity, with titles
    "annotations",  # OpenAI, OpenRouter
    "executed_tools",  # Groq
    "web_search",  # Zhipu
    "search_info",  # DashScope, Hunyuan
    "context",  # Azure
    "grounding_metadata",  # Gemini
    "groundingMetadata",
    "grounding_chunks",
    "web_search_results",
    "web_results",
    "url_citations",
    "sources",
    "references",
)
_FIELD_SET = frozenset(_FIELDS)
_URL_FIELDS = ("url", "uri", "link", "href", "source", "source_url")
_TITLE_FIELDS = ("title", "name", "site_name")
_TEXT_FIELDS = ("snippet", "content", "text", "description")


class SourceFinder:
    """Finds the sources in the objects of an answer, each address once.

    Example:
        >>> finder = SourceFinder()
        >>> chunk = {"citations": ["https://example.org/a", "https://example.org/a"]}
        >>> list(finder.find(chunk)), list(finder.find(chunk))
        ([Document(title='example.org', text='', source='https://example.org/a', line=0)], [])
    """

    def __init__(self) -> None:
        self._addresses: set[str] = set()

    def find(self, *objects: Mapping[str, Any]) -> Iterator[Document]:
        """Yield the new sources in a chunk and its parts.

        Args:
            objects: the chunk, a choice, a delta or a message, as parsed JSON.
        """
        documents: dict[str, Document] = {}
        for fields in objects:
            if _FIELD_SET.isdisjoint(fields):
                continue
            for document in _documents([fields.get(name) for name in _FIELDS]):
                if document.source not in self._addresses:
                    first = documents.get(document.source)
                    documents[document.source] = _merge(first, document) if first else document
        self._addresses.update(documents)
        for document in documents.values():
            yield replace(document, title=document.title or _host(document.source))


def _documents(value: Any) -> Iterator[Document]:
    """Yield the sources in a value: the addresses in lists, and the objects with an address."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, str) and _is_address(item):
                yield Document("", "", item)
            else:
                yield from _documents(item)
    elif isinstance(value, Mapping):
        if address := next(filter(_is_address, _texts(value, _URL_FIELDS)), ""):
            title, text = _first_text(value, _TITLE_FIELDS), _first_text(value, _TEXT_FIELDS)
            yield Document(title, text, address)
        else:
            for name, item in value.items():
                if not isinstance(item, str):
                    yield from _documents(item)
                elif name.isdecimal():  # {"1": "https://…"}
                    yield from _documents([item])


def _is_address(text: str) -> bool:
    """Return whether a text is one web address; nothing else is linked."""
    return text.startswith(("http://", "https://")) and bool(_host(text)) and not text.split()[1:]


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _texts(fields: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    yield from (value for name in names if isinstance(value := fields.get(name), str))


def _first_text(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next(filter(None, _texts(fields, names)), "")


def _merge(first: Document, other: Document) -> Document:
    title, text = first.title or other.title, first.text or other.text
    return replace(first, title=title, text=text)
