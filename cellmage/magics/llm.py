"""The magics: each declares its flags and makes a call."""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
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

from ..display.listing import Listing
from ..display.select import choose_display
from ..errors import UsageError
from ..mcp import tools_by_server
from ..prompt.interpolation import interpolate
from ..prompt.personas import load_persona
from ..providers.catalogue import list_keys, list_models
from ..rendering import RenderOptions, render_turn
from .aliases import Aliases
from .ambient import AMBIENT_NOTICE
from .ambient import install as install_ambient
from .completion_values import Sources
from .config_summary import summarize
from .edit_answer import open_answer, replace_answer
from .executed_cells import FIX_PROMPT
from .flags import CALL, COMMON, COMPARE, CONFIG, EDIT, FIX, HISTORY, INDEX, MODELS
from .frontend import FrontEnd, print_line
from .history import run_history
from .listings import (
    list_aliases,
    list_offers,
    list_personas,
    list_settings,
    list_snippets,
    list_tools,
    persona_text,
    quiet_tables,
    show,
)
from .magic_decorator import declare, is_empty
from .notebook_magics import NotebookMagics
from .notebook_paths import working_folder
from .original import OriginalMagics
from .page_check import PageCheck
from .parsing import declared
from .progress import build_index
from .prompt_files import snippet_folders
from .runner import PromptRunner
from .settings import apply_config, collect_changes, configure, persona_folders
from .store_messages import announce_stored, print_store_messages
from .transformers import PROMPT_LINE
from .warm_up import WarmUp


@magics_class
class LLMMagics(Magics, NotebookMagics):
    """``%%llm`` and ``%llm``, and ``%llm_config``, ``…_models``, ``…_history``, ``…_index``, …"""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.folders = persona_folders()
        self.aliases = Aliases(working_folder())
        self.runner = PromptRunner(shell, self)
        self.chats = self.runner.chats
        self.page_check = PageCheck(shell, self.chats)
        self.start()
        self.completion_sources = Sources(
            self, self.chats, shell.user_ns, self.aliases, snippet_folders()
        )
        self.completion_sources.jobs = self.runner.background.under_way
        self.warm_up = WarmUp(shell, self.aliases.all, self.runner.bars.warm_up)
        self.ambient = install_ambient(shell)
        self.original = OriginalMagics(shell)
        self._set_by_flag: dict[str, Any] = {}

    def apply_config(self) -> None:
        """Read the configuration again, for ``%reload_ext``; what flags have set stays."""
        apply_config(self, self._set_by_flag)

    def value_of(self, name: str, line: str) -> Any:
        """Return the value of a magic that would show a table, for ``rows = %llm_history``."""
        with quiet_tables():
            return self.shell.run_line_magic(name, line)

    @no_var_expand
    @needs_local_scope
    @declare(*COMMON, *CALL, takes_text=True)
    @line_cell_magic
    def llm(
        self,
        args: Namespace,
        text: str,
        cell: str | None = None,
        local_ns: Mapping[str, Any] | None = None,
    ) -> Any:
        """Ask a model: the prompt is the body of the cell, or the rest of the line.

        ``text = %llm …`` sets a variable to the text of the answer.
        """
        prompt = text if cell is None else cell
        if args.error and not prompt.strip():
            text = prompt = FIX_PROMPT
        if cell is None and not text and not (args.continue_answer or args.snippet):
            raise UsageError(
                "the prompt is empty: type it behind %llm; "
                "or did you mean %%llm, which takes the lines below it?"
            )
        args.compare = self.aliases.expand_list(args.compare)
        args.select = self.aliases.expand(args.select)
        answer = self.runner.run(args, prompt, local_ns or {})
        if cell is None:
            return answer
        if any(map(PROMPT_LINE.match, cell.splitlines())):
            print_line(
                "This cell begins with %%llm, so all of it is one prompt, other %%llm lines too."
            )
        return None

    @no_var_expand
    @needs_local_scope
    @declare(*COMMON, *CALL, *FIX, takes_text=True)
    @line_cell_magic
    def llm_fix(
        self,
        args: Namespace,
        text: str,
        cell: str | None = None,
        local_ns: Mapping[str, Any] | None = None,
    ) -> None:
        """Ask a model to fix the last error; run the fixed cell in a copy of the kernel first."""
        args.error, args.code, args.is_fix = True, args.code or "python", True
        prompt = (text if cell is None else cell).strip()
        self.runner.run(args, prompt or FIX_PROMPT, local_ns or {})

    @no_var_expand
    @declare(*EDIT, takes_text=True, takes_text_in_cell=True)
    @line_cell_magic
    def llm_edit(self, args: Namespace, text: str, cell: str | None = None) -> None:
        """Replace the answer of a turn: %llm_history --edit N opens a cell with it."""
        if cell is None:
            raise UsageError(
                "%%llm_edit N takes the answer below it; %llm_history --edit N opens it"
            )
        front_end = FrontEnd.of(self.shell)
        self.chats.identify(front_end)
        self.chats.apply_store_setting(self.store, front_end)
        print_line(replace_answer(self.chats.get(args.chat).history, text, cell))
        print_store_messages(self.chats)

    @no_var_expand
    @declare(*COMMON, *CONFIG)
    @line_magic
    def llm_config(self, args: Namespace) -> Listing | None:
        """Set the defaults of all calls. Without a flag, show them and where each was set."""
        changed = collect_changes(self, args)
        if args.alias or args.remove_alias:
            self.aliases.change(args.alias or (), args.remove_alias or ())
            print_line(f"The aliases are in {self.aliases.config_file}")
        self.runner.locks.check_changes(changed)
        self._set_by_flag = configure(self, self._set_by_flag, args)
        self.runner.locks.limit(self)
        if summary := summarize(self, changed):
            print_line(summary)
        for line in self.runner.keeper.files.report(changed, args.remove_unused):
            print_line(line)
        if args.resume == "always" and not self.chats.get(None).turns:
            announce_stored(self.chats, FrontEnd.of(self.shell), args.resume)
        if args.list_personas:
            show(list_personas(self.folders))
        if args.list_snippets:
            show(list_snippets(self.completion_sources.snippets))
        if args.list_aliases:
            show(list_aliases(self.aliases))
        if args.show_persona:
            persona = load_persona(self.persona, self.folders) if self.persona else None
            print_line(persona_text(persona) if persona else "No persona is set.")
        if is_empty(self.llm_config, args):
            return show(list_settings(self, self._set_by_flag, declared["llm_config"]))
        return None

    @no_var_expand
    @declare(*MODELS)
    @line_magic
    def llm_models(self, args: Namespace) -> Listing | None:
        """List the models of the configured server, and of the servers on this machine."""
        keys = {} if args.provider else list_keys()
        offers = list_models(args.provider, self.base_url)
        self.completion_sources.offers = offers
        return show(list_offers(offers, keys))

    @no_var_expand
    @declare()
    @line_magic
    def llm_tools(self, args: Namespace) -> Listing | None:
        """List the tools of the MCP servers; those that do not run yet are started."""
        if self.mcp is None:
            raise UsageError("no file of MCP servers is set; %llm_config --mcp .mcp.json sets one")
        return show(list_tools(tools_by_server(self.mcp)))

    @no_var_expand
    @declare(*INDEX, takes_text=True)
    @line_magic
    def llm_index(self, args: Namespace, text: str) -> None:
        """Index files and folders for ``%%llm --rag``. Run it again to index what has changed."""
        try:
            words = shlex.split(interpolate(text, self.shell.user_ns).text)
        except ValueError:
            raise UsageError(f"%llm_index: a quote is not closed in: {text[:40]}") from None
        name = args.name
        if "--name" in words[1:-1]:  # after the paths
            index = words.index("--name")
            name = words[index + 1]
            del words[index : index + 2]
        if not words:
            raise UsageError("%llm_index: name a folder or files")
        paths = [Path(os.path.expanduser(word)) for word in words]
        print_line(build_index(self.shell, name, paths))

    @no_var_expand
    @declare(*COMPARE, takes_text=True)
    @line_cell_magic
    def llm_compare(self, args: Namespace, text: str, cell: str | None = None) -> None:
        """Compare ways to ask: with --latency, streamed and not. For models: %%llm --compare."""
        if not args.latency:
            raise UsageError("%llm_compare --latency PROMPT; for models, %%llm --compare a,b")
        models = self.aliases.expand_list(args.model)
        self.runner.compare_latency(models or [None], text if cell is None else cell)

    @no_var_expand
    @declare(takes_text=True)
    @line_magic
    def llm_ambient(self, args: Namespace, text: str) -> None:
        """Turn ambient mode on or off: each cell without a magic is a prompt, %%py is Python."""
        states = {"on": True, "off": False}
        if text not in states:
            raise UsageError("%llm_ambient on, or %llm_ambient off")
        self.ambient.is_on = states[text]
        print_line(AMBIENT_NOTICE if states[text] else "Ambient mode is off.")

    @no_var_expand
    @declare()
    @line_magic
    def llm_stop(self, args: Namespace) -> None:
        """Stop all answers that are streaming, including those that the stop button misses."""
        count = self.runner.stop()
        answers = "1 answer" if count == 1 else f"{count} answers"
        print_line(f"Stopped {answers}." if count else "No answer is streaming.")

    @no_var_expand
    @declare(*HISTORY)
    @line_magic
    def llm_history(self, args: Namespace) -> Listing | None:
        """Show the turns of the conversation, or change them."""
        front_end = FrontEnd.of(self.shell)
        self.chats.identify(front_end)
        self.chats.apply_store_setting(self.store, front_end)
        listing = None
        if args.edit is not None:
            print_line(open_answer(self.shell, self.chats.get(args.chat).history, args))
            return None
        if args.show is None or args.resume is not None:
            listing = show(run_history(self.chats, args))
        if args.show is not None:
            turn = self.chats.get(args.chat).history.turn(args.show)
            render_turn(turn, choose_display(self.shell), RenderOptions(self.image_hosts))
        print_store_messages(self.chats)
        return listing
