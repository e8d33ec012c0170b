"""Steps of an answer whose model calls tools, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest

from cellmage import (
    CellmageError,
    Conversation,
    Retriever,
    Status,
    Token,
    ToolCall,
    ToolResult,
    UsageError,
)
from cellmage.testing import (
    DONE,
    Exchange,
    Reply,
    ScriptedServer,
    answer,
    chunk,
    finish,
    tool_call,
    usage,
)
from tests.message_rules import violations
from tests.tool_scripts import play_calls, read, results, thread_name


class TestOffer:
    def test_the_schema_is_sent(self, chat: Conversation, server: ScriptedServer) -> None:
        def weather(city: str, days: int = 1) -> str:
            """The weather in a city."""
            return "rain"

        play_calls(server, ("weather", '{"city": "Oslo"}'))
        read(chat, weather)
        (offer,) = server.exchanges[0].body["tools"]
        assert offer["type"] == "function"
        assert offer["function"]["name"] == "weather"
        assert offer["function"]["description"] == "The weather in a city."
        assert offer["function"]["parameters"]["required"] == ["city"]

    def test_without_tools(self, chat: Conversation, server: ScriptedServer) -> None:
        read(chat)
        assert "tools" not in server.last.body

    def test_arguments_that_are_refused(self, chat: Conversation) -> None:
        with pytest.raises(UsageError, match=r"tools=\[weather\]"):
            chat.stream("Go", tools=thread_name)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="cannot be a tool"):
            chat.stream("Go", tools=[len])
        with pytest.raises(UsageError, match="approve is None"):
            chat.stream("Go", tools=[thread_name], approve=None)  # type: ignore[arg-type]


class TestSteps:
    def test_events_in_order(self, chat: Conversation, server: ScriptedServer) -> None:
        play_calls(server, ("thread_name", "{}"), text="Let me see. ")
        stream = chat.stream("Go", tools=[thread_name], approve="always")
        events = [event for event in stream.events if not isinstance(event, Status)]
        assert events[1:4] == [
            Token("Let me see. "),
            ToolCall("call0", "thread_name", "{}"),
            ToolResult("call0", "thread_name", threading.main_thread().name),
        ]
        assert stream.response.text == "Let me see. Done."
        assert stream.response.final_text == "Done."
        assert [event.type for event in events].count("start") == 1

    def test_results_are_sent_to_the_model(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        play_calls(server, ("thread_name", "{}"), ("thread_name", "{}"))
        read(chat, thread_name)
        assert violations(server.last) == []
        _, request, *tool_messages = server.last.body["messages"]
        assert request["content"] == ""
        assert [message["tool_call_id"] for message in tool_messages] == [
            call["id"] for call in request["tool_calls"]
        ]

    def test_calls_as_models_write_them(self, chat: Conversation, server: ScriptedServer) -> None:
        """The tool runs, and the model receives its call in the shape that servers accept."""

        def write(text: str) -> str:
            """Write."""
            return text.upper()

        odd = (("functions.write", '{"text": "a\nb"}'), (" write", '"{\\"text\\": \\"c\\"}"'))
        play_calls(server, *odd, ("default_api:thread_name", "null"))
        stream = read(chat, write, thread_name)
        assert results(stream) == ["A\nB", "C", threading.main_thread().name]
        calls = [call["function"] for call in server.last.body["messages"][1]["tool_calls"]]
        assert [call["name"] for call in calls] == ["write", "write", "thread_name"]
        assert calls[0]["arguments"] == '{"text": "a\\nb"}'
        assert stream.response.steps[0].calls[0].name == "write"

    def test_an_async_generator(self, chat: Conversation, server: ScriptedServer) -> None:
        async def count(to: int) -> AsyncIterator[int]:
            """Count."""
            for number in range(to):
                yield number

        play_calls(server, ("count", '{"to": 3}'), ("count", '{"to": "x"}'))
        numbers, error = results(read(chat, count))
        assert numbers == "[0,1,2]"
        assert error.startswith("error: ValidationError: to: Input should be a valid integer")

    def test_usage_is_that_of_all_requests(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        first = Reply([tool_call("thread_name", "{}"), finish("tool_calls"), usage(10, 2), DONE])
        server.play_each([first, Reply([chunk("ok"), finish(), usage(10, 2), DONE])])
        tokens = read(chat, thread_name).response.usage
        assert tokens is not None
        assert (tokens.input_tokens, tokens.output_tokens) == (20, 4)

    def test_usage_is_unknown_if_one_request_did_not_count(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        first = Reply([tool_call("thread_name", "{}"), finish("tool_calls"), usage(10, 2), DONE])
        server.play_each([first, Reply([chunk("ok"), finish(), DONE])])
        assert read(chat, thread_name).response.usage is None

    def test_the_limit_of_steps(self, chat: Conversation, server: ScriptedServer) -> None:
        server.play(tool_call("thread_name", "{}"), finish("tool_calls"), DONE)
        with pytest.raises(CellmageError, match="after 10 steps") as caught:
            read(chat, thread_name)
        assert caught.value.kind == "tool_limit"
        assert (len(server.exchanges), len(chat.turns)) == (10, 0)

    def test_a_later_step_fails(self, chat: Conversation, server: ScriptedServer) -> None:
        first = Reply([tool_call("thread_name", "{}"), finish("tool_calls"), DONE])
        server.play_each([first, Reply([chunk("half")], end="reset")])
        with pytest.raises(CellmageError) as caught:
            read(chat, thread_name)
        assert caught.value.text == "half"
        assert chat.turns[0].response.steps[0].calls[0].result
        roles = [message.role for message in chat.request("x").messages[-3:-1]]
        assert roles == ["tool", "assistant"]

    def test_none_offered(self, chat: Conversation, server: ScriptedServer) -> None:
        play_calls(server, ("thread_name", "{}"), text="Hm. ")
        stream = read(chat)
        assert stream.response.notices == (
            "The model asked for a tool that it was not given: thread_name.",
        )
        assert stream.response.steps == ()
        assert chat.request("x").messages[1].content == "Hm. "

    @pytest.mark.parametrize("call_id", [7, ["a"], "\ud800", "a b", "x" * 99, None])
    def test_odd_ids(self, chat: Conversation, server: ScriptedServer, call_id: Any) -> None:
        piece = {"index": 0, "id": call_id, "function": {"name": "thread_name"}}
        first = Reply([chunk(tool_calls=[piece]), finish("tool_calls")])
        server.play_each([first, *[Reply(answer("Done."))] * 2])
        read(chat, thread_name)
        chat.ask("Again")
        assert violations(server.last) == []


class TestArguments:
    def test_they_are_checked(self, chat: Conversation, server: ScriptedServer) -> None:
        runs = []

        def paint(colour: Literal["red", "blue"], times: int) -> str:
            runs.append((colour, times))
            return "painted"

        wrong = [
            '{"colour": "green", "times": 1}',
            '{"colour": "red"}',
            '{"colour": "red", "x": 1}',
            "[1]",
            '{"colour": "red", "times": 1}}',
            '{"times": 1, "times": 2}',
            '{"times": NaN}',
        ]
        right = '{"colour": "red", "times": 2}'
        play_calls(server, *(("paint", arguments) for arguments in [*wrong, right]))
        texts = results(read(chat, paint))
        assert runs == [("red", 2)]
        assert all(text.startswith("error: ") for text in texts[:-1])
        assert "times: Missing required argument" in texts[1]
        assert violations(server.last) == []

    def test_an_unknown_name(self, chat: Conversation, server: ScriptedServer) -> None:
        play_calls(server, ("rm -rf", "{}"))
        stream = read(chat, thread_name)
        assert results(stream) == ["error: there is no tool 'rm -rf', only thread_name"]
        assert violations(server.last) == []

    def test_a_character_in_two_pieces(self, chat: Conversation, server: ScriptedServer) -> None:
        values = []

        def keep(x: str) -> None:
            values.append(x)

        pieces = [b'{\\"x\\": \\"\\ud83d', b'\\ude00\\"}']
        frames = [
            b'data: {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a", '
            b'"function": {"name": "keep", "arguments": "%b"}}]}}]}\n\n' % piece
            for piece in pieces
        ]
        server.play_each([Reply([*frames, finish("tool_calls")]), Reply(answer("Done."))])
        read(chat, keep)
        assert values == ["\N{GRINNING FACE}"]


class TestFallback:
    def test_calls_of_a_model_that_failed_do_not_run(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        runs = []

        def delete(path: str) -> None:
            runs.append(path)

        cut = [tool_call("delete", '{"path": "/tmp"}'), finish("length"), DONE]
        server.play_with(
            lambda exchange: Reply(cut if exchange.body["model"] == "a" else answer("No."))
        )
        with pytest.raises(CellmageError, match="nothing was run"):
            read(chat, delete, model="a,b")
        assert runs == []

    def test_later_steps_stay_with_the_model_that_answered(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        call = [tool_call("thread_name", "{}"), finish("tool_calls"), DONE]

        def reply(exchange: Exchange) -> Reply:
            if exchange.body["model"] == "a":
                return Reply(status=404)
            is_answered = exchange.body["messages"][-1]["role"] == "tool"
            return Reply(answer("So.") if is_answered else call)

        server.play_with(reply)
        read(chat, thread_name, model="a,b")
        assert [exchange.body["model"] for exchange in server.exchanges] == ["a", "b", "b"]

    def test_with_a_search(self, chat: Conversation, server: ScriptedServer) -> None:
        call = [tool_call("thread_name", "{}"), finish("tool_calls"), DONE]

        def reply(exchange: Exchange) -> Reply:
            if exchange.body["model"] == "a":
                return Reply(status=404)
            is_answered = exchange.body["messages"][-1]["role"] == "tool"
            return Reply(answer("Done.") if is_answered else call)

        server.play_with(reply)
        docs = Retriever("docs", lambda query: ["a passage"])
        stream = read(chat, thread_name, model="a,b", retriever=docs)
        assert stream.response.text == "Done."
        assert "a passage" in server.last.body["messages"][0]["content"]
        assert chat.turns[0].prompt == "Go"
