"""Sources beside an answer, in the shapes in which providers name them."""

from __future__ import annotations

from typing import Any

import pytest

from cellmage.events import Document
from cellmage.providers.sources import SourceFinder

A, B = "https://www.example.org/a", "https://example.net/b"
PAGE = {"title": "A", "url": A, "content": "Text of A"}

SHAPES: dict[str, tuple[dict[str, Any], list[tuple[str, str, str]]]] = {
    "Perplexity, addresses": (
        {"citations": [A, B, A]},
        [("example.org", "", A), ("example.net", "", B)],
    ),
    "by number": (
        {"citations": {"1": A, "2": B}},
        [("example.org", "", A), ("example.net", "", B)],
    ),
    "Perplexity, with titles": (
        {
            "search_results": [
                {"title": "B", "url": B, "date": "2026-01-01", "snippet": "b"},
                {"title": "A", "url": A, "date": None},
            ],
            "citations": [A, B],
        },
        [("A", "", A), ("B", "b", B)],
    ),
    "OpenAI": (
        {
            "annotations": [
                {"type": "url_citation", "url_citation": {"url": A, "title": "A", "end_index": 3}},
                {"type": "file_citation", "file_citation": {"file_id": "f", "filename": "a.pdf"}},
            ]
        },
        [("A", "", A)],
    ),
    "OpenAI, flat": (
        {"annotations": [{"type": "url_citation", "url": A, "title": "A"}]},
        [("A", "", A)],
    ),
    "Groq": (
        {
            "executed_tools": [
                {
                    "index": 0,
                    "arguments": '{"query": "https://example.com"}',
                    "output": "https://example.com/not-a-source",
                    "search_results": {"images": None, "results": [PAGE | {"score": 0.9}]},
                }
            ]
        },
        [("A", "Text of A", A)],
    ),
    "Zhipu": ({"web_search": [{"title": "A", "link": A, "icon": B}]}, [("A", "", A)]),
    "DashScope": ({"search_info": {"search_results": [PAGE]}}, [("A", "Text of A", A)]),
    "Azure": (
        {"context": {"citations": [PAGE | {"filepath": "a.md", "chunk_id": "0"}], "intent": "x"}},
        [("A", "Text of A", A)],
    ),
    "Gemini": (
        {"groundingMetadata": {"groundingChunks": [{"web": {"uri": A, "title": "A"}}]}},
        [("A", "", A)],
    ),
    "Open WebUI": (
        {"sources": [{"source": {"name": "web"}, "metadata": [{"source": A, "name": "A"}]}]},
        [("A", "", A)],
    ),
    "an address after another word": (
        {"citations": [{"source": "web", "url": A, "title": "A"}]},
        [("A", "", A)],
    ),
    "no addresses": ({"citations": ["doc_1", 5, None, {"url": "file:///etc/passwd"}]}, []),
    "not addresses": ({"citations": ["http://[", "https://", "https://a b", ""]}, []),
    "other types": ({"citations": 5, "annotations": {}, "search_results": [[[]]]}, []),
    "no field of sources": ({"content": A, "images": [A]}, []),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_source_is_found_once(shape: str) -> None:
    fields, sources = SHAPES[shape]
    finder = SourceFinder()
    documents = [Document(title, text, address) for title, text, address in sources]
    assert list(finder.find({}, fields, {"delta": {}})) == documents
    assert list(finder.find(fields, fields)) == []


def test_sources_of_a_chunk_and_its_parts_are_one_list() -> None:
    documents = SourceFinder().find({"citations": [A, B]}, {}, {"annotations": [PAGE]})
    assert [document.title for document in documents] == ["A", "example.net"]
