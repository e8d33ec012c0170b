"""What a conversation is made of and gives its questions, and how it is shown and copied."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Self
from weakref import WeakSet

from ..arguments import check, instance_of, list_of, optional, where
from ..errors import UsageError
from ..fork_locks import make_lock
from ..messages import Response
from ..options import OPTIONS, OptionFields, Options
from ..preview import turns_markdown
from ..providers.base import Provider
from ..providers.registry import resolve_models, resolve_or_defer
from ..providers.servers import ResolvedModel
from ..stream.closable import Closable, close_all
from ..stream.response_stream import ResponseStream
from ..turns import CellRef, Turn
from .history import History
from .journal import Journal
from .stream_arguments import check_arguments

PROVIDER = optional(
    instance_of(Provider, "an object with a name and a stream method, as cellmage.Provider")
)
_TURN = where(
    "a Turn",
    lambda turn: (
        isinstance(turn, Turn)
        and isinstance(turn.prompt, str)
        and isinstance(turn.parts, tuple)
        and isinstance(turn.response, Response)
        and isinstance(turn.response.text, str)
    ),
)
_TURNS = list_of(_TURN, "a list of Turns, as another conversation has")
_JOURNAL = optional(
    where("a journal, as Store.journal returns", lambda value: callable(value.commit))
)


class ConversationState(Closable):
    """The options, the provider and the turns of a conversation.

    A copy is a conversation of its own: it has the same turns, no store, and the same provider.

    Args:
        options, provider, turns, journal: see `cellmage.Conversation`.

    Example:
        >>> import copy
        >>> from cellmage import Conversation
        >>> chat = Conversation(Options(model="offline/echo"))
        >>> fork = copy.deepcopy(chat)
        >>> fork.ask("Hello").text, fork, len(chat.turns)
        ('Hello', <Conversation: 1 turn, offline/echo>, 0)
    """

    def __init__(
        self,
        options: Options | None = None,
        provider: Provider | None = None,
        turns: Iterable[Turn] = (),
        journal: Journal | None = None,
    ) -> None:
        self.options = Options() if options is None else check("options", options, OPTIONS)
        self.provider = check("provider", provider, PROVIDER)
        self.history = History(check("turns", turns, _TURNS), check("journal", journal, _JOURNAL))
        self._streams: WeakSet[ResponseStream] = WeakSet()
        self._lock = make_lock()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns, oldest first."""
        return self.history.turns

    def __repr__(self) -> str:
        count = len(self.turns)
        details = [f"{count} turn{'' if count == 1 else 's'}", self.options.model]
        return f"<{type(self).__name__}: {', '.join(filter(None, details))}>"

    def _repr_markdown_(self) -> str:
        """Return the questions and answers, for a notebook that shows the conversation."""
        return turns_markdown([(turn.question, turn.response.text) for turn in self.turns])

    def close(self) -> None:
        """Close all streams of this conversation, from any thread; it can be asked again."""
        for stream in self._open_streams():
            stream.close()

    async def aclose(self) -> None:
        """Close all streams of this conversation, and wait until their connections are closed."""
        await close_all(self._open_streams())

    def _remember(self, stream: ResponseStream) -> ResponseStream:
        with self._lock:
            self._streams.add(stream)
        return stream

    def _open_streams(self) -> list[ResponseStream]:
        with self._lock:
            return list(self._streams)

    # What a question takes from the conversation.

    def _options(self, options: Options | None, overrides: OptionFields) -> Options:
        """Return the options of a question, with the model as the user named it."""
        given = Options() if options is None else check("options", options, OPTIONS)
        return Options.resolve(Options.from_fields(overrides), given, self.options)

    def _resolve(
        self, options: Options, can_defer: bool = False
    ) -> tuple[Sequence[ResolvedModel], Options]:
        """Return the models to ask in turn, and the options with their names.

        Args:
            options: the options of the question.
            can_defer: True if a recording may answer: a model that cannot be asked is then an
                error when it is asked.
        """
        provider = check("provider", self.provider, PROVIDER)
        if provider is not None:
            return [ResolvedModel(provider, options.model or "")], options
        models = resolve_or_defer(options) if can_defer else resolve_models(options)
        return models, replace(options, model=",".join(model.model for model in models))

    def _earlier_turns(self, cell: CellRef | None, history: str, commit: str) -> Sequence[Turn]:
        check_arguments(cell, history, commit)
        if history == "ignore":
            return ()
        return self.history.before(None if commit == "append" else cell)

    def _unfinished_turn(self) -> Turn:
        """Return the last turn, whose answer was cut."""
        cut = self.turns[-1] if self.turns else None
        if cut is None or not cut.response.incomplete_reason:
            raise UsageError("there is no answer to continue: the last one is complete")
        return cut

    # Copies.

    def __copy__(self) -> Self:
        return type(self)(self.options, self.provider, self.turns)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.__copy__()  # turns and options do not change

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to make it again: without its store.

        Raises:
            UsageError: its provider cannot be pickled.
        """
        try:
            pickle.dumps(self.provider)
        except (TypeError, AttributeError, pickle.PicklingError):
            raise UsageError(
                "this conversation cannot be pickled, because its provider cannot; "
                "pickle its `turns`, and pass them to a new Conversation"
            ) from None
        return type(self), (self.options, self.provider, self.turns)
