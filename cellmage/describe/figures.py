"""Figures of matplotlib, plotly and altair, and images of PIL, as images.

Below the level `rows` a figure of matplotlib is drawn without the texts that may be data, and
those of plotly and altair, whose texts cannot be told apart, are described.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BytesIO
from typing import Any

from ..content import Image
from ..errors import UsageError
from ..text import truncate
from .description import Description, Level, plural
from .registry import Describer

_MAX_BYTES = 4 * 2**20
_MAX_PIXELS = 2_000
"""The longest side: models scale larger images down."""

_NAME_CHARS = 80
_ROWS = "level `rows` sends them"


def _image(data: bytes, left_out: str = "") -> Description:
    image = Image(data)
    return Description((image,), f"1 image, {image.describe()}", left_out)


# matplotlib.


def _draw_figure(figure: Any, level: Level) -> Description:
    left_out = "" if level == "rows" else f"texts of the plot but names of axes; {_ROWS}"
    if level == "rows":
        return _image(_save(figure))
    with _without_texts(figure):
        return _image(_save(figure), left_out)


def _draw_axes(axes: Any, level: Level) -> Description:
    return _draw_figure(axes.get_figure(), level)


def _save(figure: Any) -> bytes:
    longest = max(*figure.get_size_inches(), 0.1)
    buffer = BytesIO()
    figure.savefig(
        buffer,
        format="png",
        dpi=min(figure.dpi, _MAX_PIXELS / longest),
        metadata={"Software": None},
    )
    return buffer.getvalue()


@contextmanager
def _without_texts(figure: Any) -> Iterator[None]:
    """Hide all texts of a figure but the names of axes, and ticks that are round numbers."""
    with ExitStack() as undo:
        safe_texts: set[Any] = set()
        for axes in figure.axes:
            for axis in axes._axis_map.values():
                safe_texts |= {axis.label, axis.get_offset_text()}
                _drop_tick_labels(axis, undo)
                for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                    safe_texts |= {tick.label1, tick.label2}
        for text in _texts(figure):
            if text not in safe_texts and text.get_visible():
                text.set_visible(False)
                undo.callback(text.set_visible, True)
        yield


def _texts(figure: Any) -> Iterator[Any]:
    """Yield the texts of a figure, and the boxes that are as wide as theirs."""
    for module, name in (("text", "Text"), ("table", "Table"), ("legend", "Legend")):
        yield from figure.findobj(getattr(sys.modules[f"matplotlib.{module}"], name))


def _drop_tick_labels(axis: Any, undo: ExitStack) -> None:
    """Let an axis draw no label that may be a cell, also at ticks that it makes while it draws."""
    for ticker in axis.major, axis.minor:
        formatter, locator = type(ticker.formatter).__name__, type(ticker.locator).__name__
        if formatter not in _FORMATTERS or locator not in _LOCATORS:
            undo.callback(setattr, ticker, "formatter", ticker.formatter)
            ticker.formatter = sys.modules["matplotlib.ticker"].NullFormatter()


_FORMATTERS = {
    *("ScalarFormatter", "LogFormatterSciNotation", "PercentFormatter"),
    *("AutoDateFormatter", "ConciseDateFormatter", "PandasAutoDateFormatter"),
    "TimeSeries_DateFormatter",
}
_LOCATORS = {
    *("AutoLocator", "MaxNLocator", "LogLocator", "MultipleLocator"),
    *("AutoDateLocator", "PandasAutoDateLocator", "TimeSeries_DateLocator"),
}
"""They choose round numbers; others name the values of a column."""


# plotly and altair.


def _draw_plotly(figure: Any, level: Level) -> Description:
    if level == "rows":
        return _image(_with_library("kaleido", lambda: figure.to_image(format="png")))
    kinds = Counter(str(trace.type) for trace in figure.data)
    layout = figure.layout
    names = [getattr(getattr(layout, axis, None), "title", None) for axis in ("xaxis", "yaxis")]
    axes = [str(title.text) for title in names if title is not None and title.text]
    return _outline("plotly", kinds, axes)


def _draw_altair(chart: Any, level: Level) -> Description:
    if level == "rows":
        buffer = BytesIO()
        _with_library("vl-convert-python", lambda: chart.save(buffer, format="png"))
        return _image(buffer.getvalue())
    mark = getattr(chart, "mark", None)
    kind = getattr(mark, "type", mark)
    return _outline(
        "altair", Counter([kind if isinstance(kind, str) else type(chart).__name__]), []
    )


def _outline(library: str, kinds: Mapping[str, int], axes: list[str]) -> Description:
    traces = ", ".join(f"{plural(count, 'layer')} of {kind}" for kind, count in kinds.items())
    axes_text = f"; axes: {', '.join(truncate(name, _NAME_CHARS) for name in axes)}" if axes else ""
    text = f"A figure ({library}): {traces}{axes_text}"
    return Description((text,), "its outline, 0 images", "the image; level `rows` sends it")


def _with_library(library: str, draw: Any) -> Any:
    try:
        return draw()
    except (ImportError, ValueError, RuntimeError) as error:
        raise UsageError(f"an image of it needs a library: pip install {library}") from error


# PIL.


def _describe_image(image: Any, level: Level) -> Description:
    copy = image.copy()
    copy.thumbnail((_MAX_PIXELS, _MAX_PIXELS))
    if copy.mode not in ("RGB", "RGBA", "L", "LA", "P", "1"):
        copy = copy.convert("RGB")
    buffer = BytesIO()
    copy.info = {}  # its metadata may name places and people
    copy.save(buffer, "PNG")
    if len(buffer.getvalue()) > _MAX_BYTES:
        buffer = BytesIO()
        copy.convert("RGB").save(buffer, "JPEG", quality=85)
    is_whole = copy.size == image.size
    scaled = "" if is_whole else "scaled down from {} x {} pixels".format(*image.size)
    return _image(buffer.getvalue(), scaled)


CLASSES: Mapping[tuple[str, str], Describer] = {
    ("matplotlib.figure", "Figure"): _draw_figure,
    ("matplotlib.axes", "Axes"): _draw_axes,
    ("plotly.basedatatypes", "BaseFigure"): _draw_plotly,
    ("altair", "TopLevelMixin"): _draw_altair,
    ("PIL.Image", "Image"): _describe_image,
}
