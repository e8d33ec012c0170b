"""The file of servers: what it means, and what a wrong one says."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import ConfigError, UsageError
from cellmage.mcp.config import ServerConfig, find_server, read_servers
from tests.mcp.conftest import Write


def test_both_kinds_of_servers(write: Write) -> None:
    file = write(
        local={"command": "run", "args": ["-x", "${A}"], "env": {"K": "${B:-b}"}, "cwd": "sub"},
        far={
            "url": "https://${HOST:-example.org}/mcp",
            "headers": {"Authorization": "Bearer ${A}"},
        },
        events={"type": "sse", "url": "http://localhost/sse"},
        streaming={"type": "streamable-http", "url": "http://localhost/mcp"},
    )
    servers = read_servers(file)
    assert [server.transport for server in servers.values()] == ["stdio", "http", "sse", "http"]
    local, far = (servers[name].expand({"A": "a", "B": ""}) for name in ("local", "far"))
    assert (local.command, local.env) == (("run", "-x", "a"), (("K", "b"),))
    assert local.folder == file.parent / "sub"
    assert (far.url, far.headers) == (
        "https://example.org/mcp",
        (("Authorization", "Bearer a"),),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "Expecting property name"),
        ("[]", 'it has no "mcpServers"; write {"mcpServers": {"NAME": {"command"'),
        ('{"servers": {}}', 'it has no "mcpServers"'),
        ('{"mcpServers": {"a": 1}}', "the server 'a': it is no object; write"),
        ('{"mcpServers": {"a": {}}}', "the server 'a': \"url\" must be a text"),
        ('{"mcpServers": {"a": {"command": ["x"]}}}', "\"command\" must be a text"),
        ('{"mcpServers": {"a": {"command": "x", "args": "y"}}}', '"args" must be a list of texts'),
        ('{"mcpServers": {"a": {"command": "x", "env": {"N": 1}}}}', '"env" must be a text'),
        ('{"mcpServers": {"a": {"command": "x", "env": []}}}', '"env" must be an object of texts'),
        ('{"mcpServers": {"a": {"type": "pipe"}}}', '"type" must be one of stdio, http,'),
        ('{"mcpServers": {"": {"command": "x"}}}', "its name is empty, too long"),
        ('{"mcpServers": {"a": {"command": "x"}, "a": {}}}', "an object has the name 'a' twice"),
    ],
)  # fmt: skip
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / ".mcp.json"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_servers(file)
    assert str(caught.value).startswith(".mcp.json: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        read_servers(tmp_path / "none.json")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
entries = st.dictionaries(
    st.sampled_from(["command", "args", "env", "cwd", "type", "url", "headers", "x"]),
    json_values | st.sampled_from(["stdio", "http", "sse", "${A}", "http://h/"]),
)


@given(servers=st.dictionaries(st.text(), entries | json_values) | json_values)
def test_any_json_is_read_or_refused(servers: Any, tmp_path_factory: Any) -> None:
    file = tmp_path_factory.mktemp("any") / "servers.json"
    file.write_text(json.dumps({"mcpServers": servers}))
    try:
        configs = read_servers(file)
    except UsageError:
        return
    assert set(configs) == set(servers)
    for config in configs.values():
        with suppress(ConfigError):
            assert config.expand({}).name == config.name


def test_a_variable_that_is_not_set(write: Write) -> None:
    (config,) = read_servers(write(a={"command": "${NOWHERE}"})).values()
    with pytest.raises(ConfigError, match=r"NOWHERE is not set; .* \$\{NOWHERE:-default\} in"):
        config.expand({})


def test_an_address_that_is_none(write: Write) -> None:
    (config,) = read_servers(write(a={"url": "${URL}"})).values()
    with pytest.raises(ConfigError, match='"url" must begin with http://'):
        config.expand({"URL": "file:///etc/passwd"})


def test_no_repr_shows_a_secret(write: Write) -> None:
    configs = read_servers(write(a={"command": "x", "env": {"K": "se-cret"}}))
    assert "se-cret" not in repr(configs)


def test_names_with_slashes() -> None:
    servers = {name: ServerConfig(name, Path("/f"), "stdio") for name in ("a", "io.github/a")}
    assert find_server("a", servers) == (servers["a"], "")
    assert find_server("a/read/all", servers) == (servers["a"], "read/all")
    assert find_server("io.github/a/read", servers) == (servers["io.github/a"], "read")
    with pytest.raises(UsageError, match=r"no MCP server b; there are: a, io\.github/a"):
        find_server("b", servers)
