"""Tools that the provider runs itself: the search of the web."""

from __future__ import annotations

import pytest

from cellmage import ConfigError, Conversation, Options, UsageError, web_search
from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel
from tests.providers import messages_streams as messages
from tests.providers import responses_streams as responses

PAGE = {"url": "https://example.org/paris", "title": "Paris"}
STREAMS = {
    "responses": responses.stream_of(
        responses.response(
            responses.search("Paris"),
            responses.message(responses.text_part("Paris.", responses.citation(**PAGE))),
        )
    ),
    "messages": messages.stream_of(
        messages.message(
            messages.search("Paris"),
            messages.result(**PAGE),
            messages.text("Paris.", messages.citation(**PAGE)),
        )
    ),
}
TOOLS = {
    "responses": {"type": "web_search"},
    "messages": {"type": "web_search_20250305", "name": "web_search"},
}


@pytest.mark.parametrize("api", STREAMS)
def test_the_answer_names_the_pages(api: str, connected: ScriptedServer) -> None:
    connected.play(STREAMS[api])
    response = Conversation(Options(model="m", api=api)).ask("Capital?", tools=[web_search])
    assert response.text == "Paris."
    assert [(page.title, page.source) for page in response.sources] == [
        (PAGE["title"], PAGE["url"])
    ]
    assert connected.last.body["tools"] == [TOOLS[api]]


@pytest.mark.parametrize("api", ["chat", "ollama"])
def test_an_api_without_it_is_not_asked(api: str, connected: ScriptedServer) -> None:
    with pytest.raises(ConfigError, match="the web is searched by"):
        Conversation(Options(model="m", api=api)).ask("Capital?", tools=[web_search])
    assert not connected.exchanges


@pytest.mark.parametrize("api", STREAMS)
def test_beside_a_function(api: str, connected: ScriptedServer) -> None:
    def weather() -> str:
        """Look."""
        return "rain"

    connected.play(STREAMS[api])
    Conversation(Options(model="m", api=api)).ask("Capital?", tools=[weather, web_search])
    names = [tool.get("name") for tool in connected.last.body["tools"]]
    assert names == ["weather", TOOLS[api].get("name")]


def test_it_is_no_function() -> None:
    with pytest.raises(UsageError, match="is run by the provider"):
        web_search()
    with pytest.raises(ValueError, match="is run by the provider"):
        web_search.bind("{}")


def test_in_a_cell(kernel: Kernel, connected: ScriptedServer) -> None:
    connected.play(STREAMS["responses"])
    run = kernel.run("%%llm --tool web --api responses -m m\nCapital?", "c1")
    assert run.ok
    assert "https://example.org/paris" in run.texts[-1]
