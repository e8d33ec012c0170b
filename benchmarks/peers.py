"""The ways to show an answer in a cell; the peers' have environments of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path

PEERS = Path(__file__).parents[1] / ".venv-peers"

ASK = """
import os
from IPython.display import Markdown, display
from openai import OpenAI
client = OpenAI(max_retries=0)
def chunks():
    return client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Go"}], stream=True)
"""

TEXTBOOK = """\
full = ""
handle = display(Markdown(full), display_id=True)
for chunk in chunks():
    if chunk.choices and chunk.choices[0].delta.content:
        full += chunk.choices[0].delta.content
        handle.update(Markdown(full + "▌"))
handle.update(Markdown(full))"""

FLOOR = """\
full = ""
for chunk in chunks():
    if chunk.choices and chunk.choices[0].delta.content:
        full += chunk.choices[0].delta.content
display(Markdown(full))"""

CHATLAS = """
import os
from chatlas import ChatOpenAICompletions
chat = ChatOpenAICompletions(base_url=os.environ["OPENAI_BASE_URL"], model="m", api_key="none")
"""


@dataclass
class Way:
    """How to prepare a kernel, and the cell that is measured.

    Args:
        needs: what pip installs into an environment of its own; the package itself first.
    """

    name: str
    setup: str
    cell: str
    needs: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.name.replace(" ", "-")

    @property
    def python(self) -> str:
        return str(PEERS / self.id / "bin/python") if self.needs else sys.executable


WAYS = [
    Way("floor", ASK, FLOOR),
    Way("cellmage", "%load_ext cellmage", "%%llm --no-history --stream\nGo"),
    Way("textbook", ASK, TEXTBOOK),
    Way(
        "chatlas 0.23.0",
        CHATLAS,
        'chat.set_turns([])\nanswer = chat.chat("Go", echo="output")',
        ["chatlas==0.23.0", "openai", "ipykernel"],
    ),
    Way(
        "cellmage 0.9.7",
        "%load_ext cellmage",
        "%%llm --no-history\nGo",
        ["cellmage[langchain]==0.9.7", "ipykernel"],  # without it no magic loads
    ),
]


def environment(url: str, home: Path) -> dict[str, str]:
    """Where every way finds the server, and a place for what it leaves behind."""
    return {
        "OPENAI_BASE_URL": url,
        "OPENAI_API_KEY": "none",
        "CELLMAGE_API_BASE": url,
        "CELLMAGE_API_KEY": "none",
        "CELLMAGE_BASE_DIR": str(home),
    }


def is_installed(way: Way) -> bool:
    """Make the way's environment when it is missing; False when that fails."""
    if not way.needs:
        return True
    folder = PEERS / way.id
    if (folder / "made").exists():
        return True
    print(f"installing {way.name}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True, symlinks=True)
    pip = [way.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, *way.needs], check=False).returncode:
        return False
    (folder / "made").touch()
    return True
