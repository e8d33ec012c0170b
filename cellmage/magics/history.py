"""``%llm_history``: the turns of a conversation as the reader sees them, and what to do to them."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Mapping

from ..context_window import tokens
from ..conversation.conversation import Conversation
from ..conversation.export import export, read
from ..display.text_table import aligned
from ..errors import UsageError
from ..markdown.control_chars import strip_control_chars
from ..messages import Turn
from ..pricing import cost, dollars
from ..tools import call_text
from .conversations import Chats, turns_of


def history(chats: Chats, args: Namespace) -> str:
    """Do what the first flag of ``%llm_history`` says, and tell it; without one, list the turns."""
    if args.new is not None:
        chat = chats.new(args.new)
        what = f"has {turns_of(len(chat.turns))}" if chat.turns else "is new"
        return f"chat {args.new!r} {what}; ask in it with %%llm --chat {args.new!r}"
    if args.resume:
        return f"{turns_of(chats.resume(args.chat))} taken up"
    chat = chats.get(args.chat)
    for flag, act in _ACTIONS.items():
        value = getattr(args, flag)
        if value is not None and value is not False:
            return act(chats, chat, args)
    return listing(chat)


def listing(chat: Conversation) -> str:
    """A line for each turn: its number, cell, model, state, question and answer."""
    if not chat.turns:
        return "no turns yet"
    lines: list[tuple[str, ...]] = [("turn", "cell", "model", "state", "question", "answer")]
    lines += [_line(number, turn) for number, turn in enumerate(chat.turns, 1)]
    return aligned(lines)


def _line(number: int, turn: Turn) -> tuple[str, ...]:
    response = turn.response
    cell = turn.cell.cell_id[-8:] if turn.cell else "—"
    words = (_words(turn.prompt), _words(response.text))
    return (str(number), strip_control_chars(cell), response.model or "—", turn.state, *words)


def _words(text: str, width: int = 28) -> str:
    line = " ".join(strip_control_chars(text[: 4 * width]).split())
    return line if len(line) <= width else line[: width - 1] + "…"


# What the flags do.


def _undo(chats: Chats, chat: Conversation, args: Namespace) -> str:
    return f"dropped {turns_of(chat.undo(args.undo))}, {turns_of(len(chat.turns))} left"


def _drop(chats: Chats, chat: Conversation, args: Namespace) -> str:
    return f"dropped turn {args.drop}: {_words(chat.drop(args.drop).prompt)}"


def _clear(chats: Chats, chat: Conversation, args: Namespace) -> str:
    return f"cleared {turns_of(chat.clear())}"


def _full(chats: Chats, chat: Conversation, args: Namespace) -> str:
    parts = []
    for number, turn in enumerate(chat.turns, 1):
        parts += [f"── {number}, {turn.state} ──", strip_control_chars(turn.prompt)]
        parts.append(f"── {turn.response.model} ──")
        for each in turn.response.steps:
            parts += [strip_control_chars(each.text)] if each.text else []
            parts += [f"{call_text(call)}\n→ {strip_control_chars(call.result)}" for call in each.calls]
        parts += [strip_control_chars(turn.response.final_text), ""]
    return "\n".join(parts).rstrip() or "no turns yet"


def _search(chats: Chats, chat: Conversation, args: Namespace) -> str:
    wanted = args.search.casefold()
    lines: list[tuple[str, ...]] = []
    for number, turn in enumerate(chat.turns, 1):
        for who, text in (("question", turn.prompt), ("answer", turn.response.text)):
            at = text.casefold().find(wanted)
            if at >= 0:
                lines.append((str(number), who, _words(text[max(0, at - 20) :], 60)))
    return aligned([("turn", "where", "text"), *lines]) if lines else "found nowhere"


def _names(chats: Chats, chat: Conversation, args: Namespace) -> str:
    rows = [(name or "—", str(count), where) for name, count, where in chats.names()]
    return aligned([("chat", "turns", "where"), *rows])


def _fork(chats: Chats, chat: Conversation, args: Namespace) -> str:
    count = len(chat.turns) if args.at is None else args.at
    if args.at is not None:
        chat.turn(args.at)
    if any(name == args.fork for name, *_ in chats.names()):
        raise UsageError(f"there is a chat {args.fork!r} already; give another name")
    copy = chats.new(args.fork)
    copy.journal = chats.journal_beside(chat, args.fork)
    copy.extend(chat.turns[:count])
    return f"chat {args.fork!r} has {turns_of(count)}; ask in it with %%llm --chat {args.fork!r}"


def _tokens(chats: Chats, chat: Conversation, args: Namespace) -> str:
    rows: list[tuple[str, ...]] = []
    for number, (turn, size) in enumerate(zip(chat.turns, tokens(chat.turns), strict=True), 1):
        usage, price = turn.response.usage, cost(turn.response)
        sent = "—" if usage is None or usage.input_tokens is None else str(usage.input_tokens)
        answered = "—" if usage is None or usage.output_tokens is None else str(usage.output_tokens)
        rows.append((str(number), sent, answered, f"~{size}", dollars(price) if price else "—"))
    total = sum(tokens(chat.turns))
    end = f"the next question is sent with about {total} tokens of earlier turns"
    return "\n".join([aligned([("turn", "in", "out", "adds", "cost"), *rows]), end])


def _export(chats: Chats, chat: Conversation, args: Namespace) -> str:
    export(chat.turns, chats.folder, args.export)
    return f"{turns_of(len(chat.turns))} written to {args.export}"


def _import(chats: Chats, chat: Conversation, args: Namespace) -> str:
    path = chats.folder / os.path.expanduser(args.import_ or args.from_)
    return f"{turns_of(chat.extend(read(path)))} of {path.name} taken up"


def _attach(chats: Chats, chat: Conversation, args: Namespace) -> str:
    path = chats.folder / os.path.expanduser(args.attach)
    return f"{turns_of(chats.attach(path))} of {path.name} taken up"


def _attempts(chats: Chats, chat: Conversation, args: Namespace) -> str:
    turn = chat.turn(args.attempts)
    lines: list[tuple[str, ...]] = [("attempt", "model", "state", "question", "answer")]
    for number, each in enumerate((*turn.previous_attempts, turn), 1):
        name = f"{args.attempts}.{number}" if each is not turn else "now"
        words = (_words(each.prompt), _words(each.response.text))
        lines.append((name, each.response.model or "—", each.state, *words))
    return aligned(lines)


def _restore(chats: Chats, chat: Conversation, args: Namespace) -> str:
    number, _, attempt = args.restore.partition(".")
    if not (number.isdecimal() and attempt.isdecimal()):
        raise UsageError(f"--restore {args.restore}: give N.K, as --attempts N lists them")
    turn = chat.restore(int(number), int(attempt))
    return f"turn {number} is again: {_words(turn.response.text)}"


Action = Callable[[Chats, Conversation, Namespace], str]
_ACTIONS: Mapping[str, Action] = {
    "clear": _clear,
    "undo": _undo,
    "drop": _drop,
    "full": _full,
    "search": _search,
    "chats": _names,
    "fork": _fork,
    "tokens": _tokens,
    "export": _export,
    "import_": _import,
    "from_": _import,
    "attach": _attach,
    "attempts": _attempts,
    "restore": _restore,
}
