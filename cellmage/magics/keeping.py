"""Kept answers of a notebook: ``--keep``, ``--fresh`` and ``%llm_config --keep``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from ..approvals import ask_again
from ..conversation.history import History
from ..fingerprint import Fingerprint
from ..options import Options
from ..recording import (
    FRESH,
    KEEP,
    Policy,
    Recorder,
    Recording,
    default_recording,
    use_recording,
)
from ..stream.response_stream import ResponseStream
from ..tools import tools_by_name
from ..turns import CellRef, Turn
from .answer_files import AnswerFiles
from .cell_refs import PromptCounter
from .conversations import ConversationRegistry
from .frontend import FrontEnd
from .settings import Settings


class AnswerKeeper:
    """Keeps the answers of a notebook, where its user wants it.

    Args:
        settings: the values for what the flags of a prompt leave open.
        chats: the conversations of the notebook, and its place in the store.
        before_ask: called before a model is asked; raises an error if it may not be.
    """

    def __init__(
        self,
        settings: Settings,
        chats: ConversationRegistry,
        before_ask: Callable[[], object],
    ) -> None:
        self._settings = settings
        self._chats = chats
        self._before_ask = before_ask
        self._counter = PromptCounter()
        self._recording: tuple[object, Recording] | None = None
        self.files = AnswerFiles(settings, chats)

    def is_active(self, args: Namespace) -> bool:
        """Return whether the answer to a prompt is kept, or may be a recorded one."""
        return self._named() is not None or self._policy(args) is not None

    def _named(self) -> Recording | None:
        """Return the recording of the process, else that of ``--replay`` and ``--record``."""
        return default_recording() or self.files.named()

    @contextmanager
    def named_in_force(self) -> Iterator[None]:
        """Use the recording of ``--replay`` and ``--record`` for all questions of the block."""
        recording = self._named()
        with nullcontext() if recording is None else use_recording(recording):
            yield

    def kept(self, is_wanted: bool) -> Recording | None:
        """Return the answers that are kept; None if none are.

        Args:
            is_wanted: whether a flag of a prompt keeps its answer.
        """
        is_active = is_wanted or self._settings.keep != "off"
        return self._named() or (self._own_recording() if is_active else None)

    def recorder(
        self,
        args: Namespace,
        front_end: FrontEnd,
        history: History,
        values: Mapping[str, Fingerprint | None],
    ) -> Recorder | None:
        """Return what records the answer to a prompt; None if nothing does.

        Args:
            args: the flags of ``%%llm``.
            front_end: the cell that asks.
            history: the turns of the conversation.
            values: the fingerprints of what the prompt uses.
        """
        # Counted apart: a question without a turn is not counted where turns are.
        cell = self._counter.next_ref(front_end, not args.dry_run)
        recording, policy = self._named(), None
        if recording is None:
            policy = self._policy(args)
            if policy is None:
                return None
            recording = self._own_recording()
        return Recorder(
            recording,
            values=values,
            policy=policy,
            cell=cell,
            turn_names=self._turn_names(args, history, cell),
            confirm=ask_again if self._settings.keep == "ask" else None,
            before_ask=self._before_ask,
        )

    def _policy(self, args: Namespace) -> Policy | None:
        is_kept = self._settings.keep != "off" if args.keep is None else args.keep
        policy = FRESH if args.fresh else KEEP if is_kept else None
        # A file that is committed changes with whole answers alone.
        is_lock = self._settings.keep == "lock"
        return replace(policy, keeps_drafts=False) if policy and is_lock else policy

    def _own_recording(self) -> Recording:
        """Return the recording of this notebook; a new one if it turns out to be another one."""
        if self._settings.keep == "lock":
            return self.files.lock()
        place = (self._chats.scope(), self._chats.is_stored)
        if self._recording is None or self._recording[0] != place:
            self._recording = place, Recording(self._chats.records(), KEEP)
        return self._recording[1]

    def _turn_names(self, args: Namespace, history: History, cell: CellRef | None) -> Sequence[str]:
        """Return the names of the turns before a question, as the user knows them."""
        if args.no_history:
            return ()
        turns = history.before(None if args.append else cell)
        return [self._name(number, turn) for number, turn in enumerate(turns, 1)]

    def _name(self, number: int, turn: Turn) -> str:
        count = self._chats.execution_counts.get(turn.response.id)
        return f"cell [{count}]" if count else f"turn {number}"


def forecast(
    recorder: Recorder | None,
    streams: Sequence[ResponseStream],
    options: Options,
    functions: Iterable[Callable[..., Any]],
) -> list[str]:
    """Return what would become of each answer, for ``--dry-run``.

    Args:
        recorder: what records them; None if nothing does.
        streams: the answers, which are not read.
        options: with the models as the user named them.
        functions: the tools.
    """
    if recorder is None:
        return []
    tools = tools_by_name(functions)
    lines = []
    for stream in streams:
        model = stream.request.options.model if len(streams) > 1 else options.model
        fallback = () if len(streams) > 1 else options.fallback
        named = replace(stream.request.options, model=model, fallback=fallback)
        lines.append(recorder.forecast(replace(stream.request, options=named), tools))
    return lines
