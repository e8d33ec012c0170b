"""Record the moving pictures of the README: a streamed cell in a real JupyterLab, light and dark.

    python -m benchmarks.pictures

A scripted server on loopback plays the answer. The frames are those that headless Chromium painted,
with their own times; a still of the last frame is beside each picture.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image
from playwright.sync_api import CDPSession, Page

from .answers import Sender, sender
from .lab import Lab, jupyterlab
from .peers import WAYS

FOLDER = Path(__file__).parent.parent / "docs/_static"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
VIEW = {"width": 840, "height": 620}
PANEL = (33, 90, 807, 580)
"""What the picture shows of the page: the notebook, without the space around it."""

MAX_BYTES = 1_500_000
FRAME_SECONDS = 0.08
LAST_FRAME_SECONDS = 4.0
COLOURS = 64
CHUNKS_PER_SECOND = 45.0

SOURCES = [
    "%load_ext cellmage",
    "%%llm --stream --model gpt-6-luna\n"
    "Explain gradient descent to a pianist, with a small example.",
]
LAST_WORDS = "Practise, listen, correct: that is all."
ANSWER = f"""\
You learn a piece by **small corrections**. Each time through, you listen for what sounds \
most wrong, and change it *a little*. Gradient descent does the same with numbers:

$$\\theta_{{n+1}} = \\theta_n - \\eta\\,\\nabla L(\\theta_n)$$

| at the piano | in the formula |
|---|---|
| how wrong it sounds | the loss $L$ |
| where to correct | the gradient $\\nabla L$ |
| how bold you are | the step $\\eta$ |

```python
theta = 4.0
for practice in range(20):
    theta -= 0.1 * 2 * theta  # the gradient of theta squared
```

After 20 rounds, `theta` is near **0.05**. {LAST_WORDS}
"""
PLAIN = """
#jp-top-panel, #jp-menu-panel, #jp-bottom-panel, #jp-main-statusbar, .jp-SideBar, .jp-Toolbar,
.jp-Notebook-footer, .lm-DockPanel-tabBar, .jp-cell-toolbar, .jp-Collapser {
  display: none !important
}
"""
"""What is around the notebook is not shown."""


class Painted(NamedTuple):
    """A painted frame: the time of the page in seconds, and a PNG."""

    seconds: float
    png: bytes


class Recorder:
    """The frames that a page paints, until it is closed."""

    def __init__(self, page: Page) -> None:
        self.frames: list[Painted] = []
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._take)
        self._session.send("Page.startScreencast", {"format": "png", "everyNthFrame": 1})

    def _take(self, event: dict[str, object]) -> None:
        metadata, data = event["metadata"], event["data"]
        assert isinstance(metadata, dict)
        assert isinstance(data, str)
        self.frames.append(Painted(metadata["timestamp"], base64.b64decode(data)))
        self._session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    def close(self) -> None:
        self._session.send("Page.stopScreencast")


def record(lab: Lab, name: str, theme: str) -> Sequence[Painted]:
    """Run the notebook in a page of this theme, and return the frames of the second cell."""
    settings = lab.folder / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    settings.write_text(json.dumps({"theme": theme}))
    page = lab.browser.new_page(viewport=VIEW)
    try:
        page.goto(f"{lab.url}/doc/tree/{name}.ipynb?reset")
        page.add_style_tag(content=PLAIN)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        wait_for_kernel(lab)
        page.wait_for_timeout(1_000)
        page.locator(".jp-Notebook .jp-CodeCell").first.click()
        page.keyboard.press("Shift+Enter")
        page.wait_for_function("document.body.innerText.includes('[1]:')", timeout=60_000)
        page.mouse.move(0, 0)  # what it hovers over would show buttons
        page.wait_for_timeout(2_000)
        recorder = Recorder(page)
        page.wait_for_timeout(600)
        page.keyboard.press("Control+Enter")
        page.wait_for_function(f"document.body.innerText.includes({LAST_WORDS!r})", timeout=60_000)
        page.wait_for_timeout(1_000)
        recorder.close()
        return sorted(recorder.frames)  # they may arrive in another order
    finally:
        page.close()
        lab.end_kernels()


def wait_for_kernel(lab: Lab) -> None:
    """Wait until the page is connected to its kernel; a cell that is run before is lost."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{lab.url}/api/kernels") as reply:
            kernels = json.load(reply)
        if any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels):
            return
        time.sleep(0.2)
    raise TimeoutError("the kernel did not start")


def spread(frames: Sequence[Painted]) -> list[Painted]:
    """Return at most one frame for each part of a second, the last one among them."""
    kept = [frames[0]]
    for frame, later in zip(frames[1:], [*frames[2:], None], strict=True):
        if later is None or frame.seconds - kept[-1].seconds >= FRAME_SECONDS:
            kept.append(frame)
    return kept


def save(frames: Sequence[Painted], name: str) -> int:
    """Write the moving picture and its still, and return the bytes of the first."""
    images = [Image.open(io.BytesIO(frame.png)).convert("RGB").crop(PANEL) for frame in frames]
    images[-1].save(FOLDER / f"{name}.png", optimize=True)
    palette = images[-1].quantize(COLOURS)
    plain = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    times = [frame.seconds for frame in frames]
    seconds = [after - before for before, after in pairwise(times)]
    path = FOLDER / f"{name}.gif"
    plain[0].save(
        path,
        save_all=True,
        append_images=plain[1:],
        duration=[round(1000 * length) for length in [*seconds, LAST_FRAME_SECONDS]],
        loop=0,
        optimize=True,
    )
    return path.stat().st_size


def make(folder: Path, server: Sender) -> int:
    """Make all pictures, and return 1 if one is too large."""
    cells = [new_code_cell(source) for source in SOURCES]
    way = next(way for way in WAYS if way.name == "cellmage")
    kernel = {"kernelspec": {"name": way.id, "display_name": "Python 3"}}
    worst = 0
    with jupyterlab(folder, server) as lab:
        lab.install_kernel(way)
        for name, theme in THEMES.items():
            server.play(ANSWER, CHUNKS_PER_SECOND)
            nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / f"{name}.ipynb")
            frames = spread(record(lab, name, theme))
            size = save(frames, f"streaming-{name}")
            print(f"streaming-{name}.gif: {len(frames)} frames, {size / 1000:.0f} kB")
            worst = max(worst, size)
    return int(worst > MAX_BYTES)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, sender() as server:
        return make(Path(folder), server)


if __name__ == "__main__":
    sys.exit(main())
