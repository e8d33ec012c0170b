"""Names that providers accept, and results as text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import types

from cellmage.mcp.results import MCPToolError, result_text
from cellmage.mcp.tools import tool_name
from cellmage.tool_requests import match_tool

names = st.text("ab_-. é/", min_size=1, max_size=5) | st.text(min_size=1, max_size=100)


@given(st.lists(st.tuples(names, names), max_size=8, unique=True))
def test_every_tool_has_its_own_name(tools: list[tuple[str, str]]) -> None:
    found = [tool_name(*tool) for tool in tools]
    assert len(set(found)) == len(tools)
    assert all(re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_-]{0,63}", name) for name in found)
    assert found == [tool_name(*tool) for tool in tools]
    assert all(match_tool(f"functions.{name}", found) == name for name in found)


def text(value: str) -> types.TextContent:
    return types.TextContent(type="text", text=value)


RESOURCE = types.TextResourceContents(uri="file:///a", text="inside")


@pytest.mark.parametrize(
    ("content", "structured", "result"),
    [
        ([text("a"), text("b")], None, "a\nb"),
        ([], {"n": 1}, '{"n": 1}'),
        ([text('{"n": 1}')], {"n": 1}, '{"n": 1}'),  # the same, as most servers send it
        ([text("3")], {"result": 3}, "3"),
        ([text("plain")], {"result": "plain"}, "plain"),
        ([text("1"), text("2")], {"result": [1, 2]}, "1\n2"),
        ([], {"result": None}, ""),
        ([text("2 rows")], {"rows": [1]}, '2 rows\n{"rows": [1]}'),
        (
            [types.ImageContent(type="image", data="AAAA", mime_type="image/png")],
            None,
            "[image, image/png, 3 bytes]",
        ),
        (
            [types.AudioContent(type="audio", data="AAAA", mime_type="audio/wav")],
            None,
            "[audio, audio/wav, 3 bytes]",
        ),
        (
            [types.ResourceLink(type="resource_link", name="a", uri="file:///a")],
            None,
            "[resource a: file:///a]",
        ),
        ([types.EmbeddedResource(type="resource", resource=RESOURCE)], None, "inside"),
    ],
)
def test_results(content: Any, structured: Any, result: str) -> None:
    assert result_text(content, structured, is_error=False) == result


def test_an_error_is_raised() -> None:
    with pytest.raises(MCPToolError, match="no such file"):
        result_text([text("no such file")], None, is_error=True)
