"""What a conversation is made of, and how it is shown, copied and pickled."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any, Self

from ..errors import UsageError
from ..messages import Turn
from ..options import Options
from ..preview import turns_markdown
from ..providers.base import Provider
from .history import History, Journal


class ConversationState:
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
        self.options = options or Options()
        self.provider = provider
        self.history = History(turns, journal)

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
        return turns_markdown([(turn.prompt, turn.response.text) for turn in self.turns])

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
