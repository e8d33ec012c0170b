"""A progress bar on a notebook's page: one output that is updated."""

from __future__ import annotations

from IPython.display import DisplayHandle

from ..markdown.escape import escape_markdown
from ..markdown.safe import fill_html
from .outputs import Output, publish


class ProgressBar:
    """A bar with a line of text beside it."""

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None

    def show(self, line: str, done: int, total: int | None) -> None:
        """Show a line, and the bar if the total is known."""
        if total is None:
            bar = fill_html("<progress></progress> {}", escape_markdown(line))
        else:
            pieces = map(escape_markdown, (str(done), str(total), line))
            bar = fill_html('<progress value="{}" max="{}"></progress> {}', *pieces)
        self._handle = publish(Output(None, line, bar), self._handle)
