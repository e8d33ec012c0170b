"""A real JupyterLab in headless Chromium; every host but this machine is refused and logged."""

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
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.server import ScriptedServer

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "install chromium: apt-get update && apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@dataclass
class Lab:
    """The JupyterLab server, and notebooks in it."""

    folder: Path
    url: str
    page: Page
    outside: list[str] = field(default_factory=list)

    def open(self, *sources: str) -> None:
        notebook = new_notebook(cells=[*map(new_code_cell, sources)], metadata=KERNEL)
        nbformat.write(notebook, self.folder / "n.ipynb")
        self.reopen()

    def reopen(self) -> None:
        self.page.goto(f"{self.url}/lab/tree/n.ipynb?reset")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.until(lambda: "Idle" in self.page.inner_text("#jp-main-statusbar"))

    def run_next(self, cell: int | None = None) -> None:
        if cell is not None:
            self.page.locator(".jp-Notebook .jp-CodeCell").nth(cell).click()
        self.page.keyboard.press("Shift+Enter")

    def output(self, cell: int) -> str:
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea").inner_text()

    def outputs(self, cell: int) -> int:
        area = self.page.locator(".jp-CodeCell").nth(cell)
        return area.locator(".jp-OutputArea-child").count()

    def is_done(self, cell: int) -> bool:
        prompt = self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-InputPrompt")
        return any(char.isdigit() for char in prompt.inner_text())

    def until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.page.inner_text("body")[-2000:]
            self.page.wait_for_timeout(50)

    def save(self) -> list[dict[str, Any]]:
        """Save the notebook; the outputs of its second cell, as they are in the file."""
        before = (self.folder / "n.ipynb").stat().st_mtime_ns
        self.page.keyboard.press("Control+s")
        self.until(lambda: (self.folder / "n.ipynb").stat().st_mtime_ns > before)
        cells = json.loads((self.folder / "n.ipynb").read_text())["cells"]
        outputs: list[dict[str, Any]] = cells[1]["outputs"]
        return outputs


@pytest.fixture
def lab(server: ScriptedServer, browser: Browser, tmp_path: Path) -> Iterator[Lab]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = [
        f"--port={port}", "--no-browser", "--allow-root", "--ServerApp.token=",
        "--ServerApp.password=", f"--ServerApp.root_dir={tmp_path}",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    env = os.environ | {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", *settings],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    running = Lab(tmp_path, url, context.new_page())

    def refuse(route: Route) -> None:
        running.outside.append(route.request.url)
        route.abort()

    context.route(lambda address: not address.startswith(url), refuse)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{url}/api").close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield running
    finally:
        context.close()
        process.terminate()
        process.wait(20)
