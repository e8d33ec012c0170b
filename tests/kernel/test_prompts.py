"""The text of a cell is sent as it was typed, from a real kernel."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.display import heal, sanitize
from cellmage.testing import DONE, ScriptedServer, chunk, finish, sse
from tests.kernel.client import Kernel
from tests.repetitions import repeat
from tests.test_sse import cut

CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"


def prompts(server: ScriptedServer) -> list[str]:
    return [exchange.messages[-1][1] for exchange in server.exchanges]


class TestPrompt:
    @pytest.mark.parametrize(
        "body",
        [
            ">>> 1 + 1\n2\n>>> x",
            "In [1]: a\nOut[1]: b",
            "    indented\n  less",
            "ends with a question?",
            "%timeit x\n!ls\nobj?",
            'it\'s "quoted" \\ and {single} }} braces',
            "\n\nblank lines around\n\n",
            "'''\"\"\"\n# comment\n\ttab",
            "line\u2028separator\x0b and\x0cfeed",
        ],
    )
    def test_body_is_sent_verbatim(self, kernel: Kernel, server: ScriptedServer, body: str) -> None:
        assert kernel.run(f"%%llm\n{body}").ok
        assert prompts(server) == [body.removesuffix("\n")]

    @pytest.mark.parametrize(
        ("line", "prompt"),
        [
            ("%llm What is it?", "What is it?"),
            ("%llm what?? or what", "what?? or what"),
            ("%llm it's (unfinished", "it's (unfinished"),
            ('%llm say "hi" # loudly', 'say "hi" # loudly'),
            ("%llm -t 0.5 --no-history hello -t there", "hello -t there"),
            ("%llm -- -t is a flag", "-t is a flag"),
            ("%llm --temperature=0.5 $HOME {x}", "$HOME {x}"),
            ("if True:\n    %llm deep?", "deep?"),
        ],
    )
    def test_line(self, kernel: Kernel, server: ScriptedServer, line: str, prompt: str) -> None:
        run = kernel.run(line)
        assert run.ok, run.error
        assert prompts(server) == [prompt]

    def test_values_of_expressions(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("x = {'a': ['{{ x }}', 2]}")
        run = kernel.run("%%llm\n{{ x['a'][0] }}, {{ {'k': {1: 'v'}}['k'][1] }}, {x}")
        assert run.ok, run.error
        kernel.run("def f(y):\n    %llm {{ y + 1 }} {{ sum(y for _ in range(2)) }}\nf(20)")
        kernel.run("%%llm --no-interpolate\n{{ x }}")
        assert prompts(server) == ["{{ x }}, v, {x}", "21 40", "{{ x }}"]

    @pytest.mark.parametrize("body", ["{{ user.name }}", "{{ 1 +", "{{ }}", "style={{ color: 1 }}"])
    def test_bad_expressions(self, kernel: Kernel, server: ScriptedServer, body: str) -> None:
        run = kernel.run(f"%%llm\n{body}")
        assert run.reply["ename"] == "UsageError"
        assert "`backticks` or a code fence" in run.error
        assert "{{ '{{' }}" in run.error
        assert "--no-interpolate" in run.error
        assert not server.exchanges

    def test_inserted_names_are_shown(self, kernel: Kernel, server: ScriptedServer) -> None:
        kernel.run("n = 5; df = 'a'")
        run = kernel.run("%%llm\n{{ n }} {{ df }} `{{ n }}` ${{ secrets.X }}")
        line = (
            "Inserted: n, df. "
            "Sent as text, as in code and formulas: {{ n }}; --interpolate inserts it."
        )
        assert run.texts[-1] == f"({line})"
        assert prompts(server) == ["5 a `{{ n }}` ${{ secrets.X }}"]
        assert (
            f"notice: {line}" in kernel.run("%%llm --dry-run\n{{ n }} {{ df }} `{{ n }}`").printed
        )
        assert len(kernel.run("%%llm\n`f'{{unknown}}'`").texts) == 1
        kernel.run("%%llm --interpolate\n```\n{{ n }}\n```")
        assert prompts(server)[-1] == "```\n5\n```"

    @repeat(40)
    @given(
        texts=st.lists(st.text(min_size=1), min_size=1, max_size=8),
        places=st.lists(st.integers(0, 10_000), max_size=8),
        wait=st.sampled_from([0.0, 0.02, 0.06]),
    )
    def test_any_answer_cut_at_any_byte(
        self,
        kernel: Kernel,
        server: ScriptedServer,
        texts: list[str],
        places: list[int],
        wait: float,
    ) -> None:
        """The text is in the response, in the history and in the last frame; no frame is wrong."""
        pieces = cut(b"".join([*map(chunk, texts), finish(), DONE]), places)
        server.play(*[step for piece in pieces for step in (piece, wait)])
        kernel.run("%llm_history --clear")
        run = kernel.run("%%llm --out text\nGo")
        whole = "".join(texts)
        *live, last = [frame for frame in run.frames if "thinking" not in frame.markdown]
        assert last.markdown == sanitize(whole)
        assert last.content["data"]["text/plain"] == re.sub(CONTROL, "", whole)
        frames = [sanitize(heal(whole[:end], "▌")) for end in range(len(whole) + 1)]
        ends = [frames.index(frame.markdown) for frame in live]
        assert ends == sorted(ends), "each frame shows the text so far"
        assert kernel.value("(text, _llm.text)") == (whole, whole)
        kernel.run("%%llm --append\nNext")
        assert server.last.messages[1] == ("assistant", whole)


@pytest.mark.parametrize(
    "iterable",
    [
        "chat.astream('hi')",
        "chat.astream_events('hi')",
        "chat.astream('hi').buffered(chars=9)",
        "chat.astream('hi').partial_json()",
        "chat.compare('hi', ['a', 'b'])",
    ],
)
@pytest.mark.parametrize("has_text", [True, False])
def test_await_in_a_cell_can_be_interrupted(
    kernel: Kernel, server: ScriptedServer, iterable: str, has_text: bool
) -> None:
    server.play(chunk("[1234]") if has_text else sse({"choices": []}), end="hang")
    kernel.run("import cellmage, asyncio; chat = cellmage.Conversation()")
    msg_id = kernel.start(f"stream = {iterable}\nasync for text in stream: pass")
    while not server.exchanges:
        time.sleep(0.02)
    time.sleep(0.1)
    kernel.interrupt()
    run = kernel.finish(msg_id)
    assert run.reply["ename"] == "CancelledError"
    size = 12 if "compare" in iterable else 6
    result = (
        f"{size} characters are kept as a partial answer" if has_text else "no text had arrived"
    )
    assert run.error == f"CancelledError: stopped by you; {result}"
    assert server.last.finished.wait(20)
