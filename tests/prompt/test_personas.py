from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import UsageError
from cellmage.prompt.personas import find_personas, load_persona, parse_persona

DATA = Path(__file__).parents[1] / "data"
HOSTILE = json.loads((DATA / "hostile_names.json").read_text())

BUILT_IN = ["code_expert", "data_analyst", "editor", "reviewer", "teacher", "terse"]


def test_built_in() -> None:
    assert list(find_personas([])) == BUILT_IN
    for name in BUILT_IN:
        persona = load_persona(name, [])
        assert persona.description
        assert len(persona.options.system or "") > 100
        assert persona.options.temperature is not None


def test_the_first_folder_wins(tmp_path: Path) -> None:
    for folder, text in (("near", "near"), ("far", "far")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "terse.md").write_text(text)
    folders = [tmp_path / "near", tmp_path / "far", tmp_path / "missing"]
    assert load_persona("terse", folders).options.system == "near"
    assert not (tmp_path / "missing").exists()


def test_front_matter() -> None:
    text = (
        "---\ndescription: |\n  two\n  lines\nmodel: m\ntemperature: 1\nmax_tokens: 5\n"
        "top_p: 0.5\nseed: 3\nunknown: x\n---\n\nBody\n---\nmore\n"
    )
    for data in (text, "\ufeff" + text.replace("\n", "\r\n")):
        persona = parse_persona("p", data.encode())
        assert persona.description == "two lines"
        assert persona.options.system == "Body\n---\nmore"
        assert persona.options.extra_body == {"top_p": 0.5, "seed": 3}
        assert (persona.options.model, persona.options.max_tokens) == ("m", 5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"---\nbase_url: http://x\n---\n", "may not set base_url"),
        (b"---\napi_key: x\ntools: []\n---\n", "may not set api_key, tools"),
        (b"---\nheaders: {a: b}\n---\n", "may not set headers"),
        (b"---\n!!python/object/apply:os.system ['true']\n---\n", "not plain YAML"),
        (b"---\n- a\n---\n", "not plain YAML"),
        (b"---\n: : :\n  x\n---\n", "not plain YAML"),
        (b"---\nname: x\n", "no closing ---"),
        (b"---\ntemperature: warm\n---\n", "temperature is 'warm'"),
        (b"---\ntemperature: 3\n---\n", "temperature is 3"),
        (b"---\nmax_tokens: true\n---\n", "max_tokens is True"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_bad_files(data: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_persona("p", data)


@given(st.binary())
def test_any_bytes_give_a_persona_or_one_sentence(data: bytes) -> None:
    with suppress(UsageError):
        parse_persona("p", b"---\n" + data)


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    with pytest.raises(UsageError, match="it has an alias"):
        parse_persona("p", ("---\n" + "\n".join(lines) + "\n---\nhi").encode())


@pytest.mark.parametrize("name", [case["name"] for case in HOSTILE["names"]], ids=repr)
def test_a_name_is_never_a_path(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("outside")
    (tmp_path / "outside.md").write_text("outside")
    folder = tmp_path / "llm_personas"
    folder.mkdir()
    (folder / "symlink-to-outside.md").symlink_to(tmp_path / "outside.md")
    (folder / "dir-instead-of-file.md").mkdir()
    os.mkfifo(folder / "fifo.md")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="there is no persona"):
        load_persona(name, [folder])
    assert sorted(tmp_path.rglob("*")) == before


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big.md").write_bytes(b"x" * (2**20 + 1))
    with pytest.raises(UsageError, match="1 MiB"):
        load_persona("big", [tmp_path])
