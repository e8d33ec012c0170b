"""What was asked and answered, in order, and the requests that follow from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..context_window import fit
from ..errors import UsageError
from ..messages import CONTINUE_PROMPT, CellRef, Message, Request, Response, Turn
from ..options import Options
from ..pipeline import Approve, FallbackProvider, Retrieve, Source, equipped, searched
from ..providers.base import Provider
from ..providers.registry import choose, refuse_own_keys, without_secrets
from ..stream.comparison import Comparison
from ..stream.response_stream import ResponseStream
from ..stream.views import EventView
from ..tools import ask, tools_of
from .history import Journal, Turns


class Conversation(Turns):
    """Turns that a model is told of with every new question.

    A turn may belong to a cell of a notebook. Asking again from the same cell sends the turns
    before it, and the new turn takes the old one's place; the turns after it stay, and are marked
    stale, because the reader still sees them. A turn without a cell is appended.

    An answer with text is kept even when it was cut, marked partial. An answer without text is
    not kept, and leaves an older turn of its cell as it was.

    Args:
        options: the options of every question, unless the question sets its own.
        provider: who answers; chosen by the name of the model when it is None.
        turns: turns to begin with.
        journal: keeps the turns on disk, as they are made; see `cellmage.conversation.store.Store`.

    Example:
        >>> chat = Conversation(Options(model="offline/echo"))
        >>> chat.ask("Hello").text
        'Hello'
        >>> "".join(chat.stream("And again"))
        'And again'
        >>> len(chat.turns), len(chat.request("Next").messages)
        (2, 5)
    """

    def __init__(
        self,
        options: Options | None = None,
        provider: Provider | None = None,
        turns: Iterable[Turn] = (),
        journal: Journal | None = None,
    ) -> None:
        super().__init__(turns, journal)
        self.options = options or Options()
        self.provider = provider

    # Asking.

    def stream(  # noqa: PLR0913 - each by its name
        self,
        prompt: str,
        options: Options | None = None,
        *,
        key: CellRef | None = None,
        history: bool = True,
        keep: bool = True,
        replace_turn: bool = True,
        search: tuple[str, Retrieve] | None = None,
        tools: Iterable[Callable[..., Any]] = (),
        approve: Approve | None = ask,
        **fields: Any,
    ) -> ResponseStream:
        """Ask; the answer is sent for when it is first iterated, with ``for`` or ``async for``.

        Args:
            prompt: the question.
            options: options of this question.
            key: the cell that asks.
            history: False asks alone: no earlier turn is sent, and this one is not kept.
            keep: False sends the earlier turns, and does not keep this one.
            search: what is searched, in words, and what finds documents for the question; they are
                put before it, and the turn that is kept has the question alone.
            tools: functions that the model may have run, for what it needs to know.
            approve: is given each `ToolCall` before it runs, and says whether it may; the default
                asks at the keyboard, and refuses where there is none. None runs them all.
            replace_turn: False keeps an older turn of the same cell, and adds this one.
            fields: further options by name, such as ``temperature=0``.

        Raises:
            UsageError: the prompt is empty, or an option is out of range. Nothing is sent.
            ConfigError: the model has no key or no address. Nothing is sent.

        Example:
            >>> chat = Conversation(Options(model="offline/echo"))
            >>> "".join(chat.stream("Hello", temperature=0)), len(chat.turns)
            ('Hello', 1)
        """
        provider, resolved = self._choose(options, fields)
        request = self._request(prompt, resolved, key if replace_turn else None, history)
        named = tools_of(tools)
        if not (approve is None or callable(approve)):
            raise UsageError("approve must be a function of the call, or None to run all")
        request = replace(request, tools=tuple(each.schema for each in named.values()))
        _check_offer(json.dumps(request.tools))
        asked: Source = equipped(provider, named, approve, _safe) if named else provider
        asked = searched(asked, *search) if search else asked
        if not (history and keep):
            return ResponseStream(request, asked)
        system = resolved.system or ""

        def commit(response: Response) -> None:
            self._commit(Turn(prompt, response, key, system=system), replace_turn)

        def begin(stream: ResponseStream) -> None:
            turn = Turn(prompt, stream.response, key, system=system)
            self._begin(turn, stream.news, replace_turn)

        return ResponseStream(request, asked, commit, begin)

    astream = stream

    def compare(
        self, prompt: str, models: Sequence[str], *, keep: str | None = None, **more: Any
    ) -> Comparison:
        """Ask several models the same; only one of the answers is kept as a turn.

        Args:
            prompt: the question.
            models: their names; none is asked in the place of another.
            keep: whose answer is kept; the first one's when it is None.
            more: as for `stream`.

        Raises:
            UsageError: there are not several, or the one to keep is not among them.
            ConfigError: a model has no key or no address. Nothing is sent.

        Example:
            >>> both = Conversation().compare("Hello", ["offline/echo", "offline/tour"])
            >>> [event.type for number, event in both if number == 0]
            ['start', 'token', 'complete']
            >>> [response.text[:13] for response in both.responses]
            ['Hello', '## A streamed']
        """
        if len(set(models)) < max(2, len(models)):
            raise UsageError("give several models, each of them once, with commas between them")
        kept = models[0] if keep is None else keep
        if kept not in models:
            raise UsageError(f"{kept} cannot be kept; it is none of {', '.join(models)}")
        streams = [
            self.stream(prompt, model=each, fallback=(), **{"keep": each == kept} | more)
            for each in models
        ]
        return Comparison(streams, list(models).index(kept))

    def go_on(self, options: Options | None = None, **fields: Any) -> ResponseStream:
        """Ask for the rest of the last answer, which was cut; both become one turn.

        Args:
            options: options of this question.
            fields: further options by name.

        Raises:
            UsageError: the last answer is whole, or there is none. Nothing is sent.

        Example:
            >>> from cellmage.providers.scripted import ScriptedProvider
            >>> cut = Turn("Count", Response("one two", incomplete_reason="length"))
            >>> chat = Conversation(provider=ScriptedProvider([" three"]), turns=[cut])
            >>> "".join(chat.go_on()), chat.turns[0].response.text, len(chat.turns)
            (' three', 'one two three', 1)
        """
        cut = self._turns[-1] if self._turns else None
        if cut is None or not cut.response.incomplete_reason:
            raise UsageError("the last answer is whole, or there is none; ask with %%llm")
        provider, resolved = self._choose(options, fields)
        request = self._request(CONTINUE_PROMPT, resolved, None, history=True)
        request = replace(request, continues_id=cut.response.id)

        def commit(response: Response) -> None:
            if response.has_content:
                self._merge(cut, Turn(CONTINUE_PROMPT, response).continue_from(cut))

        def begin(stream: ResponseStream) -> None:
            self._begin(Turn(CONTINUE_PROMPT, stream.response), stream.news, replace_turn=False)

        return ResponseStream(request, provider, commit, begin)

    def stream_events(self, prompt: str, options: Options | None = None, **more: Any) -> EventView:
        """As `stream`, giving events in place of text.

        Example:
            >>> chat = Conversation(Options(model="offline/echo"))
            >>> [event.type for event in chat.stream_events("Hello")]
            ['start', 'token', 'complete']
        """
        return self.stream(prompt, options, **more).events

    astream_events = stream_events

    def ask(self, prompt: str, options: Options | None = None, **more: Any) -> Response:
        """As `stream`, giving the whole answer when it has come.

        Raises:
            CellmageError: the answer failed; ``error.text`` is what had arrived.

        Example:
            >>> Conversation().ask("Hello", model="offline/echo").usage.output_tokens
            1
        """
        stream = self.stream(prompt, options, **more)
        for _ in stream:
            pass
        return stream.response

    def request(self, prompt: str, options: Options | None = None, **more: Any) -> Request:
        """What `stream` would send; nothing is sent.

        Example:
            >>> [each.role for each in Conversation().request("Hello", system="Be brief.").messages]
            ['system', 'user']
        """
        return self.stream(prompt, options, **more).request

    def _choose(
        self, options: Options | None, fields: Mapping[str, Any]
    ) -> tuple[Provider, Options]:
        """Who is asked, and how."""
        resolved = Options.resolve(Options(**fields), options or Options(), self.options)
        return chosen(resolved) if self.provider is None else (self.provider, resolved)

    def _request(
        self, prompt: str, options: Options, key: CellRef | None, history: bool
    ) -> Request:
        if not prompt.strip():
            raise UsageError("the prompt is empty; nothing was sent")
        refuse_own_keys([prompt, options.system or ""])
        before = self._turns[: self._place(key)[0]] if history else []
        turns, left_out = fit(before, prompt, options)
        notes = [left_out, _changed(before, options.system or "")]
        system = [Message("system", options.system)] if options.system else []
        earlier = [message for turn in turns for message in turn.messages()]
        messages = (*system, *earlier, Message("user", prompt))
        return Request(messages, options, tuple(note for note in notes if note))


def _check_offer(described: str) -> None:
    """Refuse to tell a model of tools with a key in a default value or a docstring."""
    if _safe(described) != described:
        raise UsageError("a tool's signature or docstring holds what looks like a key: take it out")


def _safe(text: str) -> str:
    """What a tool gave, as it may be sent."""
    try:
        refuse_own_keys([text])
    except UsageError:
        return "[withheld: it holds a key of this machine]"
    return without_secrets(text)[0]


def _changed(turns: Sequence[Turn], system: str) -> str:
    """A line when the answers so far were given under another system prompt."""
    if not turns or turns[-1].system == system:
        return ""
    return "the system prompt is not the one of the turn before; the turns are kept"


def chosen(options: Options) -> tuple[Provider, Options]:
    """Who answers, and the options with the name that it knows the model by."""
    names = [*(options.model or "").split(","), *(options.fallback or ())]
    named = [replace(options, model=name.strip() or None) for name in names]
    choices = [(choice.provider, choice.model) for choice in map(choose, named)]
    if len(choices) == 1:
        return choices[0][0], replace(options, model=choices[0][1])
    models = ",".join(model for _, model in choices)
    return FallbackProvider(choices), replace(options, model=models)
