"""JupyterLab with a kernel for each renderer, and one measured run of a cell in its page."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from .answers import CHUNK_CHARS, ENDING, Sender, Sent, mixed
from .peers import Way, environment

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
SCRIPT = (Path(__file__).parent / "page.js").read_text()
PID = "import os, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))\n"
STILL = """
.jp-WindowedPanel-outer::after, .jp-Notebook-footer { display: none !important }
.jp-Notebook-cell:not(:last-child) .jp-Cell-outputWrapper { display: none }
"""
"""The empty space below the last cell, which any output that grows moves (one plain display then
scores 0.3), and the outputs above it, which would push it out of sight."""

CELL = 2
"""The measured cell; before it the kernel is prepared and has answered once."""

WARM = mixed(2_000).replace(ENDING, f"The formula $x_1^2$. {ENDING}")
"""The first answer, so that every renderer finds a page that has shown one of everything."""

MAX_DELAY_SECONDS = 240
"""Time that a page may go on painting after the last chunk."""


class Broken(Exception):
    """The kernel did not show its first answer."""


@dataclass
class Observation:
    """The events on the page in one run; times are seconds since the epoch by Python's clock."""

    messages: list[tuple[float, int]]
    """The time at which the kernel published each message, and its bytes on the socket."""
    paints: list[float]
    shifts: list[tuple[float, float]]
    first: float
    text: str
    pauses: list[float]
    """How long a click would have waited, every 20 ms."""
    memory: tuple[float, float]
    """Bytes by which the kernel grew, and bytes at its largest."""


@dataclass
class Lab:
    folder: Path
    url: str
    browser: Browser
    sender: Sender

    def install_kernel(self, renderer: Way) -> None:
        """Make the renderer's python a kernel of this JupyterLab."""
        spec = {
            "argv": [renderer.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": renderer.name,
            "language": "python",
            "env": environment(self.sender.url, self.folder),
        }
        home = self.folder / "jupyter/kernels" / renderer.id
        home.mkdir(parents=True, exist_ok=True)
        (home / "kernel.json").write_text(json.dumps(spec))

    def run(
        self, renderer: Way, text: str, rate: float, shot: Path | None
    ) -> tuple[Sent, Observation] | None:
        """Run the renderer's cell in a new page and kernel; None when it never ended."""
        self.install_kernel(renderer)
        page = self.browser.new_page(viewport={"width": 1000, "height": 900})
        page.add_init_script(SCRIPT)
        try:
            self.sender.play(WARM, 1000)
            self.open(page, renderer)
            self.sender.play(text, rate)
            observation = self.measure(page, text, rate)
            sent = self.sender.sent()
            if shot:
                page.screenshot(path=shot)
            return (sent, observation) if sent and observation else None
        finally:
            page.close()
            self.end_kernels()

    def open(self, page: Page, renderer: Way) -> None:
        kernel = {"kernelspec": {"name": renderer.id, "display_name": renderer.name}}
        (self.folder / "setup.ipy").write_text(PID + renderer.setup)
        sources = ["%run -i setup.ipy", renderer.cell, renderer.cell]
        notebook = new_notebook(cells=[*map(new_code_cell, sources)], metadata=kernel)
        nbformat.write(notebook, self.folder / "n.ipynb")
        page.goto(f"{self.url}/lab/tree/n.ipynb?reset")
        page.add_style_tag(content=STILL)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_function(
            "document.querySelector('#jp-main-statusbar').innerText.includes('Idle')"
        )
        for cell in range(CELL):
            press(page, cell)
            page.evaluate(f"bench.watch({cell}, '')")
            page.wait_for_function("bench.over", polling=250, timeout=90_000)
        outputs = [page.evaluate(f"bench.outputs({cell})") for cell in range(CELL)]
        if ENDING not in outputs[-1]:
            raise Broken("\n".join(outputs))
        page.locator(".jp-Notebook .jp-CodeCell").nth(CELL).click()
        page.mouse.move(0, 0)  # what it hovers over would show buttons
        page.wait_for_timeout(1500)

    def measure(self, page: Page, text: str, rate: float) -> Observation | None:
        pid = int((self.folder / "pid").read_text())
        ahead = clock(page)
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # forget the largest size so far
        before = memory(pid, "VmRSS")
        began = time.time()
        begins = text[:CHUNK_CHARS].strip("# ")
        page.evaluate(f"bench.watch({CELL}, {begins!r})")
        page.evaluate("bench.pulse()")
        press(page)
        try:
            limit = (len(text) / CHUNK_CHARS / rate + MAX_DELAY_SECONDS) * 1000
            page.wait_for_function("bench.over", polling=500, timeout=limit)
        except PlaywrightTimeout:
            output = page.evaluate(f"bench.outputs({CELL})")
            print(f"never ended; the page shows …{output[-200:]!r}", file=sys.stderr)
            return None
        events: dict[str, Any] = page.evaluate(
            "({messages: bench.messages, paints: bench.paints, shifts: bench.shifts,"
            " pauses: bench.pauses, first: bench.first})"
        )
        growth = memory(pid, "VmRSS") - before, memory(pid, "VmHWM") - before

        def on_our_clock(value: float | None) -> float:
            return math.nan if value is None else value / 1000 - ahead

        shifts = [(on_our_clock(moment), value) for moment, value in events["shifts"]]
        return Observation(
            # The page dates its events late when it is busy; the kernel has our clock.
            [(date / 1000, size) for _, size, date, _ in events["messages"] if date / 1000 > began],
            [*map(on_our_clock, events["paints"])],
            [(date, value) for date, value in shifts if date > began],
            on_our_clock(events["first"]),
            page.evaluate(f"bench.outputs({CELL})"),
            [pause / 1000 for _, pause in events["pauses"]],
            growth,
        )

    def end_kernels(self) -> None:
        with urllib.request.urlopen(f"{self.url}/api/sessions") as reply:
            sessions = json.load(reply)
        for session in sessions:
            address = f"{self.url}/api/sessions/{session['id']}"
            urllib.request.urlopen(urllib.request.Request(address, method="DELETE")).close()


def press(page: Page, cell: int | None = None) -> None:
    """Run a cell in place: no new cell comes below it."""
    if cell is not None:
        page.locator(".jp-Notebook .jp-CodeCell").nth(cell).click()
    page.keyboard.press("Control+Enter")


def clock(page: Page) -> float:
    """Return the seconds by which the page's clock is ahead of ours."""
    best = (math.inf, 0.0)
    for _ in range(20):
        before = time.time()
        page_time = page.evaluate("bench.now()") / 1000
        after = time.time()
        best = min(best, (after - before, page_time - (before + after) / 2))
    return best[1]


def memory(pid: int, field: str) -> float:
    """Return bytes, as the system counts them."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(rf"{field}:\s+(\d+) kB", status)
    assert match, status
    return int(match[1]) * 1024


@contextmanager
def jupyterlab(folder: Path, sender: Sender) -> Iterator[Lab]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = [
        f"--port={port}", "--no-browser", "--allow-root", "--ServerApp.token=",
        "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "CELLMAGE_"))}
    homes = {
        "HOME": str(folder),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTER_PATH": str(folder / "jupyter"),
    }
    news = folder / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false"}')  # or it asks, in a box over the page
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "install chromium: apt-get update && apt-get install chromium"
    command = [sys.executable, "-m", "jupyter", "lab", *settings]
    with sync_playwright() as playwright, (folder / "lab.log").open("w") as log:
        process = subprocess.Popen(command, env=keep | homes, stdout=log, stderr=log)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            wait_for(url)
            yield Lab(folder, url, browser, sender)
        finally:
            browser.close()
            process.terminate()
            process.wait(20)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError):
            urllib.request.urlopen(f"{url}/api").close()
            return
        time.sleep(0.2)
    raise TimeoutError(url)
