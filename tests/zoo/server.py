"""The scripted server of a family, on loopback HTTP."""

from __future__ import annotations

from collections.abc import Callable

from cellmage.testing import Exchange, Reply
from tests.zoo.answers import ENCODERS
from tests.zoo.families import Family, error_body
from tests.zoo.model import answer
from tests.zoo.strict import PATHS, faults

_STATUSES = {"mistral": 422}
_CONTENT_TYPES = {"ollama": "application/x-ndjson"}


def serve(family: Family) -> Callable[[Exchange], Reply]:
    """Return the handler of requests to a family: an answer, or an error in the family's shape."""

    def reply(exchange: Exchange) -> Reply:
        api = family.used_api
        if not exchange.path.endswith(PATHS[api]) or exchange.body is None:
            message = "This is not a chat model and thus not supported in this endpoint."
            return Reply([error_body(family, message)], 404, content_type="application/json")
        if found := faults(exchange.body, family):
            status = _STATUSES.get(family.prefix, 400) if found[0].param else 400
            body = error_body(family, *found[0])
            return Reply([body], status, content_type="application/json")
        steps = ENCODERS[api](family, answer(exchange.body, family))
        return Reply(steps, content_type=_CONTENT_TYPES.get(api, "text/event-stream"))

    return reply
