"""The magics: each is a parser and a call."""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
from collections.abc import Mapping
from keyword import iskeyword
from pathlib import Path
from threading import Lock
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)

from ..catalogue import catalogue
from ..display.surfaces import surface_for
from ..errors import UsageError
from ..messages import CellKey, Response
from ..prompt.interpolation import interpolate
from ..prompt.personas import load_persona
from ..providers import refuse_own_keys, without_secrets
from ..showing import Look, Showing, repaint
from ..spending import Spending
from ..stream import ResponseStream
from ..tools import ask
from . import flags
from .cells import BLOCK
from .chats import Chats
from .dry_run import describe
from .frontend import cell_id, is_in_subshell, owns_cell, run_id, say
from .history import history
from .parsing import help_text, parse, parse_flags
from .settings import (
    Settings,
    configure,
    folders,
    models_of,
    options_of,
    persona_list,
    persona_text,
    rows,
    table,
)
from .shapes import Shape, shape_of
from .sources import build, search_of, tools_named

_RUNS = 64
"""How many runs of cells are counted at a time; subshells run some side by side."""


@magics_class
class LLMMagics(Magics, Settings):
    """``%%llm`` and ``%llm``, and ``%llm_config``, ``…_models``, ``…_history``, ``…_index``."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.folders = folders()
        self.chats = Chats(shell)
        self.spending = Spending()
        self._given: dict[str, Any] = {}
        self._said: set[str] = set()
        self._asked: dict[str, int] = {}
        self._running: set[ResponseStream] = set()
        self._lock = Lock()

    @no_var_expand
    @needs_local_scope
    @flags.declare(*flags.COMMON, *flags.CALL)
    @line_cell_magic
    def llm(
        self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None
    ) -> None:
        """Ask a model: the prompt is the body of the cell, or the rest of the line."""
        args, rest = parse(self.llm, line, "%" if cell is None else "%%")
        if args.help:
            say(help_text(self.llm))
            return
        if cell is not None and rest:
            raise UsageError(f"put the prompt below the %%llm line, not on it: {rest[:40]!r}")
        self._ask(args, rest if cell is None else cell, local_ns or {})
        if cell is not None and any(BLOCK.match(each) for each in cell.splitlines()):
            say("This cell begins with %%llm, so all of it is one prompt, other %%llm lines too.")

    @no_var_expand
    @flags.declare(*flags.COMMON, *flags.CONFIG)
    @line_magic
    def llm_config(self, line: str) -> None:
        """Set the defaults of all calls; without a flag, show them and where they come from."""
        args = parse_flags(self.llm_config, line)
        if args.help:
            say(help_text(self.llm_config))
            return
        configure(self, self._given, args)
        if args.resume == "always" and not self.chats.get(None).turns:
            self.chats.greet(args.resume)
        if args.list_personas:
            say(persona_list(self.folders))
        if args.show_persona:
            say(persona_text(load_persona(self.persona, self.folders)) if self.persona else "none")
        if not line.strip():
            say(table([("setting", "value", "from"), *rows(self, self._given)]))

    @no_var_expand
    @flags.declare(*flags.MODELS)
    @line_magic
    def llm_models(self, line: str) -> None:
        """List the models of the configured server, and of the servers on this machine."""
        args = parse_flags(self.llm_models, line)
        if args.help:
            say(help_text(self.llm_models))
            return
        offers = catalogue(args.provider, self.base_url)
        say(table([("server", "model"), *models_of(offers)]))

    @no_var_expand
    @flags.declare(*flags.INDEX)
    @line_magic
    def llm_index(self, line: str) -> None:
        """Index the files and folders that are named, for ``%%llm --rag``; again, what changed."""
        args, rest = parse(self.llm_index, line)
        if args.help:
            say(help_text(self.llm_index))
            return
        if not rest:
            raise UsageError("%llm_index: name a folder or files behind the flags")
        words = shlex.split(interpolate(rest, self.shell.user_ns))
        say(build(args.name, [Path(os.path.expanduser(each)) for each in words]))

    @no_var_expand
    @flags.declare()
    @line_magic
    def llm_stop(self, line: str) -> None:
        """Stop the answers that are arriving: also those that the stop button does not reach."""
        if parse_flags(self.llm_stop, line).help:
            say(help_text(self.llm_stop))
            return
        running = list(self._running)
        for stream in running:
            stream.close()
        say(f"stopped {len(running)}" if running else "nothing is arriving")

    @no_var_expand
    @flags.declare(*flags.HISTORY)
    @line_magic
    def llm_history(self, line: str) -> None:
        """Show the turns of the conversation, or change them."""
        args = parse_flags(self.llm_history, line)
        if args.help:
            say(help_text(self.llm_history))
            return
        self.chats.keep(self.store)
        if args.show is None or args.resume:
            say(history(self.chats, args))
        if args.show is not None:
            turn = self.chats.get(args.chat).turn(args.show)
            repaint(turn, surface_for(self.shell), self.image_hosts)
        self.chats.tell()

    def _ask(self, args: Namespace, prompt: str, local_ns: Mapping[str, Any]) -> None:
        if args.out is not None and (not args.out.isidentifier() or iskeyword(args.out)):
            raise UsageError(f"--out {args.out}: give a name that a variable can have")
        typed = prompt
        if not args.raw:
            prompt = interpolate(prompt, {**self.shell.user_ns, **local_ns})
        prompt = _without_secrets(prompt, typed)
        self.spending.check(self.spend_limit)
        shape = shape_of(args, self.shell.user_ns)
        stream = self._stream(args, prompt, shape)
        if args.dry_run:
            say(describe(stream.request))
            return
        if is_in_subshell(self.shell) and "subshell" not in self._said:
            self._said.add("subshell")
            say("The stop button does not reach subshells; %llm_stop in another cell does.")
        self._running.add(stream)
        try:
            is_ours = self.collapse and owns_cell(self.shell)
            surface = surface_for(self.shell, answer_id=stream.id, owns_cell=is_ours)
            stats = self.stats if args.stats is None else args.stats
            look = Look(self.image_hosts, stats, shape.reader if shape else None)
            Showing(stream, surface, self._said, look).run()
            value = shape.result(stream) if shape else None
            if shape and args.out:
                self.shell.user_ns[args.out] = value
        finally:
            self._running.discard(stream)
            self._bind(stream.response, None if shape else args.out)
            self._count(stream)
            self.chats.tell()

    def _stream(self, args: Namespace, prompt: str, shape: Shape | None) -> ResponseStream:
        self.chats.keep(self.store)
        chat, options = self.chats.get(args.chat), options_of(self, args)
        options = shape.asked_with(options) if shape else options
        if not args.go_on:
            return chat.stream(
                prompt,
                options,
                key=None if args.no_history else self._next_key(is_asked=not args.dry_run),
                history=not args.no_history,
                replace_turn=not args.no_rollback,
                search=search_of(args.rag, self.shell.user_ns),
                tools=tools_named(args.tool or (), self.shell.user_ns),
                approve=None if args.yes_tools else ask,
            )
        if prompt.strip() or args.tool:
            raise UsageError("--continue takes no prompt and no tools; it goes on as it was")
        return chat.go_on(options)

    def _count(self, stream: ResponseStream) -> None:
        response = stream.response
        is_known = self.spending.add(stream.request, response)
        if self.spend_limit is not None and not is_known:
            say(f"The price of {response.model} is not known: the spend limit does not count it.")

    def _bind(self, response: Response, out: str | None) -> None:
        self.shell.user_ns["_llm"] = response
        # A failure without a word leaves the variable as it was; the cell fails all the same.
        if out and (response.text or not response.partial):
            self.shell.user_ns[out] = response.text

    def _next_key(self, is_asked: bool) -> CellKey | None:
        cell, run = cell_id(self.shell), run_id(self.shell)
        if cell is None:
            return None
        with self._lock:
            ordinal = self._asked.pop(run, 0)
            self._asked[run] = ordinal + is_asked
            for old in list(self._asked)[:-_RUNS]:
                del self._asked[old]
        return CellKey(cell, ordinal)

    def after_run(self, result: Any) -> None:
        """When a cell has ended well: drop what an earlier run of it asked beyond this run."""
        cell, asked = cell_id(self.shell), self._asked.get(run_id(self.shell))
        if cell is not None and asked and result.success:
            for chat in self.chats:
                chat.forget_rest(CellKey(cell, asked))


def _without_secrets(prompt: str, typed: str) -> str:
    """The prompt as it may be sent; the reader is told what is not."""
    refuse_own_keys([prompt])
    masked, ends = without_secrets(prompt)
    if ends:
        say(f"The prompt holds what looks like a key ({', '.join(ends)}): only its end is sent.")
    if typed != without_secrets(typed)[0]:
        say("It stands in this cell, which the notebook keeps: take it out.")
    return masked
