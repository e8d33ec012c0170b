"""Snippets, templates, the rules of a folder, and aliases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel

CLEAN_UP = (
    "import shutil, pathlib\n"
    "for each in ('llm_snippets', 'AGENTS.md', '.cellmage_models.yml', 'config/cellmage'):\n"
    "    path = pathlib.Path(each)\n"
    "    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)"
)


@pytest.fixture
def home(kernel: Kernel) -> Iterator[Path]:
    """Return the folder of the notebook."""
    yield Path(kernel.value("__import__('os').getcwd()"))
    kernel.run(CLEAN_UP)


@pytest.fixture
def snippets(home: Path) -> Path:
    folder = home / "llm_snippets"
    folder.mkdir(exist_ok=True)
    (folder / "style.md").write_text("Write short sentences.\n")
    (folder / "style.txt").write_text("The other file.")
    (folder / "letter.j2").write_text("Dear {{ name }}, {{ 1 + 1 }} {{tone}}")
    return folder


@pytest.mark.usefixtures("snippets")
class TestSnippets:
    def test_a_snippet_is_before_the_prompt(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("%%llm --snippet style --snippet style.txt\nhi")
        assert server.last.messages == [("user", "Write short sentences.\n\nThe other file.\n\nhi")]

    def test_a_snippet_of_the_system_prompt(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("%%llm -s Sys. --sys-snippet style\nhi")
        assert server.last.messages[0] == ("system", "Sys.\n\nWrite short sentences.")
        kernel.run("%%llm --sys-snippet style\nhi")
        assert server.last.messages[0] == ("system", "Write short sentences.")

    def test_holes_have_values_of_the_line_and_of_the_notebook(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        kernel.run("tone = '{{ name }}'; name = 'no'")
        run = kernel.run("%%llm --snippet letter --set name='Ada L'\n{{ tone }}")
        sent = "Dear Ada L, {{ 1 + 1 }} {{ name }}\n\n{{ name }}"
        assert server.last.messages == [("user", sent)]
        assert not run.error
        kernel.run("%%llm --no-history --no-interpolate --snippet letter\nhi")
        assert "Dear {{ name }}, {{ 1 + 1 }} {{tone}}" in server.last.messages[0][1]
        kernel.run("del tone, name")

    def test_what_is_missing_is_named(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("globals().pop('name', None)")
        assert (
            "{{ name }} has no value; give --set name=VALUE"
            in kernel.run("%%llm --snippet letter\nhi").error
        )
        assert "there are letter, style, style.txt" in kernel.run("%%llm --snippet no\nhi").error
        unused = kernel.run("%%llm --snippet letter --set nmae=A --set name=B --set tone=C\nhi")
        assert "--set nmae: no hole has this name; the holes are name" in unused.error
        assert "no snippet with holes" in kernel.run("%%llm --set name=A\nhi").error
        assert "write NAME=VALUE" in kernel.run("%%llm --snippet letter --set name\nhi").error
        assert "does not go with --snippet" in kernel.run("%llm --continue --snippet style").error
        assert not server.exchanges

    def test_a_path_is_read_as_it_is_and_a_name_never_is_one(
        self, kernel: Kernel, server: ScriptedServer, home: Path
    ) -> None:
        (home / "outside.md").write_text("Outside.")
        kernel.run("%%llm --snippet ./outside.md\nhi")
        assert server.last.messages == [("user", "Outside.\n\nhi")]
        (home / "llm_snippets" / "link.md").symlink_to(home / "outside.md")
        assert "there is no snippet 'link'" in kernel.run("%%llm --snippet link\nhi").error
        assert "there is no snippet" in kernel.run("%%llm --snippet x/../../outside\nhi").error
        assert "a persona has a name" in kernel.run("%%llm -p ./outside.md\nhi").error

    def test_a_snippet_alone_is_a_prompt(self, kernel: Kernel, server: ScriptedServer) -> None:
        assert kernel.run("%llm --snippet style").ok
        assert server.last.messages[0][1].startswith("Write short sentences.")

    def test_the_list(self, kernel: Kernel) -> None:
        printed = kernel.run("%llm_config --list-snippets").printed
        assert "letter" in printed
        assert "name, tone" in printed


def test_rules_are_used_only_when_they_are_on(
    kernel: Kernel, server: ScriptedServer, home: Path
) -> None:
    (home / "AGENTS.md").write_text("Say please.\n")
    kernel.run("%llm hi")
    assert server.last.messages == [("user", "hi")]
    assert "Now set: rules True." in kernel.run("%llm_config --rules on").printed
    kernel.run("%llm -s Sys. hi")
    assert server.last.messages[0] == ("system", "Sys.\n\nSay please.")
    kernel.run("%llm_config --rules off")
    kernel.run("%llm hi")
    assert server.last.messages[0] == ("user", "hi")


class TestAliases:
    @pytest.mark.usefixtures("home")
    def test_an_alias_is_kept_and_used(self, kernel: Kernel, server: ScriptedServer) -> None:
        run = kernel.run("%llm_config --alias fast some/model --alias slow other/model -m fast")
        assert "config.json" in run.printed
        kernel.run("%llm hi")
        assert server.last.body["model"] == "some/model"
        kernel.run("%unload_ext cellmage\n%load_ext cellmage")
        kernel.run("%llm --model slow hi")
        assert server.last.body["model"] == "other/model"
        kernel.run("%llm --compare fast,slow --select slow hi")
        assert kernel.value("_llm.model") == "other/model"
        kernel.run("%llm_config -m none --fallback fast")
        assert "some/model will be asked" in kernel.run("%llm_config --fallback fast").printed
        kernel.run("%llm_config --remove-alias fast")
        listed = kernel.run("%llm_config --list-aliases").printed
        assert "other/model" in listed
        assert "some/model" not in listed

    def test_the_file_of_the_original_is_read(
        self, kernel: Kernel, server: ScriptedServer, home: Path
    ) -> None:
        file = home / ".cellmage_models.yml"
        file.write_text("g6: some/model\nboth: theirs\n")
        kernel.run("%llm_config --alias both mine")
        for alias, model in {"g6": "some/model", "both": "mine"}.items():
            kernel.run(f"%llm -m {alias} hi")
            assert server.last.body["model"] == model
        assert "it is a line of" in kernel.run("%llm_config --remove-alias g6").error
        for text, problem in {
            "a: &x b\nc: *x": "alias",
            "openai/gpt: b": "an alias has no slash",
            "a: gguf/secret": "an alias cannot open a file",
            "- a": "it has no lines",
            "a: [b]": "texts",
        }.items():
            file.write_text(text)
            assert problem in kernel.run("%llm hi -m a").error + kernel.run("%llm -m a hi").error

    @pytest.mark.usefixtures("home")
    def test_a_name_that_cannot_be_used_changes_nothing(self, kernel: Kernel) -> None:
        for pair in ("a/b c", "'a b' c", "a gguf/c", "a b,c", "'' c"):
            assert "--alias" in kernel.run(f"%llm_config --alias good x --alias {pair}").error
        assert "--alias" in kernel.run("%llm_config -t 1 --alias a/b c").error
        assert "No aliases yet" in kernel.run("%llm_config --list-aliases").printed
        printed = kernel.run("%llm_config").printed
        assert "temperature 1" not in " ".join(printed.split())

    def test_aliases_of_aliases(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("%llm_config --alias one two --alias two some/model")
        kernel.run("%llm -m one hi")
        assert server.last.body["model"] == "some/model"
        for pair in ("same same", "two one"):
            assert "it leads to itself" in kernel.run(f"%llm_config --alias {pair}").error
        kernel.run("%llm_config --remove-alias one --remove-alias two")
