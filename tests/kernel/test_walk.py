"""The whole walk: a cell in a real kernel, an answer from a real socket, frames on iopub."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.kernel.client import Kernel, Run
from tests.server import DONE, Reply, ScriptedServer, answer, chunk, finish, sse, usage


def echo(server: ScriptedServer) -> None:
    """Answer each question with itself, in capitals."""
    server.play_for(lambda exchange: Reply(answer(exchange.messages[-1][1].upper(), 3)))


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
        *live, last = [message.markdown for message in run.frames]
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
            "model": "some/model",
            "provider": f"127.0.0.1:{server.port}",
            "finish_reason": "stop",
            "usage": {"input_tokens": 3, "output_tokens": 2},
        }

    def test_never_more_than_20_frames_a_second(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(*[step for _ in range(300) for step in (chunk("ab "), 0.003)], finish(), DONE)
        run = kernel.run("%%llm\nGo")
        took = run.frames[-1].at - run.frames[0].at
        assert len(run.frames) <= took * 20 + 3

    def test_pending_text_is_painted_while_the_model_is_silent(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(chunk("one "), 0.03, chunk("two "), 1.5, chunk("three"), finish(), DONE)
        run = kernel.run("%%llm\nGo")
        (frame,) = [message for message in run.frames if message.markdown == "one two▌ "]
        assert server.last.writes[2] - frame.at > 1

    def test_fresh_display_ids_in_every_run(self, kernel: Kernel, server: ScriptedServer) -> None:
        echo(server)
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
        assert len(kernel.run("%%llm\nGo").frames) == 1
        assert len(kernel.run("%%llm --stream\nGo").frames) > 1

    def test_whole_completion_instead_of_a_stream(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        body = (
            b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "Whole"}, '
            b'"finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}'
        )
        server.play(body[:50], 0.05, body[50:], content_type="application/json")
        assert kernel.run("%%llm\nGo").shown == ["Whole"]


class TestParts:
    LONG = "".join(f"## Part {n}\n\n{'some words ' * 60}\n\n" for n in range(30))

    def test_an_owned_cell_ends_as_one_output(self, kernel: Kernel, server: ScriptedServer) -> None:
        pieces = [self.LONG[i : i + 40] for i in range(0, len(self.LONG), 40)]
        server.play(*[step for p in pieces for step in (chunk(p), 0.003)], finish(), DONE)
        run = kernel.run("%%llm\nGo")
        ids = [message.display_id for message in run.of("display_data")]
        assert len(ids) > 2
        (clear,) = run.of("clear_output")
        assert clear.content == {"wait": True}
        assert run.messages.index(clear) + 1 == run.messages.index(run.frames[-1])
        assert run.frames[-1].content["data"] == {
            "text/markdown": self.LONG,
            "text/plain": self.LONG,
        }
        assert kernel.value("_llm.text") == self.LONG

    @pytest.mark.parametrize("code", ["%llm Go", "# c\n%%llm\nGo", "%%time\n%%llm\nGo"])
    def test_elsewhere_the_parts_stay(
        self, kernel: Kernel, server: ScriptedServer, code: str
    ) -> None:
        server.play(*answer(self.LONG, 400))
        server.play(*[s for step in answer(self.LONG, 400) for s in (step, 0.01)])
        run = kernel.run(code)
        assert not run.of("clear_output")
        assert "".join(run.outputs[n]["data"]["text/markdown"] for n in range(len(run.outputs)))
        parts = [output["data"]["text/markdown"] for output in run.outputs]
        assert 1 < len(parts) <= 15
        assert "".join(parts) == self.LONG

    def test_a_failure_before_the_first_word_is_alone_on_the_page(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(0.6, sse({"error": "boom"}))
        run = kernel.run("%%llm\nGo")
        assert run.of("display_data"), "the line that waits"
        after = run.messages[run.messages.index(run.of("display_data")[-1]) :]
        types = [m.type for m in after if m.type in ("clear_output", "display_data", "error")]
        assert types[1:] == ["clear_output", "error"]


class TestUnattended:
    @pytest.mark.parametrize("how", ["no stdin", "capture"])
    def test_one_display_at_the_end(self, kernel: Kernel, server: ScriptedServer, how: str) -> None:
        server.play(chunk("a"), 0.2, chunk("b"), finish(), DONE)
        if how == "no stdin":
            run = kernel.run("%%llm\nGo", allow_stdin=False)
        else:
            run = kernel.run("%%capture got\n%%llm\nGo")
            assert not run.frames
            run = kernel.run("got.show()")
        assert [message.type for message in run.frames] == ["display_data"]
        assert run.shown == ["ab"]


class TestInterrupt:
    def start(self, kernel: Kernel, code: str = "%%llm --out text\nGo") -> tuple[str, Run]:
        msg_id, run = kernel.start(code, "c1"), Run()
        return msg_id, kernel.collect(msg_id, run, frames=1)

    def test_keeps_the_partial_answer(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("one two three"), end="hang")
        msg_id, run = self.start(kernel)
        pressed = time.monotonic()
        kernel.interrupt()
        run = kernel.finish(msg_id, run)
        assert run.reply_at - pressed < 2
        assert server.last.over.wait(2)
        assert run.reply["ename"] == "KeyboardInterrupt"
        assert run.error == (
            "KeyboardInterrupt: stopped by you; 13 characters are kept as a partial answer"
        )
        assert run.frames[-1].markdown == "one two three"
        assert run.frames[-1].content["metadata"]["cellmage"]["partial"] == "interrupted"
        assert kernel.value("(text, _llm.partial)") == ("one two three", "interrupted")
        echo(server)
        assert kernel.run("%%llm\nNext", "c2").ok
        assert server.last.messages == [
            ("user", "Go"),
            ("assistant", "one two three"),
            ("user", "Next"),
        ]

    def test_before_the_first_word_leaves_no_turn(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(end="hang")
        msg_id, run = self.start(kernel)
        kernel.interrupt()
        run = kernel.finish(msg_id, run)
        assert run.error == "KeyboardInterrupt: stopped by you; no word had come"
        assert "no turns yet" in kernel.run("%llm_history").printed
        assert server.last.over.wait(2)

    def test_twice_is_as_once(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("one two three"), end="hang")
        msg_id, run = self.start(kernel)
        kernel.interrupt()
        time.sleep(0.05)
        kernel.interrupt()
        run = kernel.finish(msg_id, run)
        assert run.reply["ename"] == "KeyboardInterrupt"
        assert kernel.run("%llm_history").printed.count("partial") == 1

    def test_twice_without_a_breath_leaves_nothing_open(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        server.play(chunk("one two three"), end="hang")
        kernel.run("import asyncio, cellmage.engine as e; loop = e._engine.loop()")
        for _ in range(5):
            msg_id, run = self.start(kernel)
            pid = kernel.manager.provisioner.process.pid
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGINT)
            kernel.collect(msg_id, run)
            assert server.last.over.wait(2)
            assert "▌" not in run.frames[-1].markdown
        time.sleep(0.1)
        tasks = "[str(t) for t in asyncio.all_tasks(loop) if '_pump' in str(t)]"
        assert kernel.value(tasks) == []

    def test_run_all_stops(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("one"), end="hang")
        msg_id, run = self.start(kernel)
        queued = kernel.start("%%llm\nsecond", "c2")
        kernel.interrupt()
        kernel.finish(msg_id, run)
        assert kernel.finish(queued).reply["status"] == "aborted"
        assert len(server.exchanges) == 1


class TestFailure:
    def test_one_line_and_the_cell_fails(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(b'{"error": {"message": "no such model"}}', status=404)
        run = kernel.run("%%llm -m nosuch\nGo")
        assert run.reply["ename"] == "StatusError"
        assert run.error == (
            f"StatusError: nosuch at 127.0.0.1:{server.port}: "
            "there is no such model or address (HTTP 404): no such model"
        )
        assert run.of("error")
        assert not run.frames
        assert len(server.exchanges) == 1, "nothing is retried behind the reader's back"

    def test_cut_keeps_the_text(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("half an"), 0.1, end="reset")
        run = kernel.run("%%llm\nGo")
        assert run.reply["ename"] == "CutError"
        assert run.shown == ["half an"]
        assert "▌" not in run.frames[-1].markdown
        assert kernel.value("_llm.partial") == "connection_lost"
        assert "partial" in kernel.run("%llm_history").printed

    def test_no_server(self, offline: Kernel) -> None:
        run = offline.run("%llm_config --base-url http://127.0.0.1:9/v1\n%llm hi")
        assert run.reply["ename"] == "ConnectError"
        assert run.error.count("\n") == 0

    def test_a_model_without_a_key_names_the_variable(self, offline: Kernel) -> None:
        run = offline.run("%%llm -m gpt-4o\nGo")
        assert run.reply["ename"] == "ConfigError"
        assert "OPENAI_API_KEY" in run.error
        assert not run.frames


class TestConversation:
    def test_the_next_cell_sends_the_turns_before(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        echo(server)
        kernel.run("%%llm -s be\\brief\na", "c1")
        kernel.run("%%llm\nb", "c2")
        assert server.exchanges[0].messages == [("system", "be\\brief"), ("user", "a")]
        assert server.exchanges[1].messages == [("user", "a"), ("assistant", "A"), ("user", "b")]

    def test_a_cell_that_runs_again_replaces_its_turn_in_place(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        echo(server)
        for cell in "abc":
            kernel.run(f"%%llm\n{cell}", cell)
        kernel.run("%%llm\nbb", "b")
        assert server.last.messages == [("user", "a"), ("assistant", "A"), ("user", "bb")]
        lines = kernel.run("%llm_history").printed.splitlines()
        assert [line.split()[1:] for line in lines[1:]] == [
            ["complete", "a", "A"],
            ["complete", "bb", "BB"],
            ["stale", "c", "C"],
        ]

    def test_run_all_twice_is_as_once(self, kernel: Kernel, server: ScriptedServer) -> None:
        echo(server)
        for _ in range(2):
            for cell in "abcde":
                kernel.run(f"%%llm\n{cell}", cell)
        printed = kernel.run("%llm_history").printed
        assert printed.count("complete") == 5
        assert "stale" not in printed

    def test_a_failed_rerun_leaves_the_old_turn(
        self, kernel: Kernel, server: ScriptedServer
    ) -> None:
        echo(server)
        kernel.run("%%llm\na", "c1")
        server.play(status=500)
        assert not kernel.run("%%llm\na", "c1").ok
        assert "complete  a" in kernel.run("%llm_history").printed

    def test_without_a_cell_id_turns_append(self, kernel: Kernel, server: ScriptedServer) -> None:
        echo(server)
        for _ in range(2):
            kernel.run("%%llm\na")
        assert kernel.run("%llm_history").printed.count("complete") == 2

    def test_loop_of_line_magics(self, kernel: Kernel, server: ScriptedServer) -> None:
        echo(server)
        code = "def ask(what):\n    %llm say {{ what }}, not {what}\nfor i in range(COUNT): ask(i)"
        run = kernel.run(code.replace("COUNT", "3"), "loop")
        assert run.shown == [f"SAY {n}, NOT {{WHAT}}" for n in range(3)]
        kernel.run("%%llm\nafter", "after")
        kernel.run(code.replace("COUNT", "3"), "loop")
        assert kernel.run("%llm_history").printed.count("say ") == 3
        assert len(server.last.messages) == 5, "the third question sees the two before it"
        kernel.run(code.replace("COUNT", "2"), "loop")
        printed = kernel.run("%llm_history").printed
        assert printed.count("say ") == 2, "the third question is not in the cell any more"
        assert printed.count("stale") == 1

    def test_no_history_and_no_rollback(self, kernel: Kernel, server: ScriptedServer) -> None:
        echo(server)
        kernel.run("%%llm\na", "c1")
        kernel.run("%%llm --no-history\nb", "c2")
        assert server.last.messages == [("user", "b")]
        kernel.run("%%llm --no-rollback\na", "c1")
        assert len(server.last.messages) == 3
        assert kernel.run("%llm_history").printed.count("complete") == 2

    def test_chats_are_apart(self, kernel: Kernel, server: ScriptedServer) -> None:
        echo(server)
        run = kernel.run("%%llm --chat side\na")
        assert run.reply["ename"] == "UsageError"
        assert "'side'" in run.error
        assert not server.exchanges
        kernel.run("%llm_history --new side")
        kernel.run("%%llm --chat side\na")
        kernel.run("%%llm\nb")
        assert server.last.messages == [("user", "b")]
        assert "a" in kernel.run("%llm_history --chat side").printed

    def test_undo_and_clear(self, kernel: Kernel, server: ScriptedServer) -> None:
        echo(server)
        for cell in "abc":
            kernel.run(f"%%llm\n{cell}", cell)
        assert kernel.run("%llm_history --undo").printed == "dropped 1 turn, 2 turns left\n"
        assert kernel.run("%llm_history --undo 1").printed == "dropped 1 turn, 1 turn left\n"
        assert kernel.run("%llm_history --clear").printed == "cleared 1 turn\n"
        assert kernel.run("%llm_history").printed == "no turns yet\n"

    def test_two_kernels_at_once(
        self, kernel: Kernel, server: ScriptedServer, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        def slowly(exchange):  # type: ignore[no-untyped-def]
            word = exchange.messages[-1][1]
            return Reply([step for _ in range(20) for step in (chunk(word), 0.02)] + [finish()])

        server.play_for(slowly)
        env = {"OPENAI_BASE_URL": server.url}
        other = Kernel(tmp_path_factory.mktemp("home2"), env)
        try:
            other.run("%load_ext cellmage")
            ids = [each.start(f"%%llm\n{word}") for each, word in ((kernel, "a"), (other, "b"))]
            runs = [each.finish(ids[n]) for n, each in enumerate((kernel, other))]
        finally:
            other.close()
        assert [run.shown for run in runs] == [["a" * 20], ["b" * 20]]
        assert all(len(exchange.messages) == 1 for exchange in server.exchanges)
