"""The one path of a prompt: from a magic's flags to an answer on the page, kept and counted."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from keyword import iskeyword
from threading import Lock
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..display.select import surface_for
from ..display.text_table import aligned
from ..errors import CellmageError, UsageError
from ..messages import CellRef, Response
from ..options import Options
from ..pricing import Spending
from ..prompt.interpolation import interpolate
from ..providers.registry import refuse_own_keys, without_secrets
from ..rendering import Look, Showing, ShowingAll
from ..stats import figures
from ..stream.comparison import Comparison
from ..stream.response_stream import ResponseStream
from ..tools import ask
from .conversations import Chats
from .dry_run import describe
from .frontend import cell_id, is_in_subshell, owns_cell, run_id, say
from .lookup import search_of, tools_named
from .settings import Settings, defaults_of, options_of
from .structured_output import Shape, shape_of

_RUNS = 64
"""How many runs of cells are counted at a time; subshells run some side by side."""


class Asker:
    """Asks for the magics of one shell.

    Args:
        shell: where the cells run.
        settings: what holds where a call has no flag of its own.
    """

    def __init__(self, shell: InteractiveShell, settings: Settings) -> None:
        self._shell = shell
        self._settings = settings
        self.chats = Chats(shell)
        self._spending = Spending()
        self._said: set[str] = set()
        self._asked: dict[str, int] = {}
        self._running: set[ResponseStream] = set()
        self._lock = Lock()

    def ask(self, args: Namespace, prompt: str, local_ns: Mapping[str, Any]) -> None:
        """Ask what a magic says.

        Args:
            args: the flags of ``%%llm``.
            prompt: the text as it was typed.
            local_ns: the variables of a function that asks.

        Raises:
            CellmageError: nothing was sent, or the answer failed.
        """
        try:
            self._ask(args, prompt, local_ns)
        except CellmageError as error:
            if args.on_error != "show":
                raise
            say(f"{type(error).__name__}: {error}")

    def _ask(self, args: Namespace, prompt: str, local_ns: Mapping[str, Any]) -> None:
        _check(args)
        typed, names = prompt, {**self._shell.user_ns, **local_ns}
        if not args.raw:
            prompt = interpolate(prompt, names)
        prompt = _without_secrets(prompt, typed)
        self._spending.check(self._settings.spend_limit)
        shape = shape_of(args, names)
        asked = self._streams(args, prompt, names, shape)
        if args.dry_run:
            models = [stream.request.options.model or "" for stream in asked.streams]
            say(describe(asked.selected.request, models, args.rag))
            return
        self._tell_of_subshell()
        self._running.update(asked.streams)
        try:
            self._show(asked, args, shape)
            value = shape.result(asked.selected) if shape else None
            if shape and args.out:
                self._shell.user_ns[args.out] = value
        finally:
            self._running.difference_update(asked.streams)
            self._bind(asked.selected.response, None if shape else args.out)
            for stream in asked.streams:
                self._count(stream)
            self.chats.tell()

    def _streams(
        self, args: Namespace, prompt: str, names: Mapping[str, Any], shape: Shape | None
    ) -> Comparison:
        """The answers that are asked for, none of them begun; mostly one."""
        self.chats.keep(self._settings.store)
        chat, options = self.chats.get(args.chat), options_of(self._settings, args)
        options = shape.asked_with(options) if shape else options
        if args.go_on and prompt.strip():
            raise UsageError("--continue takes no prompt; it goes on from the last answer")
        if args.go_on:
            return Comparison([chat.go_on(options)])
        how: dict[str, Any] = {
            "options": options,
            "key": None if args.no_history else self._next_key(is_asked=not args.dry_run),
            "history": not args.no_history,
            "replace_turn": not args.no_rollback,
            "search": search_of(args.rag, names),
            "tools": tools_named(args.tool or (), names),
            "approve": None if args.yes_tools else ask,
        }
        if args.compare:
            return chat.compare(prompt, args.compare, keep=args.keep, **how)
        return Comparison([chat.stream(prompt, **how)])

    def _show(self, asked: Comparison, args: Namespace, shape: Shape | None) -> None:
        is_ours = self._settings.collapse and owns_cell(self._shell)
        surface = surface_for(self._shell, answer_id=asked.selected.id, owns_cell=is_ours)
        hosts = self._settings.image_hosts
        if len(asked.streams) > 1:
            ShowingAll(asked, surface, hosts).run()
            return
        stats = self._settings.stats if args.stats is None else args.stats
        look = Look(hosts, stats, shape.reader if shape else None)
        Showing(asked.selected, surface, self._said, look).run()

    def latency(self, models: Sequence[str | None], prompt: str) -> None:
        """Ask each model twice, streamed and not, and show when the answers are seen.

        Args:
            models: their names; None is the configured one.
            prompt: the question, alone.
        """
        rows = []
        for model in models:
            for is_streamed in (True, False):
                options = Options.resolve(
                    Options(model=model, stream=is_streamed), defaults_of(self._settings)
                )
                stream = self.chats.get(None).stream(prompt, options, history=False)
                surface = surface_for(self._shell, answer_id=stream.id)
                Showing(stream, surface, self._said, Look(self._settings.image_hosts)).run()
                self._count(stream)
                rows.append(_seen(stream.response, is_streamed))
        say(aligned([tuple(rows[0]), *(tuple(each.values()) for each in rows)]))

    def stop(self) -> int:
        """Stop the answers that are arriving, and say how many there were."""
        running = list(self._running)
        for stream in running:
            stream.close()
        return len(running)

    def after_run(self, result: Any) -> None:
        """When a cell has ended well: drop what an earlier run of it asked beyond this run."""
        cell, asked = cell_id(self._shell), self._asked.get(run_id(self._shell))
        if cell is not None and asked and result.success:
            for chat in self.chats:
                chat.forget_rest(CellRef(cell, asked))

    def _tell_of_subshell(self) -> None:
        if is_in_subshell(self._shell) and "subshell" not in self._said:
            self._said.add("subshell")
            say("The stop button does not reach subshells; %llm_stop in another cell does.")

    def _count(self, stream: ResponseStream) -> None:
        response, limit = stream.response, self._settings.spend_limit
        is_known = self._spending.add(stream.request, response)
        if limit is not None and not is_known:
            say(f"The price of {response.model} is not known: the spend limit does not count it.")

    def _bind(self, response: Response, out: str | None) -> None:
        self._shell.user_ns["_llm"] = response
        # A failure without a word leaves the variable as it was; the cell fails all the same.
        if out and (response.text or not response.incomplete_reason):
            self._shell.user_ns[out] = response.text

    def _next_key(self, is_asked: bool) -> CellRef | None:
        cell, run = cell_id(self._shell), run_id(self._shell)
        if cell is None:
            return None
        with self._lock:
            ordinal = self._asked.pop(run, 0)
            self._asked[run] = ordinal + is_asked
            for old in list(self._asked)[:-_RUNS]:
                del self._asked[old]
        return CellRef(cell, ordinal)


def _check(args: Namespace) -> None:
    """Refuse flags that do not go together; nothing has been sent."""
    if args.out is not None and (not args.out.isidentifier() or iskeyword(args.out)):
        raise UsageError(f"--out {args.out}: give a name that a variable can have")
    given = {name for name, value in vars(args).items() if value}
    for flag, others in _APART.items():
        if flag in given and (found := given & others):
            raise UsageError(f"{_SPELT[flag]} does not go with {_SPELT[min(found)]}")
    if args.keep and not args.compare:
        raise UsageError("--keep says whose answer of --compare A,B is kept")


# What does not go together, by the names of `Namespace`, and how they are spelt.
_APART: Mapping[str, set[str]] = {
    "go_on": {"compare", "tool", "rag"},
    "compare": {"json", "schema", "model", "tool"},
}
_SPELT = {"go_on": "--continue"} | {
    name: f"--{name}" for name in ("compare", "tool", "rag", "json", "schema", "model")
}


def _seen(response: Response, is_streamed: bool) -> dict[str, str]:
    """The figures of an answer, with when its first word was seen."""
    known = figures(response)
    way = {"model": known["model"], "asked": "streamed" if is_streamed else "whole"}
    seen = known["first word"] if is_streamed else known["in all"]
    return {**way, "seen after": seen, **{name: known[name] for name in list(known)[2:]}}


def _without_secrets(prompt: str, typed: str) -> str:
    """The prompt as it may be sent; the reader is told what is not."""
    refuse_own_keys([prompt])
    masked, ends = without_secrets(prompt)
    if ends:
        say(f"The prompt holds what looks like a key ({', '.join(ends)}): only its end is sent.")
    if typed != without_secrets(typed)[0]:
        say("It stands in this cell, which the notebook keeps: take it out.")
    return masked
