"""The magics of the original cellmage in a real kernel."""

from __future__ import annotations

import pytest

from cellmage.magics.original import MAGIC_REPLACEMENTS
from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel


@pytest.mark.parametrize("name", MAGIC_REPLACEMENTS)
def test_a_magic_says_what_replaces_it(offline: Kernel, name: str) -> None:
    for code in (f"%{name} --status", f"%%{name} -m x\nhi"):
        error = offline.run(code).error
        assert f"{name} is a magic of the original cellmage; {MAGIC_REPLACEMENTS[name]}" in error
        assert "\n" not in error.strip()


def test_persistent_is_a_configuration_and_ambient_mode(
    kernel: Kernel, server: ScriptedServer
) -> None:
    assert kernel.run("%llm_config_persistent --model their/model --set-override top_p 0.5").ok
    kernel.run("Why?")
    assert server.last.body["model"] == "their/model"
    assert server.last.body["top_p"] == 0.5
    assert kernel.run("%disable_llm_config_persistent").ok
    kernel.run("v = 1")
    assert kernel.value("v") == 1


def test_flags_with_another_name_do_the_same(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run("%llm_config --add-mapping theirs their/model --set-override top_p 0.5")
    kernel.run("%llm -m theirs hi")
    assert (server.last.body["model"], server.last.body["top_p"]) == ("their/model", 0.5)
    assert "their/model" in kernel.run("%llm_config --list-mappings").printed
    kernel.run("%llm_config --remove-mapping theirs --remove-override top_p")
    assert "No aliases yet" in kernel.run("%llm_config --list-mappings").printed
    kernel.run("%llm hi")
    assert "top_p" not in server.last.body


def test_a_magic_of_another_extension_stays(offline: Kernel) -> None:
    offline.run("%unload_ext cellmage")
    offline.run("get_ipython().register_magic_function(lambda line: 'theirs', 'line', 'img')")
    offline.run("%load_ext cellmage\n%unload_ext cellmage")
    assert offline.value("get_ipython().run_line_magic('img', '')") == "theirs"
    assert "not found" in offline.run("%github").printed + offline.run("%github").error
    offline.run("del get_ipython().magics_manager.magics['line']['img']\n%load_ext cellmage")
