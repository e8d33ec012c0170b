"""Messages to the page: frames, parts, reasoning, and the metadata in the file."""

from __future__ import annotations

import re

import pytest

from cellmage.testing import DONE, ScriptedServer, Step, answer, chunk, finish, sse, usage
from tests.kernel.client import Kernel, Message, Run


def steps_of(text: str, size: int, wait: float) -> list[Step]:
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    return [*[step for piece in pieces for step in (chunk(piece), wait)], finish(), DONE]


def frames_of_text(run: Run) -> list[Message]:
    """Return the frames but for the line that waits, which a slow machine may show."""
    return [frame for frame in run.frames if not frame.markdown.startswith("*thinking")]


class TestFrames:
    def test_order_of_messages(self, kernel: Kernel, server: ScriptedServer) -> None:
        words = [chunk(f"word{n} ") for n in range(20)]
        server.play(*[step for word in words for step in (word, 0.02)], finish(), DONE)
        run = kernel.run("%%llm --stream\nGo")
        assert run.ok
        types = [message.type for message in run.frames]
        assert types[0] == "display_data"
        assert set(types[1:]) == {"update_display_data"}
        assert len({message.display_id for message in run.frames}) == 1
        whole = "".join(f"word{n} " for n in range(20))
        texts = [message.markdown for message in run.frames]
        # The first request of a kernel loads the SDK, so the line that waits may be seen.
        *live, last = [text for text in texts if not text.startswith("*thinking")]
        assert all(text.count("▌") == 1 for text in live)
        assert all(whole.startswith(text.replace("▌", "")) for text in live)
        assert [len(text) for text in live] == sorted({len(text) for text in live})
        assert last == whole

    def test_live_frames_are_markdown_alone(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("a\x07b"), 0.1, chunk("c"), finish("stop"), usage(3, 2), DONE)
        run = kernel.run("%%llm -m some/model\nGo")
        *live, final = [set(message.content["data"]) for message in run.frames]
        assert live
        assert all(types == {"text/markdown"} for types in live)
        assert final == {"text/markdown", "text/plain"}
        last = run.frames[-1]
        assert last.content["data"]["text/plain"] == "abc"
        assert last.content["metadata"]["cellmage"] == {
            "id": kernel.value("_llm.id"),
            "part": 0,
            "of": 1,
            "model": "some/model",
            "provider": f"127.0.0.1:{server.port}",
            "finish_reason": "stop",
            "usage": {"input_tokens": 3, "output_tokens": 2},
            "prompt": "Go",
            "text": "a\x07bc",
        }

    def test_never_more_than_20_frames_a_second(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(*[step for _ in range(300) for step in (chunk("ab "), 0.003)], finish(), DONE)
        run = kernel.run("%%llm\nGo")
        took = run.frames[-1].time - run.frames[0].time
        assert len(run.frames) <= took * 20 + 3

    def test_pending_text_is_painted_while_the_model_is_silent(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(chunk("one "), 0.03, chunk("two "), 1.5, chunk("three"), finish(), DONE)
        run = kernel.run("%%llm\nGo")
        (frame,) = [message for message in run.frames if message.markdown == "one two▌ "]
        assert server.last.write_times[2] - frame.time > 1

    def test_fresh_display_ids_in_every_run(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(*answer("hi"))
        ids = [kernel.run("%%llm\nhi", "c1").frames[0].display_id for _ in range(2)]
        assert ids[0] != ids[1]

    def test_thinking_line_until_the_first_word(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(1.3, chunk("Hi"), finish(), DONE)
        run = kernel.run("%%llm\nGo")
        texts = [message.markdown for message in run.frames]
        assert texts[:2] == ["*thinking…*", "*thinking… 1 s*"]
        assert texts[-1] == "Hi"
        assert len(run.outputs) == 1

    def test_no_stream_streams_on_the_wire_and_paints_once(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(chunk("a"), 0.1, chunk("b"), 0.1, chunk("c"), finish(), DONE)
        run = kernel.run("%%llm --no-stream\nGo")
        assert [message.markdown for message in run.frames] == ["abc"]
        assert server.last.body["stream"] is True

    def test_stream_by_default_false(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("a"), 0.2, chunk("b"), finish(), DONE)
        kernel.run("%llm_config --stream-by-default False")
        assert len(frames_of_text(kernel.run("%%llm\nGo"))) == 1
        assert len(frames_of_text(kernel.run("%%llm --stream\nGo"))) > 1

    def test_whole_completion_instead_of_a_stream(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        body = (
            b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "Whole"}, '
            b'"finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}'
        )
        server.play(body[:50], 0.05, body[50:], content_type="application/json")
        assert kernel.run("%%llm\nGo").texts == ["Whole"]


class TestParts:
    LONG = "".join(f"## Part {n}\n\n{'some words ' * 60}\n\n" for n in range(30))

    def test_with_the_collapse_an_owned_cell_ends_as_one_output(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        kernel.run("%llm_config --collapse True")
        server.play(*steps_of(self.LONG, 40, 0.003))
        run = kernel.run("%%llm\nGo")
        ids = [message.display_id for message in run.of_type("display_data")]
        assert len(ids) > 2
        (clear,) = run.of_type("clear_output")
        assert clear.content == {"wait": True}
        assert run.messages.index(clear) + 1 == run.messages.index(run.frames[-1])
        assert run.frames[-1].content["data"] == {
            "text/markdown": self.LONG,
            "text/plain": self.LONG,
        }
        assert kernel.value("_llm.text") == self.LONG

    def test_settled_parts_are_published_once_and_the_end_adds_nothing_but_the_last(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(*steps_of(self.LONG, 40, 0.003))
        run = kernel.run("%%llm\nGo")
        assert not run.of_type("clear_output")
        assert "".join(run.texts) == self.LONG
        settled = [frame for frame in run.frames if "text/plain" in frame.content["data"]]
        assert len(settled) == len(run.outputs) > 2
        metadata = [output["metadata"]["cellmage"] for output in run.outputs]
        assert [part["part"] for part in metadata] == list(range(len(metadata)))
        assert ["of" in part for part in metadata] == [False] * (len(metadata) - 1) + [True]
        assert metadata[-1]["of"] == len(metadata)

    @pytest.mark.parametrize("code", ["%llm Go", "# c\n%%llm\nGo", "%%time\n%%llm\nGo"])
    def test_elsewhere_the_parts_stay(
        self, kernel: Kernel, server: ScriptedServer, code: str
    ) -> None:
        server.play(*answer(self.LONG, 400))
        server.play(*[s for step in answer(self.LONG, 400) for s in (step, 0.01)])
        run = kernel.run(code)
        assert not run.of_type("clear_output")
        assert "".join(run.outputs[n]["data"]["text/markdown"] for n in range(len(run.outputs)))
        parts = [output["data"]["text/markdown"] for output in run.outputs]
        assert 1 < len(parts) <= 15
        assert "".join(parts) == self.LONG

    def test_a_failure_before_the_first_word_is_alone_on_the_page(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(0.6, sse({"error": "boom"}))
        run = kernel.run("%%llm\nGo")
        assert run.of_type("display_data"), "the line that waits"
        after = run.messages[run.messages.index(run.of_type("display_data")[-1]) :]
        types = [m.type for m in after if m.type in ("clear_output", "display_data", "error")]
        assert types[1:] == ["clear_output", "error"]


class TestUnattended:
    @pytest.mark.parametrize("condition", ["no stdin", "capture"])
    def test_one_display_at_the_end(
        self, kernel: Kernel, server: ScriptedServer, condition: str
    ) -> None:
        server.play(chunk("a"), 0.2, chunk("b"), finish(), DONE)
        if condition == "no stdin":
            run = kernel.run("%%llm\nGo", allow_stdin=False)
        else:
            run = kernel.run("%%capture got\n%%llm\nGo")
            assert not run.frames
            run = kernel.run("got.show()")
        assert [message.type for message in run.frames] == ["display_data"]
        assert run.texts == ["ab"]


class TestStats:
    def test_a_line_under_the_answer(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("one "), 0.3, chunk("two"), finish(), usage(3, 9), DONE)
        (text, line) = kernel.run("%%llm -m m --stats\nGo").texts
        assert text == "one two"
        assert re.fullmatch(
            r"\(m · first token after \d\.\d\d s · \d\.\d\d s in total · "
            r"7 characters in 2 chunks · 3 tokens in, 9 out · \d+ tokens/s\)",
            line,
        )
        kernel.run("%llm_config --stats True")
        server.play(*answer("one"))
        assert kernel.run("%%llm -m m\nGo").texts[1].endswith("tokens: not given)")
        assert len(kernel.run("%%llm -m m --no-stats\nGo").texts) == 1


class TestReasoning:
    STEPS = (
        chunk(reasoning_content="I weigh "),
        0.1,
        chunk(reasoning_content="<b>this</b>."),
        0.1,
        chunk("The answer."),
        0.1,
        finish(),
        DONE,
    )
    FOLDED = "<details><summary>Reasoning</summary>\n\n> I weigh <b>this</b>.\n\n</details>\n\n"

    def test_an_owned_cell_ends_with_it_folded_above(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        kernel.run("%llm_config --collapse True")
        server.play(*self.STEPS)
        run = kernel.run("%%llm\nGo")
        texts = [message.markdown for message in run.frames]
        assert texts[0].startswith("<details open><summary>Thinking…</summary>\n\n> I weigh")
        assert self.FOLDED in texts, "it is closed when the answer begins"
        assert texts.index(self.FOLDED) < len(texts) - 2
        assert texts[-2].startswith("The answer.")
        assert texts[-1] == self.FOLDED + "The answer."
        assert run.frames[-1].content["data"]["text/plain"] == "The answer."
        assert kernel.value("(_llm.text, _llm.reasoning)") == (
            "The answer.",
            "I weigh <b>this</b>.",
        )

    def test_elsewhere_it_stays_an_output_of_its_own(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(*self.STEPS)
        run = kernel.run("%llm Go")
        thought, text = run.outputs
        assert thought["data"]["text/markdown"] == self.FOLDED
        assert text["data"]["text/markdown"] == "The answer."
        parts = [output["metadata"]["cellmage"] for output in (thought, text)]
        assert [part["part"] for part in parts] == ["reasoning", 0]
        assert parts[0]["id"] == parts[1]["id"] == kernel.value("_llm.id")

    def test_it_takes_the_place_of_the_line_that_waits(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(0.6, *self.STEPS)
        assert len(kernel.run("%llm Go").outputs) == 2

    def test_a_long_one_does_not_delay_the_answer(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        thought = [chunk(reasoning_content="I think of it. " * 50)] * 200
        server.play(*thought, 0.1, chunk("First"), 2, finish(), DONE)
        run = kernel.run("%%llm\nGo")
        first = next(frame for frame in run.frames if frame.markdown == "First▌")
        assert first.time < server.last.write_times[-2], (
            "it does not wait for the next frame's turn"
        )

    def test_unattended(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(*self.STEPS)
        (frame,) = kernel.run("%%llm\nGo", allow_stdin=False).frames
        assert frame.markdown == self.FOLDED + "The answer."


class TestPythonApi:
    SHOW = "stream = cellmage.Conversation().stream('Go')\ncellmage.show(stream)"

    def test_the_parts_stay(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(*steps_of(TestParts.LONG, 40, 0.003))
        kernel.run("import cellmage")
        run = kernel.run(f"print('mine')\n{self.SHOW}")
        assert not run.of_type("clear_output")
        assert run.printed == "mine\n"
        parts = [output["metadata"]["cellmage"] for output in run.outputs]
        assert [part["part"] for part in parts] == list(range(len(parts)))
        assert len(parts) > 2
        assert {part["id"] for part in parts} == {kernel.value("stream.id")}
        assert parts[-1]["finish_reason"] == "stop"
        assert "".join(run.texts) == TestParts.LONG == kernel.value("stream.response.text")

    def test_an_error_carries_what_had_come(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("half"), 0.1, end="reset")
        run = kernel.run(f"import cellmage\n{self.SHOW}")
        assert run.texts == ["half"]
        assert run.reply["ename"] == "IncompleteResponseError"
