"""A kernel as a front end without widgets has it; the arguments before ``-f`` say what it lacks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

from ipykernel.kernelapp import IPKernelApp

NO_WIDGETS = "no-widgets"
NO_SUBSHELLS = "no-subshells"


class NotInstalled(MetaPathFinder):
    """Finds no package of widgets, as if none were installed."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if name.partition(".")[0] in ("anywidget", "ipywidgets"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


class App(IPKernelApp):
    """A kernel without the thread that its subshells need: ipykernel 6 has none either."""

    def init_kernel(self) -> None:
        self.shell_channel_thread = None
        super().init_kernel()


def main() -> None:
    """Run the kernel."""
    end = sys.argv.index("-f")
    lacks, sys.argv[1:] = sys.argv[1:end], sys.argv[end:]
    if NO_WIDGETS in lacks:
        sys.meta_path.insert(0, NotInstalled())
    (App if NO_SUBSHELLS in lacks else IPKernelApp).launch_instance()


if __name__ == "__main__":
    main()
