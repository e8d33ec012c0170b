"""The whole walk: a cell in a real kernel, an answer from a real socket, frames on iopub."""

from __future__ import annotations

import os
import signal
import time

import pytest

from cellmage.testing import Reply, ScriptedServer, answer, chunk, finish
from tests.kernel.client import Kernel, Run


def echo(server: ScriptedServer) -> None:
    """Answer each question with itself, in capitals."""
    server.play_with(lambda exchange: Reply(answer(exchange.messages[-1][1].upper(), 3)))


class TestInterrupt:
    def start(self, kernel: Kernel, server: ScriptedServer, until: str = "") -> tuple[str, Run]:
        """Run a cell until it has asked, and shown this, or anything."""
        msg_id, run = kernel.start("%%llm --out text\nGo", "c1"), Run()
        kernel.collect(msg_id, run, until=until, frames=0 if until else 1)
        deadline = time.monotonic() + 20
        while not server.exchanges:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return msg_id, run

    def test_keeps_the_partial_answer(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("one two three"), end="hang")
        msg_id, run = self.start(kernel, server, "one two")
        pressed = time.monotonic()
        kernel.interrupt()
        run = kernel.finish(msg_id, run)
        assert run.reply_time - pressed < 2
        assert server.last.finished.wait(20)
        assert run.reply["ename"] == "KeyboardInterrupt"
        assert run.error == (
            "KeyboardInterrupt: stopped by you; 13 characters are kept as a partial answer"
        )
        assert run.frames[-1].markdown == "one two three"
        assert run.frames[-1].content["metadata"]["cellmage"]["incomplete_reason"] == "interrupted"
        assert kernel.value("(text, _llm.incomplete_reason)") == ("one two three", "interrupted")
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
        msg_id, run = self.start(kernel, server)
        kernel.interrupt()
        run = kernel.finish(msg_id, run)
        assert run.error == "KeyboardInterrupt: stopped by you; no text had arrived"
        assert "No turns yet" in kernel.run("%llm_history").printed
        assert server.last.finished.wait(20)

    def test_twice_is_as_once(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("one two three"), end="hang")
        msg_id, run = self.start(kernel, server, "one two")
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
        kernel.run("import asyncio\nfrom cellmage.runtime.loop import background_loop")
        kernel.run("from cellmage.runtime.sync_stream import TASK_NAME")
        for _ in range(5):
            msg_id, run = self.start(kernel, server, "one two")
            pid = kernel.manager.provisioner.process.pid
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGINT)
            kernel.collect(msg_id, run)
            assert server.last.finished.wait(20)
            assert "▌" not in run.frames[-1].markdown
        time.sleep(0.1)
        tasks = "[t.get_name() for t in asyncio.all_tasks(background_loop())]"
        assert kernel.value(f"{tasks}.count(TASK_NAME)") == 0

    def test_run_all_stops(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("one"), end="hang")
        msg_id, run = self.start(kernel, server)
        queued = kernel.start("%%llm\nsecond", "c2")
        time.sleep(0.3)  # as in a page, where the whole of Run All is sent before anybody stops it
        kernel.interrupt()
        kernel.finish(msg_id, run)
        assert kernel.finish(queued).reply["status"] == "aborted"
        assert len(server.exchanges) == 1


class TestFailure:
    def test_one_line_and_the_cell_fails(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(b'{"error": {"message": "no such model"}}', status=404)
        run = kernel.run("%%llm -m nosuch\nGo")
        assert run.reply["ename"] == "HTTPStatusError"
        assert run.error == (
            f"HTTPStatusError: nosuch at 127.0.0.1:{server.port}: "
            "there is no such model or address (HTTP 404): no such model"
        )
        assert run.of_type("error")
        assert not run.frames
        paths = [exchange.path for exchange in server.exchanges]
        assert paths.count("/v1/chat/completions") == 1, "nothing is retried without the user"

    def test_cut_keeps_the_text(self, kernel: Kernel, server: ScriptedServer) -> None:
        server.play(chunk("half an"), 0.1, end="reset")
        run = kernel.run("%%llm\nGo")
        assert run.reply["ename"] == "IncompleteResponseError"
        assert run.texts == ["half an"]
        assert "▌" not in run.frames[-1].markdown
        assert kernel.value("_llm.incomplete_reason") == "connection_lost"
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
        assert [line.split()[3:] for line in lines[1:4]] == [
            ["complete", "a", "A"],
            ["complete", "bb", "BB"],
            ["stale", "c", "C"],
        ]
        assert lines[4].startswith("stale: an earlier turn was asked again after this answer.")
        assert "(stale: an earlier turn" in kernel.run("%llm_history --show 3").texts[1]
        assert len(kernel.run("%llm_history --show 2").texts) == 1

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
        texts = run.texts
        assert texts.pop(1) == "(Inserted: what.)", "once in a run"
        assert texts == [f"SAY {n}, NOT {{WHAT}}" for n in range(3)]
        kernel.run("%%llm\nafter", "after")
        kernel.run(code.replace("COUNT", "3"), "loop")
        assert kernel.run("%llm_history").printed.count("say ") == 3
        assert len(server.last.messages) == 5, "the third question sees the two before it"
        kernel.run(code.replace("COUNT", "2"), "loop")
        printed = kernel.run("%llm_history").printed
        assert printed.count("say ") == 2, "the third question is not in the cell any more"
        assert printed.count(" stale ") == 1

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
        assert kernel.run("%llm_history --undo").printed == "Dropped 1 turn. 2 turns remain.\n"
        assert kernel.run("%llm_history --undo 1").printed == "Dropped 1 turn. 1 turn remains.\n"
        assert kernel.run("%llm_history --clear").printed == "Dropped 1 turn.\n"
        assert kernel.run("%llm_history").printed == "No turns yet.\n"

    @pytest.mark.slow
    def test_two_kernels_at_once(
        self, kernel: Kernel, server: ScriptedServer, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        def slowly(exchange):  # type: ignore[no-untyped-def]
            word = exchange.messages[-1][1]
            return Reply([step for _ in range(20) for step in (chunk(word), 0.02)] + [finish()])

        server.play_with(slowly)
        env = {"OPENAI_BASE_URL": server.url}
        other = Kernel(tmp_path_factory.mktemp("home2"), env)
        try:
            other.run("%load_ext cellmage")
            kernels = (kernel, other)
            ids = [kernels[n].start(f"%%llm\n{word}") for n, word in enumerate("ab")]
            runs = [kernels[n].finish(ids[n]) for n in range(2)]
        finally:
            other.close()
        assert [run.texts for run in runs] == [["a" * 20], ["b" * 20]]
        assert all(len(exchange.messages) == 1 for exchange in server.exchanges)
