"""Tools over real HTTP: what is offered, when something runs, and what the model is told."""

from __future__ import annotations

import asyncio
import functools
import json
import signal
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from cellmage import (
    CellmageError,
    Conversation,
    Endpoint,
    IncompleteResponseError,
    Options,
    Request,
    Response,
    ResponseStream,
    Retriever,
    Status,
    Token,
    ToolCall,
    ToolInvocation,
    ToolResult,
    ToolStep,
    Turn,
    UsageError,
    register_provider,
    tool,
)
from cellmage.context_window import turn_tokens
from cellmage.pricing import Spending
from cellmage.providers.openai import OpenAIProvider
from cellmage.providers.tool_calls import CallCollector
from cellmage.serialization import turn_from_record, turn_to_record
from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call, usage
from cellmage.tools import Tool, failure_text, result_text
from tests.message_rules import violations


def asking(server: ScriptedServer, *calls: tuple[str, str], text: str = "") -> None:
    """The model asks for these tools, then says that it is done."""
    pieces = [tool_call(*each, number) for number, each in enumerate(calls)]
    said = [chunk(text)] if text else []
    server.play_each(
        [Reply([*said, *pieces, finish("tool_calls"), DONE]), Reply(answer("Done.", 2))] * 9
    )


@pytest.fixture
def chat(server: ScriptedServer) -> Conversation:
    return Conversation(Options(model="m", base_url=server.url))


def where() -> str:
    """Where am I?"""
    return threading.current_thread().name


def results(stream: ResponseStream) -> list[str]:
    return [each.result for one in stream.response.steps for each in one.calls]


def read(chat: Conversation, *tools: Callable[..., Any], **more: Any) -> ResponseStream:
    stream = chat.stream("Go", tools=tools, **({"approve": "always"} | more))
    list(stream)
    return stream


class TestOffer:
    def test_signature_and_docstring(self, chat: Conversation, server: ScriptedServer) -> None:
        def weather(
            city: str, days: Annotated[int, Field(description="at most 9", le=9)] = 1
        ) -> str:
            """The weather in a city.

            Args:
                city: its name in English.
            """
            return "rain"

        asking(server, ("weather", '{"city": "Oslo"}'))
        read(chat, weather)
        (offer,) = server.exchanges[0].body["tools"]
        assert offer["type"] == "function"
        assert offer["function"]["name"] == "weather"
        assert offer["function"]["description"].endswith("city: its name in English.")
        wanted = offer["function"]["parameters"]
        assert wanted["required"] == ["city"]
        assert wanted["properties"]["days"]["description"] == "at most 9"

    def test_no_tools_no_offer(self, chat: Conversation, server: ScriptedServer) -> None:
        read(chat)
        assert "tools" not in server.last.body

    @pytest.mark.parametrize("function", [lambda x: x, len, 3, lambda *x: x])
    def test_what_cannot_be_one(self, chat: Conversation, function: Any) -> None:
        with pytest.raises(UsageError, match="cannot be a tool"):
            chat.stream("Go", tools=[function])

    def test_two_of_one_name(self, chat: Conversation) -> None:
        with pytest.raises(UsageError, match="same name"):
            chat.stream("Go", tools=[where, tool(name="where")(lambda: "elsewhere")])

    def test_decorated(self) -> None:
        @tool(name="sum", seconds=3)
        def add(a: int, b: int) -> int:
            """Add."""
            return a + b

        assert isinstance(add, Tool)
        assert (add.name, add.seconds, add(1, 2), add.__doc__) == ("sum", 3, 3, "Add.")


class TestRounds:
    def test_events_in_order(self, chat: Conversation, server: ScriptedServer) -> None:
        asking(server, ("where", "{}"), text="Let me see. ")
        stream = chat.stream("Go", tools=[where], approve="always")
        events = [each for each in stream.events if not isinstance(each, Status)]
        assert events[1:4] == [
            Token("Let me see. "),
            ToolCall("call0", "where", "{}"),
            ToolResult("call0", "where", threading.main_thread().name),
        ]
        assert stream.response.text == "Let me see. Done."
        assert stream.response.final_text == "Done."
        assert [event.type for event in events].count("start") == 1

    def test_sent_back(self, chat: Conversation, server: ScriptedServer) -> None:
        asking(server, ("where", "{}"), ("where", "{}"))
        read(chat, where)
        assert violations(server.last) == []
        _, asked, *told = server.last.body["messages"]
        assert asked["content"] is None
        assert [each["tool_call_id"] for each in told] == [
            each["id"] for each in asked["tool_calls"]
        ]

    def test_again_in_the_next_question(self, chat: Conversation, server: ScriptedServer) -> None:
        asking(server, ("where", "{}"))
        read(chat, where)
        turn = chat.turns[0]
        assert turn_from_record(json.loads(json.dumps(turn_to_record(turn)))) == turn
        server.play(*answer("Later."))
        assert chat.ask("And now?").text == "Later."
        assert violations(server.last) == []
        assert [role for role, _ in server.last.messages] == [
            "user", "assistant", "tool", "assistant", "user"
        ]  # fmt: skip

    def test_usage_is_that_of_all_requests(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        first = Reply([tool_call("where", "{}"), finish("tool_calls"), usage(10, 2), DONE])
        server.play_each([first, Reply([chunk("ok"), finish(), usage(10, 2), DONE])])
        used = read(chat, where).response.usage
        assert used is not None
        assert (used.input_tokens, used.output_tokens) == (20, 4)

    def test_limit(self, chat: Conversation, server: ScriptedServer) -> None:
        server.play(tool_call("where", "{}"), finish("tool_calls"), DONE)
        with pytest.raises(CellmageError, match="after 10 steps") as failure:
            read(chat, where)
        assert failure.value.kind == "tool_limit"
        assert (len(server.exchanges), len(chat.turns)) == (10, 0)

    def test_a_later_round_fails(self, chat: Conversation, server: ScriptedServer) -> None:
        first = Reply([tool_call("where", "{}"), finish("tool_calls"), DONE])
        server.play_each([first, Reply([chunk("half")], end="reset")])
        with pytest.raises(CellmageError) as failure:
            read(chat, where)
        assert failure.value.text == "half"
        assert chat.turns[0].response.steps[0].calls[0].result
        assert [each.role for each in chat.request("x").messages[-3:-1]] == ["tool", "assistant"]

    def test_with_a_search_and_a_fallback(self, chat: Conversation, server: ScriptedServer) -> None:
        steps = [tool_call("where", "{}"), finish("tool_calls"), DONE]
        server.play_with(
            lambda exchange: (
                Reply(status=404)
                if exchange.body["model"] == "a"
                else Reply(answer("Done."))
                if exchange.body["messages"][-1]["role"] == "tool"
                else Reply(steps)
            )
        )
        stream = read(
            chat, where, model="a,b", retriever=Retriever("docs", lambda query: ["a passage"])
        )
        assert stream.response.text == "Done."
        assert "a passage" in server.last.body["messages"][0]["content"]
        assert chat.turns[0].prompt == "Go"


class TestRuns:
    """When something runs, and where."""

    def test_arguments_are_checked(self, chat: Conversation, server: ScriptedServer) -> None:
        ran = []

        def paint(colour: Literal["red", "blue"], times: int) -> str:
            ran.append((colour, times))
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
        asking(server, *(("paint", each) for each in [*wrong, '{"colour": "red", "times": 2}']))
        told = results(read(chat, paint))
        assert ran == [("red", 2)]
        assert all(each.startswith("error: ") for each in told[:-1])
        assert "times: Missing required argument" in told[1]
        assert violations(server.last) == []

    def test_an_unknown_name(self, chat: Conversation, server: ScriptedServer) -> None:
        asking(server, ("rm -rf", "{}"))
        assert results(read(chat, where)) == ["error: there is no tool 'rm -rf', only where"]
        assert violations(server.last) == []

    def test_none_offered(self, chat: Conversation, server: ScriptedServer) -> None:
        asking(server, ("where", "{}"), text="Hm. ")
        stream = read(chat)
        assert stream.response.notices == (
            "The model asked for a tool that it was not given: where.",
        )
        assert stream.response.steps == ()
        assert chat.request("x").messages[1].content == "Hm. "

    def test_too_long(self, chat: Conversation, server: ScriptedServer) -> None:
        @tool(seconds=0.2)
        def sleepy() -> None:
            time.sleep(30)

        @tool(seconds=0.2)
        async def dreamy() -> None:
            await asyncio.sleep(30)

        asking(server, ("sleepy", "{}"), ("dreamy", "{}"))
        began = time.monotonic()
        told = results(read(chat, sleepy, dreamy))
        assert all(each.startswith("error: no result within 0.2 s;") for each in told)
        assert time.monotonic() - began < 10

    def test_async_faces_and_threads(self, chat: Conversation, server: ScriptedServer) -> None:
        """Where no main thread reads, a function has a thread of its own, and the loop goes on."""
        asking(server, ("where", "{}"))

        async def gather() -> ResponseStream:
            stream = chat.stream("Go", tools=[where], approve="always")
            async for _ in stream:
                pass
            return stream

        assert results(asyncio.run(gather())) != ["MainThread"]
        found: list[ResponseStream] = []
        thread = threading.Thread(target=lambda: found.append(read(chat, where)))
        thread.start()
        thread.join(20)
        assert results(found[0]) != ["MainThread"]

    def test_closed_while_one_runs(self, chat: Conversation, server: ScriptedServer) -> None:
        stopped = []

        def sleepy() -> None:
            try:
                time.sleep(30)
            except KeyboardInterrupt:
                stopped.append(True)
                raise

        asking(server, ("sleepy", "{}"))
        stream = chat.stream("Go", tools=[sleepy], approve="always")
        threading.Timer(0.3, stream.close).start()
        assert list(stream) == []
        assert stopped == [True]
        assert stream.response.incomplete_reason == "closed"
        assert results(stream) == ["cancelled: it was not run to its end"]
        assert chat.ask("Next").text
        assert violations(server.last) == []

    def test_a_key_stays_here(
        self, chat: Conversation, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdefghijklmn")

        def own() -> str:
            return "it is gsk_0123456789abcdefghijklmn"

        def other() -> str:
            return "theirs is sk-abcdefghijklmnopqrst1234"

        asking(server, ("own", "{}"), ("other", "{}"))
        told = results(read(chat, own, other))
        assert told == [
            "[withheld: it contains a key of this machine]",
            "theirs is …1234",
        ]

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, "null"),
            ("", "(no output)"),
            ({"a": [1, 2.5]}, '{"a":[1,2.5]}'),
            (object, "<class 'object'>"),
            (b"x", "x"),
        ],
    )
    def test_results(self, value: Any, text: str) -> None:
        assert result_text(value) == text

    @given(st.text())
    def test_an_error_is_one_line(self, said: str) -> None:
        assert "\n" not in failure_text(ValueError(said))
        assert "/home/" not in failure_text(ValueError(f"{said} /home/ada/x.txt"))


class TestApproval:
    def test_said_by_a_function(self, chat: Conversation, server: ScriptedServer) -> None:
        seen = []

        def approve(wanted: ToolCall) -> bool:
            seen.append((wanted.name, threading.current_thread().name))
            return len(seen) == 2

        asking(server, ("where", "{}"), ("where", "{}"))
        told = results(read(chat, where, approve=approve))
        assert seen == [("where", "MainThread")] * 2
        assert told == ["refused by the user", "MainThread"]

    def test_by_default_nobody_is_there_to_ask(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        asking(server, ("where", "{}"))
        stream = chat.stream("Go", tools=[where])
        assert "".join(stream) == "Done."
        assert results(stream) == ["refused: nobody to ask"]

    def test_malformed_ones_are_not_asked_about(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        asking(server, ("where", "{"), ("no", "{}"))
        stream = read(chat, where, approve=lambda wanted: pytest.fail("asked"))
        assert all(each.startswith("error: ") for each in results(stream))


class TestOddEnds:
    """What tools and approvals may do, and where an answer may fail."""

    def test_what_a_failed_model_asked_for_is_not_run(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        ran = []

        def delete(path: str) -> None:
            ran.append(path)

        cut = [tool_call("delete", '{"path": "/tmp"}'), finish("length"), DONE]
        server.play_with(
            lambda each: Reply(cut) if each.body["model"] == "a" else Reply(answer("No."))
        )
        with pytest.raises(CellmageError, match="nothing was run"):
            read(chat, delete, model="a,b")
        assert ran == []

    def test_later_rounds_stay_with_the_model_that_answered(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        asked = [tool_call("where", "{}"), finish("tool_calls"), DONE]

        def reply(each: Any) -> Reply:
            if each.body["model"] == "a":
                return Reply(status=404)
            return Reply(answer("So.") if each.body["messages"][-1]["role"] == "tool" else asked)

        server.play_with(reply)
        read(chat, where, model="a,b")
        assert [each.body["model"] for each in server.exchanges] == ["a", "b", "b"]

    @pytest.mark.parametrize(
        "error", [SystemExit(1), StopIteration(), GeneratorExit(), KeyError("x"), TimeoutError()]
    )
    def test_an_approval_that_fails_refuses(
        self, chat: Conversation, server: ScriptedServer, error: BaseException
    ) -> None:
        def approve(wanted: ToolCall) -> bool:
            raise error

        for is_async in (False, True):
            asking(server, ("where", "{}"))
            stream = chat.stream("Go", tools=[where], approve=approve)
            if is_async:
                asyncio.run(asyncio.wait_for(drained(stream), 20))
            else:
                list(stream)
            assert results(stream)[0].startswith("refused: ")

    def test_only_true_allows(self, chat: Conversation, server: ScriptedServer) -> None:
        async def no(wanted: ToolCall) -> bool:
            return False

        async def yes(wanted: ToolCall) -> bool:
            return True

        for approve, told in ((no, "refused by the user"), (lambda _: "n", "refused by the user"),
                              (yes, "MainThread")):  # fmt: skip
            asking(server, ("where", "{}"))
            assert results(read(chat, where, approve=approve)) == [told]

    @pytest.mark.parametrize(
        "error", [SystemExit(1), StopIteration(), asyncio.CancelledError(), RuntimeError("x")]
    )
    def test_whatever_a_tool_raises_is_told(
        self, chat: Conversation, server: ScriptedServer, error: BaseException
    ) -> None:
        def fails() -> None:
            raise error

        async def afails() -> None:
            raise error

        asking(server, ("fails", "{}"), ("afails", "{}"))
        told = results(read(chat, fails, afails))
        assert all(each.startswith(("error: ", "cancelled")) for each in told)
        asking(server, ("where", "{}"))
        assert chat.ask("And the engine is there", tools=[where], approve="always").text == "Done."

    def test_an_async_tool_that_interrupts(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        async def interrupts() -> None:
            raise KeyboardInterrupt

        asking(server, ("interrupts", "{}"))
        assert results(read(chat, interrupts)) == ["error: KeyboardInterrupt"]
        server.play(*answer("Alive."))
        assert chat.ask("And now?").text == "Alive."

    def test_a_swallowed_interrupt_stops_the_answer(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        def trains() -> str:
            try:
                time.sleep(20)
            except KeyboardInterrupt:
                return "stopped early"
            return "done"

        asking(server, ("trains", "{}"))
        main = threading.main_thread().ident or 0
        threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT)).start()
        stream = chat.stream("Go", tools=[trains], approve="always")
        with pytest.raises(KeyboardInterrupt):
            list(stream)
        assert stream.response.incomplete_reason == "interrupted"

    def test_a_task_that_is_left_behind(self, chat: Conversation, server: ScriptedServer) -> None:
        """It streams when the answer that began it has ended."""
        late: list[asyncio.Task[ResponseStream]] = []
        other = Conversation(Options(model="m", base_url=server.url))

        async def later() -> ResponseStream:
            await asyncio.sleep(0.5)
            stream = other.stream("Late", tools=[where], approve="always")
            await drained(stream)
            return stream

        async def begins() -> str:
            late.append(asyncio.create_task(later()))
            return "begun"

        asking(server, ("begins", "{}"))
        read(chat, begins)
        asking(server, ("where", "{}"))
        until = time.monotonic() + 10
        while not late[0].done():
            assert time.monotonic() < until
            time.sleep(0.01)
        assert results(late[0].result()) != ["MainThread"]

    def test_keys_in_an_offer(
        self, chat: Conversation, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
    ) -> None:
        monkeypatch.setenv("GROQ_API_KEY", "own-key-0123456789")

        def own(sql: str, key: str = "own-key-0123456789") -> None: ...

        def looks(sql: str) -> None:
            """Uses sk-abcdefghijklmnopqrst1234."""

        for function in (own, looks):
            with pytest.raises(UsageError, match="looks like a key"):
                chat.stream("Go", tools=[function])

        def connect(sql: str, token: str) -> str:
            """Ask the database."""
            return f"{sql} by {token[:2]}"

        bound = functools.partial(connect, token="hunter2-secret")
        asking(server, ("connect", '{"sql": "x"}'))
        assert results(read(chat, bound)) == ["x by hu"]
        offer = server.exchanges[0].body["tools"][0]["function"]
        assert offer["description"] == "Ask the database."
        assert "hunter2" not in json.dumps(offer)

    def test_a_secret_that_is_cut(self, chat: Conversation, server: ScriptedServer) -> None:
        def long(size: int) -> str:
            return "x" * size + " sk-abcdefghijklmnopqrst1234 " + "x" * 50

        def fails(size: int) -> None:
            raise ValueError(long(size))

        asking(server, ("long", '{"size": 19990}'), ("fails", '{"size": 480}'))
        assert not any("sk-abc" in each for each in results(read(chat, long, fails)))

    def test_words_that_are_no_folders(self) -> None:
        said = "dd/mm/yyyy, not 2024/01/05; km/h; https://api.example.com/v1/users/7"
        assert failure_text(ValueError(said)) == f"error: ValueError: {said}"
        paths = r"/home/ada/x.csv C:\Users\ada\y.csv ~/notes/z.md"
        assert failure_text(ValueError(paths)) == "error: ValueError: x.csv y.csv z.md"

    def test_functions_that_are_no_tools(self, chat: Conversation) -> None:
        class Thing:
            @staticmethod
            def still() -> str:
                return "still"

            def method(self, x: int) -> int:
                """A method."""
                return x

        with pytest.raises(UsageError, match=r"object\.method"):
            chat.stream("Go", tools=[Thing.method])
        assert Tool(Thing().method).schema["parameters"]["required"] == ["x"]

        def named() -> None: ...

        named.name, named.seconds = "no name!", "x"  # type: ignore[attr-defined]
        assert (Tool(named).name, Tool(named).seconds) == ("named", 60.0)

    def test_a_coroutine_that_nobody_awaits(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        async def inner() -> str:
            return "never"

        def outer() -> Any:
            made = inner()
            made.close()
            return made

        asking(server, ("outer", "{}"))
        assert "async def" in results(read(chat, outer))[0]

    def test_context_counts_what_tools_gave(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        def long() -> str:
            return "word " * 4_000

        first = Reply([tool_call("long", "{}"), finish("tool_calls"), usage(10, 2), DONE])
        server.play_each([first, Reply([chunk("ok"), finish(), usage(10, 2), DONE])])
        read(chat, long)
        assert turn_tokens(chat.turns)[0] > 4_000
        assert len(chat.request("Next", max_context_tokens=300).messages) == 1

    def test_uncounted_rounds_are_not_free(
        self, chat: Conversation, server: ScriptedServer
    ) -> None:
        first = Reply([tool_call("where", "{}"), finish("tool_calls"), usage(10, 2), DONE])
        server.play_each([first, Reply([chunk("ok"), finish(), DONE])])
        assert read(chat, where).response.usage is None
        request = chat.request("x" * 400)
        rounds = (ToolStep("", (ToolInvocation("a", "f", "{}", "y" * 4_000),)),)
        spent = Response(
            "", "", "gpt-4o", "api.openai.com", steps=rounds, incomplete_reason="tool_limit"
        )
        spending = Spending()
        assert spending.add(request, spent)
        assert spending.total > 0

    @pytest.mark.parametrize("name", [7, ["a"], "\ud800", "a b", "x" * 99, None])
    def test_odd_ids(self, chat: Conversation, server: ScriptedServer, name: Any) -> None:
        asked = chunk(tool_calls=[{"index": 0, "id": name, "function": {"name": "where"}}])
        server.play_each([Reply([asked, finish("tool_calls")]), *[Reply(answer("Done."))] * 2])
        read(chat, where)
        chat.ask("Again")
        assert violations(server.last) == []

    @pytest.mark.parametrize("is_wanted", [False, True])
    def test_a_server_that_wants_an_answer_to_tools(
        self, server: ScriptedServer, is_wanted: bool
    ) -> None:
        """As Mistral does; after a turn that was stopped while its tools ran there is none."""
        calls = (ToolInvocation("a", "where", "{}"),)
        turn = Turn(
            "Go", Response("", steps=(ToolStep("", calls),), incomplete_reason="interrupted")
        )
        endpoint = Endpoint(server.url, requires_assistant_after_tool=is_wanted)
        Conversation(provider=OpenAIProvider(endpoint), turns=[turn]).ask("Next", model="m")
        between = ["assistant"] * is_wanted
        roles = [message["role"] for message in server.last.body["messages"]]
        assert roles == ["user", "assistant", "tool", *between, "user"]
        assert violations(server.last) == []

    def test_a_character_in_two_pieces(self, chat: Conversation, server: ScriptedServer) -> None:
        given = []

        def keep(x: str) -> None:
            given.append(x)

        pieces = [b'{\\"x\\": \\"\\ud83d', b'\\ude00\\"}']
        frames = [
            b'data: {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a", '
            b'"function": {"name": "keep", "arguments": "%b"}}]}}]}\n\n' % piece
            for piece in pieces
        ]
        server.play_each([Reply([*frames, finish("tool_calls")]), Reply(answer("Done."))])
        read(chat, keep)
        assert given == ["\N{GRINNING FACE}"]

    def test_an_agent_with_tools_of_its_own(self, chat: Conversation) -> None:
        ran = []

        async def agent(request: Request) -> Any:
            ran.append(1)
            yield ToolCall("1", "pay", "{}")
            yield "Paying. "
            yield ToolCall("2", "pay", "{}")
            yield ToolResult("1", "pay", "paid 1")
            yield ToolResult("2", "pay", "paid 2")
            yield "Paid."

        register_provider(agent, name="paying")
        stream = Conversation().stream("Go", model="paying", tools=[where], approve="always")
        assert "".join(stream) == "Paying. Paid."
        assert ran == [1]
        assert results(stream) == ["paid 1", "paid 2"]

    def test_an_agent_that_has_run_a_tool_is_not_asked_again(self) -> None:
        ran = []

        async def agent(request: Request) -> Any:
            ran.append(1)
            yield ToolCall("1", "pay", "{}")
            failure = IncompleteResponseError("gone")
            failure.retries = 2
            raise failure

        register_provider(agent, name="failing-agent")
        with pytest.raises(CellmageError):
            Conversation().ask("Go", model="failing-agent,offline/echo")
        assert ran == [1]


async def drained(stream: ResponseStream) -> None:
    async for _ in stream:
        pass


# What servers make of the pieces of a call.

NAMES = st.sampled_from(["f", "get_date", "f2"])
ARGUMENTS = st.dictionaries(st.text(max_size=3), st.integers(), max_size=3)
CALLS = st.lists(st.tuples(NAMES, ARGUMENTS), min_size=1, max_size=4)


@given(CALLS, st.data(), st.sampled_from(["numbered", "first id only", "all zero", "none"]))
def test_calls_in_any_pieces(
    calls: list[tuple[str, dict[str, int]]], data: st.DataObject, dialect: str
) -> None:
    collector = CallCollector()
    for number, (name, arguments) in enumerate(calls):
        text = json.dumps(arguments)
        cuts = sorted(data.draw(st.lists(st.integers(1, len(text)), max_size=4)))
        edges = [0, *cuts, len(text)]
        pieces = [text[a:b] for a, b in pairwise(edges)]
        for at, piece in enumerate(pieces):
            function: dict[str, Any] = {"arguments": piece} | ({} if at else {"name": name})
            sent: dict[str, Any] = {"function": function}
            if dialect in ("numbered", "first id only"):
                sent["index"] = number
            if dialect == "all zero":
                sent["index"] = 0
            if not at and dialect != "none":
                sent["id"] = f"call{number}"
            if at and dialect == "numbered":
                sent["id"] = f"call{number}"
            collector.feed([sent])
    assert [(each.name, json.loads(each.arguments)) for each in collector.calls()] == calls


def test_what_is_refused_with_a_word(chat: Conversation) -> None:
    with pytest.raises(UsageError, match=r"tools=\[weather\]"):
        chat.stream("Go", tools=where)
    with pytest.raises(UsageError, match="approve is None"):
        chat.stream("Go", tools=[where], approve=None)  # type: ignore[arg-type]
    for seconds in ("x", 0, -1):
        with pytest.raises(UsageError, match="a number above 0"):
            tool(seconds=seconds)(where)
