"""A plot in a prompt: the server gets its picture, and the page says what was sent."""

from __future__ import annotations

import base64
import os
import struct
from typing import Any

import pytest

from cellmage.testing import Exchange, Reply, ScriptedServer, answer
from tests.browser.conftest import Lab

pytestmark = pytest.mark.browser

PLOT = """import matplotlib.pyplot as plt
fig, axes = plt.subplots(figsize=(4, 3), dpi=100)
axes.bar(["North", "South"], [3, 5]);"""


def describe(exchange: Exchange) -> Reply:
    """Answer with what is in the request: the size of the picture, as its bytes say."""
    content: list[dict[str, Any]] = exchange.body["messages"][-1]["content"]
    (image,) = (part["image_url"]["url"] for part in content if part["type"] == "image_url")
    head, _, data = image.partition(",")
    width, height = struct.unpack(">II", base64.b64decode(data)[16:24])  # PNG: the chunk IHDR
    return Reply(answer(f"A plot, {head}, {width} by {height} pixels."))


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_a_plot_is_sent_and_described(lab: Lab, server: ScriptedServer, theme: str) -> None:
    server.play_with(describe)
    prompt = "%%llm -m gpt-6-luna --api chat --attach fig --data rows\nWhat do you see?"
    lab.open("%load_ext cellmage", PLOT, prompt)
    lab.page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: '{theme}'}})")
    lab.load()
    for cell in (1, 2):
        lab.run_next(cell)
        lab.until(lambda cell=cell: lab.is_done(cell))  # type: ignore[misc]
    lab.until(lambda: "400 by 300 pixels" in lab.output(2))
    assert "data:image/png;base64" in lab.output(2)
    assert "Sent: fig, 1 image, PNG, 400 x 300" in lab.output(2)
    if folder := os.environ.get("SHOTS"):
        lab.page.screenshot(path=f"{folder}/plot-{theme}.png")
