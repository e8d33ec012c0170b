"""Test the wheel in dist/ as its users will have it: installed alone, with each Python here.

Of each package both the oldest release that is allowed and the newest are tried. The tests run in a
folder without the source tree.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = [str(Path(sys.executable).with_name("uv"))]
RESOLUTIONS = ("lowest-direct", "highest")
TOOLS = [
    "hypothesis>=6.140", "matplotlib>=3.10", "nbclient>=0.10.2", "nbval>=0.11", "pandas>=2.3",
    "pyte>=0.8.2", "pexpect>=4.9", "pillow>=11", "pytest>=8.4", "trustme>=1.2",
]  # fmt: skip
"""What the tests need besides."""

SMOKE = ["tests/kernel/test_demo.py", "tests/kernel/test_frames.py", "tests/doctor"]

ABOUT = """
import json, sys, sysconfig, time
start = time.perf_counter()
import cellmage
imported = time.perf_counter() - start
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
start = time.perf_counter()
shell.run_line_magic("load_ext", "cellmage")
loaded = time.perf_counter() - start
print(json.dumps({"file": cellmage.__file__, "import": imported, "load_ext": loaded}))
"""


class CommandError(Exception):
    """A command has failed; the message has its output."""


def run(*command: object, **fields: object) -> str:
    words = [str(word) for word in command]
    result = subprocess.run(words, capture_output=True, text=True, check=False, **fields)  # type: ignore[call-overload]
    if result.returncode:
        raise CommandError(f"{' '.join(words)}\n{result.stdout[-6000:]}\n{result.stderr[-3000:]}")
    return str(result.stdout)


def find_python(minor: int) -> str | None:
    """The interpreter of a minor version on this machine, among those of pyenv too."""
    name = f"3.{minor}"
    roots = [Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")]
    for path in (path for root in roots for path in root.glob(f"versions/{name}.*/bin/python3")):
        return str(path)
    found = subprocess.run(
        [*UV, "python", "find", "--no-python-downloads", name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return found.stdout.strip() or None


def requirements(wheel: Path, extra: str) -> list[str]:
    """The wheel with its direct requirements by name, so that the oldest of them can be chosen."""
    listed = run(
        sys.executable, "-c",
        "import sys, email, zipfile; z = zipfile.ZipFile(sys.argv[1]);"
        "m = next(n for n in z.namelist() if n.endswith('METADATA'));"
        "print(*email.message_from_bytes(z.read(m)).get_all('Requires-Dist'), sep='\\n')",
        wheel,
    ).splitlines()  # fmt: skip
    marker = f'extra == "{extra}"'
    named = [line.replace("'", '"').partition(";") for line in listed]
    chosen = [name.strip() for name, _, rest in named if not rest or marker in rest]
    return [f"cellmage @ {wheel.as_uri()}", *chosen]


def check(python: str, resolution: str, wheel: Path, folder: Path) -> Iterator[str]:
    """Install and test; yields what is to be told of it."""
    environment = folder / "env"
    interpreter = environment / "bin/python"
    run(*UV, "venv", "--quiet", "--clear", "--python", python, environment)
    install = [*UV, "pip", "install", "--quiet", "--python", interpreter]
    run(*install, "--resolution", resolution, wheel)
    alone = json.loads(run(*UV, "pip", "list", "--format", "json", "--python", interpreter))
    chosen = requirements(wheel, "kernel")
    run(*install, "--resolution", resolution, *chosen, *TOOLS)
    for name in ("tests", "notebooks", "pyproject.toml"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, folder / name)
    environ = {"PATH": f"{interpreter.parent}:{os.environ['PATH']}", "HOME": str(folder / "home")}
    (folder / "home").mkdir()
    fields = {"cwd": folder, "env": environ}
    run(interpreter, "-c", ABOUT, **fields)  # compiles
    about = json.loads(run(interpreter, "-c", ABOUT, **fields).splitlines()[-1])
    assert Path(about["file"]).is_relative_to(environment), about
    pytest = [interpreter, "-m", "pytest", "-q", "-W", "default"]
    yield (
        f"{len(alone)} packages, import {about['import']:.2f} s, "
        f"%load_ext {about['load_ext']:.2f} s"
    )
    smoke = run(*pytest, "-p", "no:nbval", *SMOKE, **fields)
    yield f"kernel tests: {smoke.splitlines()[-1].strip('= ')}"
    quickstart = run(*pytest, "--nbval", "notebooks/01_quickstart.ipynb", **fields)
    yield f"quickstart: {quickstart.splitlines()[-1].strip('= ')}"


def results(wheel: Path) -> Iterator[tuple[str, bool]]:
    """What is to be told of each environment, and whether all is well there."""
    for minor in range(11, 15):
        python = find_python(minor)
        if python is None:
            yield f"Python 3.{minor}: not on this machine", True
            continue
        for resolution in RESOLUTIONS:
            told, is_well = [], True
            start = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                try:
                    for text in check(python, resolution, wheel, Path(folder)):
                        told.append(text)
                except CommandError as error:
                    told.append(f"FAILED\n{error}")
                    is_well = False
            told.append(f"{time.monotonic() - start:.0f} s")
            yield f"Python 3.{minor}, {resolution}: {'; '.join(told)}", is_well


def main() -> int:
    (wheel,) = (ROOT / "dist").glob("*.whl")
    (sdist,) = (ROOT / "dist").glob("*.tar.gz")
    kilobytes = [path.stat().st_size / 1000 for path in (wheel, sdist)]
    print("{}: {:.0f} kB; sdist {:.0f} kB".format(wheel.name, *kilobytes), flush=True)
    failed = 0
    for told, is_well in results(wheel):
        print(told, flush=True)
        failed += not is_well
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
