"""The magics about all prompts of a notebook."""

from __future__ import annotations

from argparse import Namespace

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import line_magic, no_var_expand

from ..display.listing import Listing
from ..errors import UsageError
from ..rendering import RenderOptions
from ..text import excerpt
from .chat import ChatPanels
from .completion_values import Sources
from .flags import CHAT, COMMON, JOBS, STATUS, UPGRADE
from .frontend import FrontEnd, print_line
from .listings import show
from .magic_decorator import declare
from .notebook_cells import NotebookCell, NotebookCells
from .parsing import parse
from .runner import PromptRunner
from .settings import Settings
from .status_table import show_status
from .store_messages import print_store_messages
from .upgrade import Upgrade


class NotebookMagics(Settings):
    """``%llm_chat``, ``%llm_jobs``, ``%llm_status``, ``%llm_upgrade``, for the class of all magics.

    Attributes:
        shell: where the cells run.
        runner: runs the prompts.
        completion_sources: the names that fit a flag.
    """

    shell: InteractiveShell
    runner: PromptRunner
    completion_sources: Sources

    def start(self) -> None:
        """Make what the magics of this class need."""
        self.notebook_cells = NotebookCells(self.shell)
        self.panels = ChatPanels(self.shell, self.runner, self)
        self.upgrade = Upgrade(self.shell, self, self.runner, self.notebook_cells)

    @no_var_expand
    @declare(*COMMON, *CHAT)
    @line_magic
    def llm_chat(self, args: Namespace) -> None:
        """Chat in a panel below the cell, in the same conversation as the cells.

        The flags hold for every prompt of the panel, unless its menus say otherwise.
        """
        self.panels.open(args, self.completion_sources)

    @no_var_expand
    @declare(*JOBS)
    @line_magic
    def llm_jobs(self, args: Namespace) -> Listing | None:
        """List the answers of %%llm --background, show one of them, or stop them.

        A tool of a job that waits for you is asked about here, where no button can.
        """
        jobs = self.runner.background
        if args.stop is not None:
            print_line(jobs.stop(args.stop))
        if args.show is not None:
            options = RenderOptions(self.image_hosts)
            jobs.show(args.show, options)
        return show(jobs.list_jobs()) if args.stop is None and args.show is None else None

    @no_var_expand
    @declare(*STATUS)
    @line_magic
    def llm_status(self, args: Namespace) -> Listing | None:
        """Show which answers of this notebook are out of date, and why. Nothing is asked."""
        self._identify()
        listing = show(show_status(self.runner, self, self.shell.user_ns, self._cells(), args.chat))
        print_store_messages(self.runner.chats)
        return listing

    @no_var_expand
    @declare(*UPGRADE, takes_text=True)
    @line_magic
    def llm_upgrade(self, args: Namespace, text: str) -> Listing | None:
        """Ask the prompts of this notebook again with another model, and compare the answers.

        The prompts are sent as they were then, in a conversation of its own.
        """
        model, _, flags = text.partition(" ")
        if flags:  # behind the name of the model
            more, rest = parse(NotebookMagics.llm_upgrade, flags)
            if rest:
                raise UsageError(f"%llm_upgrade takes one model, not {excerpt(text)}")
            vars(args).update({name: value for name, value in vars(more).items() if value})
        self._identify()
        listing = self.upgrade.run(args, model or args.model or "")
        print_store_messages(self.runner.chats)
        return listing

    def _identify(self) -> None:
        """Look for the stored turns of this notebook."""
        front_end = FrontEnd.of(self.shell)
        self.runner.chats.identify(front_end)
        self.runner.chats.apply_store_setting(self.store, front_end)

    def _cells(self) -> list[NotebookCell]:
        return self.notebook_cells.read(self.runner.chats.notebook)
