"""The pages of the reference have every magic, flag, setting and public name."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import cellmage
import cellmage.testing
from cellmage.magics.locks import RULES
from cellmage.magics.parsing import declared
from cellmage.magics.settings import Settings

FILE = Path(__file__).parents[1] / "docs/reference_pages.py"


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_pages", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_magic_and_flag(pages: ModuleType) -> None:
    sections = "\n".join(pages.magics_page()).split("\n## %")[1:]
    texts = {section.split("\n", 1)[0]: section for section in sections}
    assert set(texts) == set(declared)
    for name, parser in declared.items():
        for flag in parser._option_string_actions:
            assert f"`{flag}`" in texts[name], (name, flag)


def test_every_setting_and_lock(pages: ModuleType) -> None:
    text = "\n".join(pages.settings_page())
    for name in [*Settings.class_trait_names(config=True), *RULES]:
        assert f"| `{name}` |" in text, name


def test_every_public_name(pages: ModuleType) -> None:
    text = "\n".join(pages.api_page())
    for module in (cellmage, cellmage.testing):
        for name in module.__all__:
            assert text.count(f":: {module.__name__}.{name}\n") == 1, name


def test_rows_of_tables_have_all_columns(pages: ModuleType) -> None:
    for make in pages.PAGES.values():
        width = 0
        for line in make():
            row = line.replace("\\|", "")
            width = row.count("|") if row.startswith("|") and not width else width
            width = width if row.startswith("|") else 0
            assert row.count("|") == width or not width, line


def test_commands(pages: ModuleType) -> None:
    text = "\n".join(pages.commands_page())
    for words in ("", " map", " serve", " doctor", " demo"):
        assert f"\n## python -m cellmage{words}\n" in text
    assert "`--hosts`" in text
