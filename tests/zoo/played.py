"""A provider that is a family without HTTP: it checks each request strictly, and plays a script."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from cellmage.errors import ConnectError
from cellmage.events import Event, Start
from cellmage.messages import Request
from cellmage.providers.apis import api_of, encode
from cellmage.providers.endpoints import ENDPOINTS
from cellmage.providers.refused_parameters import leave_out
from tests.zoo.answers import ENCODERS, Answer
from tests.zoo.families import Family
from tests.zoo.strict import faults


class PlayedProvider:
    """A family whose answers are a script.

    Args:
        family: who answers.
        answers: one for each request; an answer of None is a failure.
        size: the part of the last answer's bytes that arrives, from 0 to 1.

    Attributes:
        name: of its own.
        faults: what its strict server finds in the requests.
    """

    def __init__(self, family: Family, answers: Sequence[Answer | None], size: float = 1.0) -> None:
        self.name = f"{family.prefix}.example"
        self.faults: list[str] = []
        self._family = family
        self._answers = list(answers)
        self._size = size
        endpoint = replace(ENDPOINTS[family.prefix], api=family.used_api)
        is_complete = "{" not in endpoint.base_url
        base_url = endpoint.base_url if is_complete else f"https://{family.host}/openai/v1"
        self._endpoint = replace(endpoint, base_url=base_url)

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Yield the events of the next answer."""
        yield Start(request.options.model or "", self.name)
        refused = dict.fromkeys(self._family.refused, "")
        payload = leave_out(encode(request, self._endpoint), refused)
        body = payload | payload.pop("extra_body", {})
        self.faults += [fault.message for fault in faults(body, self._family, is_alone=False)]
        answer = self._answers.pop(0) if self._answers else None
        if answer is None:
            raise ConnectError("no connection")
        steps = ENCODERS[self._family.used_api](self._family, answer)
        data = b"".join(step for step in steps if isinstance(step, bytes))
        if not self._answers:
            data = data[: round(len(data) * self._size)]
        api = api_of(request, self._endpoint)
        decoder = api.decoder(bool(request.tools), "text/event-stream")
        for event in decoder.feed(data):
            yield event
        for event in decoder.close():
            yield event
