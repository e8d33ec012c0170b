"""The files around the code: what they name is there, and they agree with each other."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata, version
from pathlib import Path

import pytest
import yaml

import cellmage

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
PAGES = ["CONTRIBUTING.md", "README.md", ".github/pull_request_template.md", "changes/README.md"]


def test_one_version() -> None:
    assert cellmage.__version__ == version("cellmage")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == cellmage.__version__
    assert citation["repository-code"] == PROJECT["project"]["urls"]["Homepage"]


def test_license() -> None:
    assert metadata("cellmage")["License-Expression"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_news_have_a_known_type_and_a_sentence() -> None:
    types = {each["directory"] for each in PROJECT["tool"]["towncrier"]["type"]}
    files = [path for path in (ROOT / "changes").iterdir() if path.name != "README.md"]
    assert files
    for path in files:
        match = re.fullmatch(r"(?:\+[\w-]+|\d+)\.(\w+)\.md", path.name)
        assert match, path
        assert match[1] in types, path
        assert path.read_text().endswith(".\n"), path
    assert types == set(
        re.findall(r"^\| `(\w+)` \|", (ROOT / "changes/README.md").read_text(), re.M)
    )


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_make_are_there(page: str) -> None:
    names = set(re.findall(r"\bmake ([a-z]+)\b(?=[`)\s])", (ROOT / page).read_text()))
    assert all(re.search(rf"^{name}\b[^=]*:", MAKEFILE, re.M) for name in names), names


def test_every_command_of_make_has_a_line_of_help() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)
    assert phony
    helped = set(re.findall(r'^\t@echo "make (\w+) ', MAKEFILE, re.M))
    assert set(phony[1].split()) - helped == {"help", "clean"}


def test_places_of_the_table_are_there() -> None:
    names = re.findall(r"`((?:cellmage|tests|benchmarks|docs|changes)/[\w/.]*)`",
                       (ROOT / "CONTRIBUTING.md").read_text())  # fmt: skip
    assert len(names) > 10
    assert all((ROOT / name).exists() for name in names), names


def test_the_workflow_runs_what_any_machine_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    classifiers = PROJECT["project"]["classifiers"]
    for number in job["strategy"]["matrix"]["python"]:
        assert f"Programming Language :: Python :: {number}" in classifiers


@pytest.mark.parametrize(
    "path", [*ROOT.glob(".github/ISSUE_TEMPLATE/*.yml"), ROOT / ".pre-commit-config.yaml"],
    ids=lambda path: path.name,
)  # fmt: skip
def test_forms_are_yaml(path: Path) -> None:
    assert yaml.safe_load(path.read_text())


def test_a_report_asks_for_the_doctor() -> None:
    assert "python -m cellmage doctor" in (ROOT / ".github/ISSUE_TEMPLATE/problem.yml").read_text()
