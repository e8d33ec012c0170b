"""The magics: each is a parser and a call."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
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

from ..display.select import surface_for
from ..display.text_table import aligned
from ..errors import UsageError
from ..prompt.interpolation import interpolate
from ..prompt.personas import load_persona
from ..providers.catalogue import catalogue
from ..rendering import repaint
from . import flags
from .frontend import say
from .history import history
from .parsing import help_text, parse, parse_flags
from .progress import build
from .runner import Asker
from .settings import Settings, configure, folders, models_of, persona_list, persona_text, rows
from .transformers import BLOCK


@magics_class
class LLMMagics(Magics, Settings):
    """``%%llm`` and ``%llm``, and ``%llm_config``, ``…_models``, ``…_history``, ``…_index``."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.folders = folders()
        self.asker = Asker(shell, self)
        self.chats = self.asker.chats
        self._given: dict[str, Any] = {}

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
        self.asker.ask(args, rest if cell is None else cell, local_ns or {})
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
            say(aligned([("setting", "value", "from"), *rows(self, self._given)]))

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
        say(aligned([("server", "model"), *models_of(offers)]))

    @no_var_expand
    @flags.declare(*flags.INDEX)
    @line_magic
    def llm_index(self, line: str) -> None:
        """Index the files and folders that are named, for ``%%llm --rag``; again, what changed."""
        args, rest = parse(self.llm_index, line)
        if args.help:
            say(help_text(self.llm_index))
            return
        words = shlex.split(interpolate(rest, self.shell.user_ns))
        name = args.name
        if "--name" in words[1:-1]:  # behind the paths
            at = words.index("--name")
            name = words[at + 1]
            del words[at : at + 2]
        if not words:
            raise UsageError("%llm_index: name a folder or files")
        say(build(name, [Path(os.path.expanduser(each)) for each in words]))

    @no_var_expand
    @flags.declare(*flags.COMPARE)
    @line_cell_magic
    def llm_compare(self, line: str, cell: str | None = None) -> None:
        """Compare ways to ask: with --latency, streamed and not. For models: %%llm --compare."""
        args, rest = parse(self.llm_compare, line, "%" if cell is None else "%%")
        if args.help:
            say(help_text(self.llm_compare))
            return
        if not args.latency:
            raise UsageError("%llm_compare --latency PROMPT; for models, %%llm --compare a,b")
        self.asker.latency(args.model or [None], rest if cell is None else cell)

    @no_var_expand
    @flags.declare()
    @line_magic
    def llm_stop(self, line: str) -> None:
        """Stop the answers that are arriving: also those that the stop button does not reach."""
        if parse_flags(self.llm_stop, line).help:
            say(help_text(self.llm_stop))
            return
        stopped = self.asker.stop()
        say(f"stopped {stopped}" if stopped else "nothing is arriving")

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
