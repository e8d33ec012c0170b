"""A conversation with a model: its turns, and the requests that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Unpack

from ..content import Prompt
from ..messages import CONTINUE_PROMPT, Request, Response
from ..options import OptionFields, Options
from ..pipeline import build
from ..pipeline.marks import FindMarks, mark_answer
from ..pipeline.repair import Check
from ..pipeline.retrieval import Retriever, Search
from ..pipeline.tools import Approval, approval_function
from ..recording import Recorder, default_recorder
from ..stream.comparison import Comparison
from ..stream.response_stream import ResponseStream
from ..stream.views import EventView
from ..tools import tools_by_name
from ..turns import CellRef
from .compared_models import read_names
from .request import make_request
from .state import ConversationState
from .stream_arguments import Commit, HistoryUse, StreamArguments
from .turn_streams import stream_continuation, stream_turn


class Conversation(ConversationState):
    """Turns that are sent to a model with every new question.

    A turn may belong to a cell of a notebook. A question of the same cell is sent with the turns
    before it, and the new turn replaces the old one. Later turns stay and are marked stale, because
    the user still sees them in the notebook. A turn without a cell is appended.

    An answer with text becomes a turn even when it was cut; it is then marked incomplete. An answer
    without text changes nothing. Leaving a ``with`` or an ``async with`` block closes all of its
    streams. `copy.copy` and `copy.deepcopy` return a conversation of its own,
    with the same turns and without a store.

    Args:
        options: the options of every question, unless the question sets its own.
        provider: answers every question; None chooses the provider by the name of the model.
        turns: the first turns.
        journal: stores the turns: see `cellmage.conversation.store.Store`.

    Attributes:
        options: as the argument.
        provider: as the argument.
        history: the turns, with the methods that change them.

    Example:
        >>> chat = Conversation(Options(model="offline/echo"))
        >>> chat.ask("Hello").text
        'Hello'
        >>> len(chat.turns), len(chat.request("Next").messages)
        (1, 3)
    """

    def request(  # noqa: PLR0913 - keyword arguments
        self,
        prompt: Prompt,
        options: Options | None = None,
        *,
        cell: CellRef | None = None,
        history: HistoryUse = "use",
        commit: Commit = "replace",
        tools: Iterable[Callable[..., Any]] = (),
        **overrides: Unpack[OptionFields],
    ) -> Request:
        """Return the request that `stream` would send; nothing is sent.

        Args:
            prompt, options, cell, history, commit, tools, overrides: as for `stream`.

        Raises:
            UsageError, ConfigError: as for `stream`.

        Example:
            >>> request = Conversation().request("Hello", system="Be brief.")
            >>> [message.role for message in request.messages]
            ['system', 'user']
        """
        _, resolved = self._resolve(self._options(options, overrides))
        earlier = self._earlier_turns(cell, history, commit)
        return make_request(prompt, resolved, earlier, tools_by_name(tools))

    def stream(  # noqa: PLR0913 - keyword arguments
        self,
        prompt: Prompt,
        options: Options | None = None,
        *,
        cell: CellRef | None = None,
        history: HistoryUse = "use",
        commit: Commit = "replace",
        retriever: Retriever | Search | None = None,
        tools: Iterable[Callable[..., Any]] = (),
        approve: Approval = "ask",
        check: Check | None = None,
        recorder: Recorder | None = None,
        find_marks: FindMarks | None = None,
        **overrides: Unpack[OptionFields],
    ) -> ResponseStream:
        """Return the stream of an answer; the request is sent when it is first iterated.

        Args:
            prompt: the question: a text, or a list of texts, `Image` and `File`.
            options: options of this question.
            cell: the cell that asks.
            history: ``"ignore"`` sends no earlier turn, and makes no turn of this answer.
            commit: what becomes of an older turn of the cell: see `StreamArguments`.
            retriever: finds passages for the question; a function is named by its own name.
            tools: functions that the model may call.
            approve: decides about each tool call: see `StreamArguments`.
            check: returns what is wrong with an answer: see `StreamArguments`.
            recorder: answers from a recording, or records the answer: see `StreamArguments`.
            find_marks: returns what is known about the answer at its end: see `StreamArguments`.
            overrides: further options by name, such as ``temperature=0``.

        Raises:
            UsageError: an argument cannot be used, or the request contains a key of this machine.
            ConfigError: the model has no key or no address. In both cases nothing is sent.

        Example:
            >>> "".join(Conversation().stream("Hello", model="offline/echo", temperature=0))
            'Hello'
        """
        searcher = None if retriever is None else Retriever.of(retriever)
        recorder = recorder or default_recorder(searcher.search if searcher else None)
        named = self._options(options, overrides)
        models, resolved = self._resolve(named, can_defer=recorder is not None)
        earlier, toolset = self._earlier_turns(cell, history, commit), tools_by_name(tools)
        request = make_request(prompt, resolved, earlier, toolset)
        decide = approval_function(approve)
        ask_for = partial(build, models, tools=toolset, approve=decide, retriever=searcher)
        ask, response_id = ask_for(check=check), ""
        if recorder is not None:  # the rest of an answer is not checked alone
            named_request = replace(request, options=named)
            ask = recorder.around(ask, named_request, toolset, cell, ask_rest=ask_for())
            response_id = recorder.response_id(named_request, toolset)
        if find_marks is not None:
            ask = partial(mark_answer, find_marks, ask)
        if history == "ignore" or commit == "never":
            return self._remember(ResponseStream(request, ask, response_id=response_id))
        replace_turn = commit == "replace"
        stream = stream_turn(
            self.history, request, ask, cell, replace_turn=replace_turn, response_id=response_id
        )
        return self._remember(stream)

    def astream(
        self, prompt: Prompt, options: Options | None = None, **arguments: Unpack[StreamArguments]
    ) -> ResponseStream:
        """Return the same stream as `stream`; it works with ``async for``, too.

        Example:
            >>> import asyncio
            >>> async def texts(stream):
            ...     return [text async for text in stream]
            >>> asyncio.run(texts(Conversation().astream("Hello", model="offline/echo")))
            ['Hello']
        """
        return self.stream(prompt, options, **arguments)

    def stream_events(
        self, prompt: Prompt, options: Options | None = None, **arguments: Unpack[StreamArguments]
    ) -> EventView:
        """Return the events of the answer in place of its text.

        Args:
            prompt, options, arguments: as for `stream`.

        Example:
            >>> [e.type for e in Conversation().stream_events("Hello", model="offline/echo")]
            ['start', 'token', 'complete']
        """
        return self.stream(prompt, options, **arguments).events

    def astream_events(
        self, prompt: Prompt, options: Options | None = None, **arguments: Unpack[StreamArguments]
    ) -> EventView:
        """Return the same events as `stream_events`; they work with ``async for``, too."""
        return self.stream_events(prompt, options, **arguments)

    def ask(
        self, prompt: Prompt, options: Options | None = None, **arguments: Unpack[StreamArguments]
    ) -> Response:
        """Read the answer to its end, and return it.

        Args:
            prompt, options, arguments: as for `stream`.

        Raises:
            CellmageError: the answer failed; ``error.text`` is what had arrived.

        Example:
            >>> Conversation().ask("Hello", model="offline/echo").usage.output_tokens
            1
        """
        stream = self.stream(prompt, options, **arguments)
        for _ in stream:
            pass
        return stream.response

    async def aask(
        self, prompt: Prompt, options: Options | None = None, **arguments: Unpack[StreamArguments]
    ) -> Response:
        """Read the answer to its end as `ask` does, on the running event loop.

        Example:
            >>> import asyncio
            >>> asyncio.run(Conversation().aask("Hello", model="offline/echo")).text
            'Hello'
        """
        async with self.stream(prompt, options, **arguments) as stream:
            async for _ in stream:
                pass
        return stream.response

    def compare(
        self,
        prompt: Prompt,
        models: str | Sequence[str],
        *,
        select: str | None = None,
        options: Options | None = None,
        **arguments: Unpack[StreamArguments],
    ) -> Comparison:
        """Ask several models the same question; one of the answers becomes a turn.

        Args:
            prompt: the question.
            models: the names of the models, as a list or with commas between them; none of them
                falls back to another.
            select: the model whose answer becomes a turn; None selects the first.
            options, arguments: as for `stream`.

        Raises:
            UsageError: there are fewer than two models, or the selected one is not among them.
            ConfigError: a model has no key or no address. Nothing is sent.

        Example:
            >>> both = Conversation().compare("Hello", ["offline/echo", "offline/tour"])
            >>> [event.type for index, event in both if index == 0]
            ['start', 'token', 'complete']
            >>> [response.text[:13] for response in both.responses]
            ['Hello', '## A streamed']
        """
        models, selected = read_names(models, select)
        commit = arguments.get("commit", "replace")
        streams = []
        for model in models:
            arguments["model"], arguments["fallback"] = model, ()
            arguments["commit"] = commit if model == selected else "never"
            streams.append(self.stream(prompt, options, **arguments))
        return Comparison(streams, models.index(selected))

    def continue_answer(
        self,
        options: Options | None = None,
        *,
        recorder: Recorder | None = None,
        **overrides: Unpack[OptionFields],
    ) -> ResponseStream:
        """Continue the last answer, which was cut; both parts become one turn.

        The stream leaves out what the model repeats of the first part, and a notice says so.

        Args:
            options: options of this request.
            recorder: answers from a recording, or records the answer: see `StreamArguments`.
            overrides: further options by name.

        Raises:
            UsageError: the last answer is complete, or no answer exists. Nothing is sent.

        Example:
            >>> from cellmage import Turn
            >>> from cellmage.testing import ScriptedProvider
            >>> cut = Turn("Count", Response("one two", incomplete_reason="length"))
            >>> chat = Conversation(provider=ScriptedProvider([" three"]), turns=[cut])
            >>> "".join(chat.continue_answer()), chat.turns[0].response.text, len(chat.turns)
            (' three', 'one two three', 1)
        """
        cut = self._unfinished_turn()
        recorder = recorder or default_recorder()
        named = self._options(options, overrides)
        models, resolved = self._resolve(named, can_defer=recorder is not None)
        request = make_request(CONTINUE_PROMPT, resolved, self.turns, {})
        request = replace(request, continues_id=cut.response.id)
        ask, response_id = build(models, continued_text=cut.response.final_text), ""
        if recorder is not None:
            named_request = replace(request, options=named)
            ask = recorder.around(ask, named_request, {}, None)
            response_id = recorder.response_id(named_request, {})
        return self._remember(stream_continuation(self.history, cut, request, ask, response_id))
