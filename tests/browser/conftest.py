"""A real JupyterLab in headless Chromium; requests to other hosts are refused and recorded."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, Page, Route, sync_playwright

from cellmage.testing import ScriptedServer

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "install chromium: apt-get update && apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def server(shared_server: ScriptedServer) -> ScriptedServer:
    """Return the scripted server, which is the endpoint of every kernel of the JupyterLab."""
    return shared_server


@dataclass
class Jupyter:
    """A JupyterLab server: its folder and its address."""

    folder: Path
    url: str


@pytest.fixture(scope="session")
def jupyter(
    shared_server: ScriptedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Jupyter]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    lab_server = Jupyter(tmp_path_factory.mktemp("lab"), f"http://127.0.0.1:{port}")
    settings = [
        f"--port={port}", "--no-browser", "--allow-root", "--ServerApp.token=",
        "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True",
        "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
        f"--ServerApp.root_dir={lab_server.folder}",
        # Half of the default: a slow machine cannot exceed that.
        "--ZMQChannelsWebsocketConnection.iopub_msg_rate_limit=500",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "CELLMAGE_"))}
    home = str(tmp_path_factory.mktemp("home"))
    env = {"OPENAI_BASE_URL": shared_server.url, "OPENAI_API_KEY": "none", "HOME": home}
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", *settings],
        env=inherited | env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not _is_up(f"{lab_server.url}/api"):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield lab_server
    finally:
        process.terminate()
        process.wait(20)


def _is_up(url: str) -> bool:
    try:
        urllib.request.urlopen(url).close()
    except OSError:
        return False
    return True


@dataclass
class Lab:
    """One notebook in a page of the JupyterLab; `outside` has the refused addresses."""

    folder: Path
    url: str
    page: Page
    name: str
    outside: list[str] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.folder / self.name

    def open(self, *sources: str, ids: str = "cell") -> None:
        """Make a notebook of these cells, and open it; no two notebooks have cells of one id."""
        cells = [new_code_cell(source, id=f"{ids}{n}") for n, source in enumerate(sources)]
        nbformat.write(new_notebook(cells=cells, metadata=KERNEL), self.file)
        self.reopen()

    def reopen(self, name: str | None = None) -> None:
        self.page.goto(f"{self.url}/lab/tree/{name or self.name}?reset")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.until(lambda: "Idle" in self.page.inner_text("#jp-main-statusbar"))

    def show_in_notebook7(self) -> None:
        """Open the notebook in the page of Notebook 7."""
        self.page.goto(f"{self.url}/notebooks/{self.name}")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.page.wait_for_selector(".jp-NotebookKernelStatus-fade", state="attached")

    def run_next(self, cell: int | None = None) -> None:
        if cell is not None:
            self.page.locator(".jp-Notebook .jp-CodeCell").nth(cell).click()
        self.page.keyboard.press("Shift+Enter")

    def load(self) -> None:
        """Run the first cell, which loads the extension."""
        self.run_next(0)
        self.until(lambda: self.is_done(0))

    def restart(self) -> None:
        """Restart the kernel through the page's own connection, and wait until it is back.

        A restart through Jupyter Server's API reaches the page later, and a cell that is run
        before that is never answered.
        """
        self.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")

    def area(self, cell: int) -> Locator:
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea")

    def output(self, cell: int) -> str:
        return self.area(cell).inner_text()

    def text(self, cell: int) -> str:
        """Return the text of the outputs, in sight or not, without the bar below them."""
        texts = self.area(cell).locator(".jp-OutputArea-child").all_text_contents()
        return "".join(texts)

    def outputs(self, cell: int) -> int:
        return self.area(cell).locator(".jp-OutputArea-child").count()

    def is_done(self, cell: int) -> bool:
        prompt = self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-InputPrompt")
        # Not inner_text: JupyterLab does not paint a cell that is out of sight.
        return any(char.isdigit() for char in prompt.text_content() or "")

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.page.inner_text("body")[-2000:]
            self.page.wait_for_timeout(50)

    def save(self, cell: int = 1) -> list[dict[str, Any]]:
        """Save the notebook, and return the outputs of a cell from the file."""
        before = self.file.stat().st_mtime_ns
        self.page.keyboard.press("Control+s")
        self.until(
            lambda: (
                self.file.stat().st_mtime_ns > before
                and self.file.read_text().rstrip().endswith("}")
            )
        )
        return self.read_outputs(cell)

    def read_outputs(self, cell: int) -> list[dict[str, Any]]:
        outputs: list[dict[str, Any]] = json.loads(self.file.read_text())["cells"][cell]["outputs"]
        return outputs


@pytest.fixture
def lab(jupyter: Jupyter, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Lab]:
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    name = f"{request.node.name}.ipynb"
    notebook = Lab(jupyter.folder, jupyter.url, context.new_page(), name)

    def refuse(route: Route) -> None:
        notebook.outside.append(route.request.url)
        route.abort()

    context.route(lambda address: not address.startswith(jupyter.url), refuse)
    yield notebook
    context.close()
    for session in json.load(urllib.request.urlopen(f"{jupyter.url}/api/sessions")):
        address = f"{jupyter.url}/api/sessions/{session['id']}"
        urllib.request.urlopen(urllib.request.Request(address, method="DELETE")).close()
