"""The figures of a comparison in a terminal of 80 columns."""

from __future__ import annotations

import io

from cellmage import Conversation
from cellmage.display.rich_console import RichConsole
from cellmage.display.terminal import TerminalDisplay
from cellmage.events import Complete
from cellmage.messages import Usage
from cellmage.rendering import ComparisonRenderer
from cellmage.testing import ScriptedProvider

MODELS = ["gpt-4o-mini-2024-07-18", "gpt-4o-2024-11-20"]


def test_names_of_models_are_whole() -> None:
    written = io.StringIO()
    provider = ScriptedProvider(["Hi", 0.01, "Ho", Complete("stop", Usage(100000, 200000))])
    comparison = Conversation(provider=provider).compare("Hi", MODELS)
    console = RichConsole(file=written, width=80, force_terminal=True, color_system=None)
    ComparisonRenderer(comparison, TerminalDisplay(console)).render()
    figures = [line for line in written.getvalue().splitlines() if " s " in line]
    assert [line.split()[0] for line in figures] == MODELS
    assert "tokens in" in written.getvalue()
    assert "chunks" not in written.getvalue()
