"""Which models can be asked: what the configured server offers, and which local servers answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from ..errors import CellmageError
from ..options import Options
from ..runtime.loop import Flow
from .registry import ModelLister, choose, local_servers

LIMIT = 5.0
"""Seconds that a server may take to say what it offers."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one server offers.

    Args:
        server: its host, or the name that goes before the slash of its models.
        models: what it can be asked for; empty when it did not say.
        error: why it did not say.
    """

    server: str
    models: tuple[str, ...] = ()
    error: str = ""


def catalogue(prefix: str | None = None, base_url: str | None = None) -> list[Offer]:
    """What can be asked: of one provider, or of the configured server and those on this machine.

    Args:
        prefix: the name of a provider; None for the configured server and the local ones.
        base_url: the address of the configured server, where no environment variable has it.

    Raises:
        ConfigError: the provider has no key or no address.
    """
    names: list[str | None] = [prefix] if prefix else [None, *local_servers()]
    with Flow(_offers(names, base_url)) as flow:
        return [offer for batch in flow.batches() for offer in batch]


async def _offers(names: list[str | None], base_url: str | None) -> AsyncGenerator[Offer, None]:
    every = await asyncio.gather(*(_offer(name, base_url) for name in names))
    for name, offer in zip(names, every, strict=True):
        if offer.models or not name or len(names) == 1:  # a local server may well not run
            yield offer


async def _offer(name: str | None, base_url: str | None) -> Offer:
    """What one server offers, or why it does not say."""
    server = name or "configured"
    try:
        if name is None:
            provider = choose(Options(base_url=base_url)).provider
        else:
            provider = choose(Options(model=f"{name}/any")).provider
        if not isinstance(provider, ModelLister):
            built_in = "offline/tour, offline/echo, offline/tools"
            return Offer(server, error=f"the built-in models: {built_in}")
        async with asyncio.timeout(LIMIT):
            return Offer(name or provider.name, tuple(await provider.models()))
    except TimeoutError:
        return Offer(server, error=f"no answer within {LIMIT:g} s")
    except CellmageError as error:
        return Offer(server, error=str(error))
