"""Which batch endpoint a model has."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import UsageError
from ...messages import Request
from ...options import Options
from ...providers.apis import APIS, api_of
from ...providers.endpoints import ENDPOINTS
from ...providers.openai import OpenAIProvider
from ...providers.registry import default_model, resolve_models
from ...urls import host_of
from .apis import BATCH_APIS, BatchAPI
from .server import BatchServer

_PROVIDERS = ("openai", "anthropic")


@dataclass(frozen=True, slots=True)
class Target:
    """The batch endpoint of a model.

    Args:
        provider: the server, with its key.
        model: the model as the server knows it.
        api: the name of the API of the rows.
    """

    provider: OpenAIProvider
    model: str
    api: str

    @property
    def batches(self) -> BatchAPI:
        """The endpoint."""
        return BATCH_APIS[self.api]

    @property
    def base_url(self) -> str:
        """The address of the server."""
        return self.provider.endpoint.base_url

    async def server(self) -> BatchServer:
        """Return what sends requests to the endpoint."""
        client = await self.provider.client()
        return BatchServer(client, APIS[self.api].headers, self.model)

    def for_batch(self, request: Request) -> Request:
        """Return the request of a row for this one model."""
        return replace(request, options=replace(request.options, model=self.model))


def find_target(options: Options) -> Target:
    """Return the batch endpoint of a model.

    A server at another address than the providers' is asked only if `api` names its API.

    Raises:
        UsageError: there is none.
        ConfigError: the model has no key or no address.
    """
    name = options.model or default_model(base_url=options.base_url)
    resolved = resolve_models(replace(options, model=name))[0]
    provider = resolved.provider
    if isinstance(provider, OpenAIProvider):
        endpoint = provider.endpoint
        api = api_of(Request((), replace(options, model=resolved.model)), endpoint)
        word = next(word for word, item in APIS.items() if item is api)
        hosts = {host_of(ENDPOINTS[item].base_url) for item in _PROVIDERS}
        if word in BATCH_APIS and (host_of(endpoint.base_url) in hosts or options.api):
            return Target(provider, resolved.model, word)
    raise UsageError(
        f'{provider.name} has no batch endpoint that is known; use `when="now"`, or a model of '
        "OpenAI or Anthropic",
        option="when",
    )
