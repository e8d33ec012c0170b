"""Ask the model for one row: one attempt, through the same pipeline as every question."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from ..content import Prompt
from ..conversation.request import make_request
from ..errors import CellmageError
from ..events import Event
from ..messages import Request, Response, Timings
from ..options import Options
from ..output_schema import OutputSchema
from ..pipeline import SINGLE_ATTEMPT_STAGES, build
from ..providers.http_client import head_listener
from ..providers.registry import default_model, resolve_models, resolve_or_defer
from ..recording import Inputs, default_recorder
from ..recording.inputs import make_inputs
from ..stream.accumulator import accumulate
from .rate_headers import RateReport, read_rate_headers
from .rate_limit import RateLimiter


@dataclass(frozen=True, slots=True)
class RowTask:
    """What is the same for all rows of a batch; it can be sent to another process.

    Args:
        options: the options of every row, with the model as the user named it.
        schema: the schema of the answers' values; None for text.
    """

    options: Options
    schema: OutputSchema | None = None

    def full_options(self) -> Options:
        """Return the options with the form that the schema asks for."""
        return self.schema.apply_to(self.options) if self.schema else self.options

    def value_of(self, response: Response) -> Any:
        """Return the value of a complete answer.

        Raises:
            OutputValidationError: it does not fit the schema.
        """
        return self.schema.read(response) if self.schema else response.text


class RowAsker:
    """Makes the request of a row, and asks it once.

    Args:
        task: what is the same for all rows.

    Raises:
        ConfigError: the model has no key or no address.

    Example:
        >>> import asyncio
        >>> asker = RowAsker(RowTask(Options(model="offline/echo")))
        >>> asyncio.run(asker.ask(asker.request("Hello"))).text
        'Hello'
    """

    def __init__(self, task: RowTask) -> None:
        self.task = task
        self._recorder = default_recorder()
        options = task.full_options()
        model = options.model or default_model(base_url=options.base_url)
        self._recorded_options = replace(options, model=model)
        resolve = resolve_models if self._recorder is None else resolve_or_defer
        models = resolve(options)
        self._options = replace(options, model=",".join(item.model for item in models))
        self._key_model = ",".join([model, *(options.fallback or ())])
        self.provider = models[0].provider.name
        self.model = models[0].model
        check = task.schema.problem if task.schema else None
        self._ask = build(models, check=check, model_stages=SINGLE_ATTEMPT_STAGES)

    def request(self, prompt: Prompt) -> Request:
        """Return the request of a row, as it may be sent.

        Raises:
            UsageError: the prompt is empty or too long, or contains a key of this machine.
        """
        return make_request(prompt, self._options, (), {})

    def inputs(self, request: Request) -> Inputs:
        """Return what the answer to a request depends on."""
        return make_inputs(
            replace(request, options=self._recorded_options), self._key_model, {}, {}
        )

    async def ask(self, request: Request) -> Response:
        """Return the answer.

        Raises:
            CellmageError: it failed, or was cut.
        """
        ask = self._ask
        if self._recorder is not None:
            recorded_request = replace(request, options=self._recorded_options)
            ask = self._recorder.around(ask, recorded_request, {}, None)
        started_at, events = time.monotonic(), list[Event]()
        async with aclosing(ask(request)) as answer:
            async for event in answer:
                events.append(event)
        timings = Timings(None, time.monotonic() - started_at)
        return accumulate(events, timings=timings, incomplete_reason=None)


class HeadReports:
    """Passes what the heads of replies say about limits to a limiter.

    Attributes:
        last: the newest report; None if there was no reply.
    """

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self.last: RateReport | None = None

    def __enter__(self) -> HeadReports:
        self._token = head_listener.set(self._receive)
        return self

    def __exit__(self, *exc: object) -> None:
        head_listener.reset(self._token)

    async def _receive(self, status: int, headers: Mapping[str, str]) -> None:
        self.last = read_rate_headers(status, headers)
        await self._limiter.report(self.last)


def incomplete_error(response: Response) -> CellmageError | None:
    """Return the error of an answer that the model ended early; None for a complete one."""
    reason = response.incomplete_reason
    if reason is None:
        return None
    error = CellmageError(f"the answer was cut ({reason})", kind=reason, text=response.text)  # type: ignore[arg-type]
    error.model, error.host = response.model, response.provider
    return error
