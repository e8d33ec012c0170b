"""What runs in the twin: code block by block, or expressions; it reports what came of each.

Between the reports is what the code itself prints and shows.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any

from IPython.core.getipython import get_ipython

from ..describe import describe
from ..describe.beside_tables import describe_beside_tables
from ..describe.type_names import type_name
from ..fingerprint import Fingerprint, fingerprint
from ..twin import ActsOutside
from ..twin.child.shell import run_cell
from .reports import MEDIA_TYPE
from .values import value_text

_COMPARE_SECONDS = 0.4
"""The time for the fingerprints of the values before the code runs; the largest come last."""

_MAX_BYTES = 200_000_000
"""A value that is known to be larger is not compared."""

_MAX_NAMES = 60
_HIDDEN = frozenset(("In", "Out", "exit", "quit", "open", "get_ipython", "display"))

Report = dict[str, Any]
Send = Callable[[Report], None]
Job = Mapping[str, Any]


def play(job_text: str) -> None:
    """Do a job, and report.

    Args:
        job_text: a JSON object: ``word``, ``kind``, ``codes``, and what the kind takes.
    """
    job = json.loads(job_text)
    shell = get_ipython()
    if shell is None:
        raise RuntimeError("no IPython shell")
    for name in ("showtraceback", "showsyntaxerror"):
        setattr(shell, name, _show_nothing)
    sys.displayhook = shell.displayhook  # a cell of the kernel runs, whose hook was set
    publish = shell.display_pub.publish  # the code may replace it

    def report(content: Report) -> None:
        publish({MEDIA_TYPE: f"{job['word']}{json.dumps(content)}"})

    _KINDS[job["kind"]](shell, job, report)


def _show_nothing(*args: Any, **settings: Any) -> None:
    """Replace the function that shows a traceback: the report has it."""


# Blocks of code.


def _run_blocks(shell: Any, job: Job, report: Send) -> None:
    for index, code in enumerate(job["codes"]):
        report({"begin": index})
        report({"end": index, **_run_block(shell, code, job)})


def _run_block(shell: Any, code: str, job: Job) -> Report:
    before = _names(shell)
    for name in job.get("forgets", ()):
        shell.user_ns.pop(name, None)
    digests = _digests(before) if job.get("compares") else {}
    started = time.perf_counter()
    result = run_cell(shell, code)
    seconds = time.perf_counter() - started
    after = _names(shell)
    report: Report = {"seconds": seconds} | _describe_result(result, job["level"])
    bound = [name for name in after if name not in before or before[name] is not after[name]]
    report["binds"] = {name: type_name(type(after[name])) for name in bound[:_MAX_NAMES]}
    if job.get("describes"):
        report["descriptions"] = {
            name: describe_beside_tables(after[name], job["level"]).text
            for name in bound[:_MAX_NAMES]
            if not isinstance(after[name], type | FunctionType | ModuleType)
        }
    report["unbound"] = [name for name in job.get("expected", ()) if name not in after]
    report["removes"] = [name for name in before if name not in after][:_MAX_NAMES]
    if job.get("compares"):
        same = [name for name in before if name in after and name not in bound]
        report["modules"] = [n for n in before if isinstance(before[n], ModuleType)]
        report["changes"] = [name for name in same if _is_changed(digests, name, after[name])]
        report["unknown"] = [name for name in same if name in digests and digests[name] is None]
    return report


def _describe_result(result: Any, level: Any) -> Report:
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        text = "" if result.result is None else describe_beside_tables(result.result, level).text
        return {"value": text, "type": type_name(type(result.result))}
    _drop_own_frames(error)
    summary = f"{type_name(type(error))}: {error}".removesuffix(": ")
    return {
        "error": summary,
        "refused": str(error) if isinstance(error, ActsOutside) else "",
        "traceback": describe(error, "rows").text,
        "told": describe(error, level).text,
    }


def _drop_own_frames(error: BaseException) -> None:
    """Begin a traceback at the code of the cell; one of the syntax has no frames then."""
    tb = error.__traceback__
    while tb is not None and tb.tb_frame.f_globals.get("__name__") != "__main__":
        tb = tb.tb_next
    error.__traceback__ = tb


def _names(shell: Any) -> dict[str, Any]:
    """Return the variables of the user, by name."""
    hidden = shell.user_ns_hidden
    return {
        name: value
        for name, value in list(shell.user_ns.items())
        if name[:1] != "_" and name not in _HIDDEN and hidden.get(name, hidden) is not value
    }


def _digests(values: Mapping[str, Any]) -> dict[str, Fingerprint | None]:
    """Return the fingerprints of values, small ones first; None for those without one."""
    deadline = time.perf_counter() + _COMPARE_SECONDS
    digests: dict[str, Fingerprint | None] = {}
    data = [name for name, value in values.items() if not isinstance(value, ModuleType)]
    for name in sorted(data, key=lambda name: _bytes_of(values[name])):
        is_due = time.perf_counter() < deadline and _bytes_of(values[name]) < _MAX_BYTES
        digests[name] = fingerprint(values[name]) if is_due else None
    return digests


def _bytes_of(value: Any) -> float:
    """Return about how much memory a value takes."""
    try:
        usage = getattr(value, "memory_usage", None)
        if callable(usage):
            return float(getattr(usage(), "sum", usage)())
        return float(getattr(value, "nbytes", None) or sys.getsizeof(value))
    except Exception:  # noqa: BLE001 - the class of the value may raise anything
        return 0.0


def _is_changed(digests: Mapping[str, Fingerprint | None], name: str, value: Any) -> bool:
    old = digests.get(name)
    return old is not None and fingerprint(value) != old


# Expressions.


def _evaluate(shell: Any, job: Job, report: Send) -> None:
    """Report the value of each expression, or why it has none."""
    signal.signal(signal.SIGALRM, _stop)
    for index, source in enumerate(job["codes"]):
        report({"begin": index})
        signal.setitimer(signal.ITIMER_REAL, job["each_seconds"])
        try:
            value = eval(source, shell.user_ns, {})
            result: Report = value_text(value)
        except Exception as error:  # noqa: BLE001 - any expression may raise anything
            result = {"error": f"{type_name(type(error))}: {error}".removesuffix(": ")}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        report({"end": index, **result})


def _stop(number: int, frame: Any) -> None:
    raise TimeoutError("it took too long")


_KINDS: Mapping[str, Callable[[Any, Job, Send], None]] = {
    "blocks": _run_blocks,
    "values": _evaluate,
}
