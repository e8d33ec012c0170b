"""List the models of the configured server and of the local servers that answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from ..errors import CellmageError
from ..options import Options
from ..runtime.sync_stream import SyncStream
from .base import ModelLister, Provider
from .endpoints import ENDPOINTS
from .keys import Key
from .registry import check_prefix, local_servers, resolve_model, resolve_provider

TIMEOUT_SECONDS = 5.0
"""The time that a server has to list its models."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The models of one server.

    Args:
        server: its host, or its prefix in the names of models.
        models: the names of its models; empty if it did not list them.
        error: why it did not list them.
        key: the end of its key, such as "key …1234", or "a key is set"; empty if none is sent.
    """

    server: str
    models: tuple[str, ...] = ()
    error: str = ""
    key: str = ""


def list_models(
    prefix: str | None = None, base_url: str | None = None, timeout: float = TIMEOUT_SECONDS
) -> list[Offer]:
    """Return the models of one provider, or of the configured server and the local servers.

    A local server that does not answer is left out. The servers are asked at the same time.

    Args:
        prefix: the prefix of a provider; None for the configured server and the local ones.
        base_url: the base URL of the configured server; None reads the environment.
        timeout: seconds that each server has.

    Raises:
        ConfigError: no provider has this prefix.

    Example:
        >>> [offer.server for offer in list_models("offline")]
        ['offline']
    """
    if prefix is not None:
        check_prefix(prefix)
    prefixes: list[str | None] = [prefix] if prefix else [None, *local_servers()]
    with SyncStream(_offers(prefixes, base_url, timeout)) as stream:
        return [offer for batch in stream.batches() for offer in batch]


async def _offers(
    prefixes: list[str | None], base_url: str | None, seconds: float
) -> AsyncGenerator[Offer, None]:
    offers = await asyncio.gather(*(_offer(prefix, base_url, seconds) for prefix in prefixes))
    for prefix, offer in zip(prefixes, offers, strict=True):
        is_optional = prefix is not None and len(prefixes) > 1
        if offer.models or not is_optional:
            yield offer


async def _offer(prefix: str | None, base_url: str | None, seconds: float) -> Offer:
    """Return the models of one server; None is the configured one."""
    server = prefix or "configured"
    offer = Offer(server)
    try:
        configured = Options(base_url=base_url)
        provider = resolve_provider(prefix) if prefix else resolve_model(configured).provider
        if not isinstance(provider, ModelLister):
            built_in = "offline/tour, offline/echo, offline/tools"
            return Offer(server, error=f"the built-in models: {built_in}")
        key = await asyncio.to_thread(_describe_key, provider)
        offer = Offer(prefix or provider.name, key=key)
        async with asyncio.timeout(seconds):
            return replace(offer, models=tuple(await provider.models()))
    except TimeoutError:
        return replace(offer, error=f"no answer within {seconds:g} s")
    except CellmageError as error:
        return replace(offer, error=str(error))


def list_keys() -> dict[str, str]:
    """Return for each provider that needs a key the end of its key; empty if it has none.

    Example:
        >>> list_keys()["groq"]
        ''
    """
    remote = [prefix for prefix, endpoint in ENDPOINTS.items() if endpoint.api_key_variable]
    return {prefix: _find_key(prefix) for prefix in remote}


def _find_key(prefix: str) -> str:
    try:
        return _describe_key(resolve_provider(prefix))
    except CellmageError:
        return ""


def _describe_key(provider: Provider) -> str:
    key = getattr(provider, "api_key", None)
    return key.describe() if isinstance(key, Key) else ""
