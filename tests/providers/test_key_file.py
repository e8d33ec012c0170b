"""Key files as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.providers.key_file import parse_key_file
from cellmage.providers.keys import clean_key
from tests.repetitions import repeat

NAME, KEY = "OPENAI_API_KEY", "sk-test-aA0_/+=.-~"


@pytest.mark.parametrize(
    "text",
    [
        "{name}={key}", "{name} = {key}  ", "{name}:{key}", "{name}: {key}", '"{name}": "{key}",',
        'export {name}="{key}"', "export {name}='{key}'", "set {name}={key}", "%env {name}={key}",
        "  export\t{name}={key}", '$env:{name} = "{key}"', "{name}=“{key}”", '{name}="{key}";',
        "{name}={key} # the one of the team", '{name}="{key}" # the "team"\'s',
        "{name}=Bearer {key}", "openai_api_key={key}", '{name}="bearer  {key}"',
        "{name}=\u00a0{key}\u00a0", "\u200b{name}={key}\u200b",
        "# mine\n\n{name}={key}\n# old: x", "{name}={key}\r\nother.example=x\r\n",
        "\ufeff{name}={key}",
        "{name}=old\n{name}={key}", "a stray line\n{name}={key}", "{name}={key}\rother.example=x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_variable(text: str, encoding: str) -> None:
    data = text.format(name=NAME, key=KEY).encode(encoding)
    assert parse_key_file(data).keys[NAME] == KEY


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("llm.example.org=k1", "llm.example.org"),
        ("llm.example.org: k1", "llm.example.org"),
        ("llm.example.org:8443 = 'k1'", "llm.example.org:8443"),
        ("llm.example.org:8443: k1", "llm.example.org:8443"),
        ("localhost:8000=k1", "localhost:8000"),
        ("[::1]:8000=k1", "[::1]:8000"),
    ],
)
def test_a_host(line: str, host: str) -> None:
    assert parse_key_file(line.encode()).keys == {host: "k1"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{key}", "write NAME=key"),
        ("my key is {key}", "write NAME=key"),
        ("{{", "write NAME=key"),
        ("{name}", "write NAME=key"),
        ("{name}=", "no key after the name"),
        ('{name}=""', "no key after the name"),
        ("{name}= # todo", "no key after the name"),
        ('{name}="{key}', "the quote is not closed"),
        ("{name}={key} mine", "a blank in the key"),
        ("{name}={key}é", "a character that no key has"),
        ("{name}=…", "a character that no key has"),
    ],
)
def test_a_line_without_a_key(line: str, problem: str) -> None:
    text = "# keys\n" + line.format(name=NAME, key=KEY)
    file = parse_key_file(text.encode())
    assert not file.keys
    assert file.problems[0].startswith("line 2: ")
    assert problem in file.problems[0]
    assert KEY not in file.problems[0]
    assert KEY not in repr(file)


def test_what_is_not_text() -> None:
    for data in (b"\xff\xfe\x00", b"A=\xe9"):
        with pytest.raises(ValueError, match="not UTF-8"):
            parse_key_file(data)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@repeat(200)
def test_any_file_has_keys_or_problems(data: bytes) -> None:
    try:
        file = parse_key_file(data)
    except ValueError:
        return
    assert all(key.isascii() and key.isprintable() and " " not in key for key in file.keys.values())


KEY_CHARS = st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="\"'#")


@given(st.text(KEY_CHARS, min_size=1))
@repeat(200)
def test_a_clean_key_stays_as_it_is(key: str) -> None:
    assert clean_key(key) == key
    assert clean_key(f' "{key}" # mine') == key
