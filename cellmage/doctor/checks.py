"""What is looked at on this machine; each check yields lines of a name and what holds."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from platformdirs import user_config_path

from ..conversation.store import default_path
from ..conversation.store.state import read_state
from ..magics.aliases import FOLDER_FILES
from ..prompt.snippets import RULES_NAME
from ..providers.endpoints import ENDPOINTS
from ..providers.environment import ENVIRON
from ..providers.keystore import find_in_environment, key_file_path, keyring_name, read_key_file
from ..providers.registry import default_endpoint
from ..urls import host_of

Line = tuple[str, str]
"""A name, and what holds of it."""

_PACKAGES = (
    "cellmage", "ipython", "ipykernel", "jupyterlab", "notebook", "ipywidgets", "anywidget",
    "openai", "pydantic", "markdown-it-py", "rich",
)  # fmt: skip

_FRONT_ENDS: Mapping[str, str] = {
    "JPY_SESSION_NAME": "a kernel of Jupyter's server",
    "VSCODE_PID": "VS Code",
    "COLAB_RELEASE_TAG": "Google Colab",
    "KAGGLE_KERNEL_RUN_TYPE": "Kaggle",
    "DATABRICKS_RUNTIME_VERSION": "Databricks",
    "JUPYTERHUB_USER": "JupyterHub",
    "SPYDER_ARGS": "Spyder",
    "SSH_CONNECTION": "a terminal over SSH",
}
"""Variables that front ends set. Their values may name the user, and are not shown."""

_ADDRESSES = ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
"""Variables that decide where requests go. Their values may contain a password."""

_USER_FILES = ("keys", "config.json", "personas", "snippets")
"""What is read from the user's folder of settings."""

_FOLDER_FILES = (
    *FOLDER_FILES, "llm_personas", "llm_snippets", RULES_NAME, ".mcp.json", "ipython_config.py",
)  # fmt: skip
"""What is read from the notebook's folder, some of it on request only."""


def check_versions() -> Iterator[Line]:
    """Yield the versions of Python, of the system and of the packages that matter."""
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "system", platform.platform()
    yield "encoding", f"{sys.stdout.encoding}, files {sys.getfilesystemencoding()}"
    yield "SQLite", sqlite3.sqlite_version
    for name in _PACKAGES:
        yield name, _version(name)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def check_front_end() -> Iterator[Line]:
    """Yield who has started this program, as far as the environment tells."""
    front_ends = [name for variable, name in _FRONT_ENDS.items() if variable in os.environ]
    yield (
        "started by",
        ", ".join(front_ends) or "a terminal (in a notebook: !python -m cellmage doctor)",
    )


def check_keys() -> Iterator[Line]:
    """Yield the names of the keys that are set, and where; nothing of any key."""
    names = sorted({endpoint.api_key_variable or "" for endpoint in ENDPOINTS.values()} - {""})
    yield "environment", _join_names(name for name in names if find_in_environment(ENVIRON, name))
    yield "key file", _join_names(read_key_file(key_file_path()))
    yield "keyring", f"{keyring_name()}: not asked, as it may ask for a password"


def check_addresses() -> Iterator[Line]:
    """Yield which server is asked by default, and the variables that change where requests go."""
    yield "default server", host_of(default_endpoint().base_url)
    names = [name for name in _ADDRESSES if name in os.environ or name.lower() in os.environ]
    yield (
        "set",
        _join_names([*names, *(name for name in os.environ if name.startswith("CELLMAGE_"))]),
    )


def check_store() -> Iterator[Line]:
    """Yield the state of the stored conversations."""
    path = default_path()
    yield "file", str(path)
    try:
        state = read_state(path)
    except (sqlite3.Error, OSError) as error:
        yield "state", f"it cannot be read ({error}); it is set aside at the next question"
        return
    if state is None:
        yield "state", "not there yet: the first answer makes it"
        return
    yield "size", f"{state.size / 1e6:.1f} MB"
    yield "integrity", state.integrity
    yield "schema", f"version {state.version}; this release writes {state.newest_version}"
    yield "contents", f"{state.conversations} conversations, {state.turns} turns"


def check_files() -> Iterator[Line]:
    """Yield the files and folders of settings that are there."""
    folder = user_config_path("cellmage")
    yield str(folder), _present(folder, _USER_FILES)
    yield "this folder", _present(Path(), _FOLDER_FILES)
    yield (
        "IPython's profile",
        _present(_profile(), ("ipython_config.py", "ipython_kernel_config.py")),
    )


def _profile() -> Path:
    return Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython") / "profile_default"


def _present(folder: Path, names: tuple[str, ...]) -> str:
    return _join_names(name for name in names if (folder / name).exists())


def _join_names(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
