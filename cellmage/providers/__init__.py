"""Which provider answers, by the name of the model."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..errors import ConfigError
from ..messages import Options
from .addresses import check_address, host_of
from .base import ModelLister, Provider
from .endpoints import ENDPOINTS, OPENAI, Endpoint
from .keys import Key, check_key, looks_like_a_key, refuse_keys
from .offline import MODELS, OfflineProvider

DEFAULT_MODEL = "gpt-4o-mini"
OFFLINE_DEFAULT = "offline/tour"

__all__ = [
    "Choice",
    "ModelLister",
    "choose",
    "default_model",
    "host_of",
    "local_servers",
    "looks_like_a_key",
    "refuse_own_keys",
]


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider, and the name that it knows the model by."""

    provider: Provider
    model: str


def default_model(environ: Mapping[str, str] = os.environ, base_url: str | None = None) -> str:
    """The model for those who named none: the offline one when no key and no address is set.

    Example:
        >>> default_model({}), default_model({"OPENAI_API_KEY": "k"})
        ('offline/tour', 'gpt-4o-mini')
    """
    if named := environ.get("CELLMAGE_MODEL"):
        return named
    configured = base_url or environ.get("OPENAI_BASE_URL") or environ.get("OPENAI_API_KEY")
    return DEFAULT_MODEL if configured else OFFLINE_DEFAULT


def choose(options: Options, environ: Mapping[str, str] = os.environ) -> Choice:
    """The provider for these options; a model that is named never becomes another one.

    Args:
        options: ``model`` is ``provider/model``, or a bare name for the configured endpoint
            (``OPENAI_BASE_URL``, else OpenAI); with ``base_url`` it is sent as it stands.
        environ: where addresses and keys are read from.

    Raises:
        ConfigError: no such offline model, no key for the model, or no usable address.

    Example:
        >>> choose(Options(model="ollama/llama3.2"), {}).model
        'llama3.2'
    """
    model = options.model or default_model(environ, options.base_url)
    prefix, _, rest = model.partition("/")
    if prefix == "offline":
        if rest not in MODELS:
            known = ", ".join(f"offline/{name}" for name in MODELS)
            raise ConfigError(f"there is no model {model}; the offline ones are {known}")
        return Choice(OfflineProvider(unasked=options.model is None), model)
    if prefix == "gguf":
        from .local import LocalProvider, weights  # noqa: PLC0415 - not needed for the others

        return Choice(LocalProvider(weights(rest)), model)
    home = _at(environ.get("OPENAI_BASE_URL") or OPENAI.base_url)
    if options.base_url:
        return _remote(_at(options.base_url), model, home, environ)
    if rest and prefix in ENDPOINTS:
        if ENDPOINTS[prefix] is not OPENAI:
            return _remote(ENDPOINTS[prefix], rest, home, environ)
        # Another server than OpenAI's own may have models whose ids begin with openai/.
        return _remote(home, rest if home.key else model, home, environ)
    if rest and home.key:
        known = ", ".join(f"{name}/…" for name in ENDPOINTS)
        raise ConfigError(
            f"there is no provider {prefix!r} for {model} (there are {known}); "
            "set OPENAI_BASE_URL to use another server"
        )
    return _remote(home, model, home, environ)


def _at(base_url: str) -> Endpoint:
    """The endpoint at an address that somebody typed."""
    if host_of(base_url) == host_of(OPENAI.base_url):
        return replace(OPENAI, base_url=base_url)
    return Endpoint(base_url)


def _remote(endpoint: Endpoint, model: str, home: Endpoint, environ: Mapping[str, str]) -> Choice:
    endpoint = _filled(endpoint, model, environ)
    check_address(endpoint.base_url, environ)
    host = host_of(endpoint.base_url)
    # OPENAI_API_KEY belongs to the host that it was set for, and goes nowhere else.
    variable = endpoint.key if endpoint.key != OPENAI.key else None
    key = environ.get(variable) if variable else None
    if host == host_of(home.base_url):
        key = environ.get("OPENAI_API_KEY") or key
    if endpoint.key and not key:
        raise ConfigError(
            f"{model} at {host} needs a key: set the environment variable {endpoint.key}, "
            "or OPENAI_BASE_URL to use another server",
            host=host,
            model=model,
        )
    check_key(key or "", host)
    from .openai import OpenAIProvider  # noqa: PLC0415 - not needed for the offline models

    return Choice(OpenAIProvider(endpoint, Key(key) if key else None), model)


def local_servers() -> list[str]:
    """The names of the servers that are looked for on this machine."""
    return [name for name, each in ENDPOINTS.items() if each.base_url.startswith("http://")]


def refuse_own_keys(texts: Iterable[str], environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to send one of the keys that are configured here to a model.

    Raises:
        UsageError: a text holds one; nothing was sent.
    """
    refuse_keys(texts, {each.key for each in ENDPOINTS.values() if each.key}, environ)


def _filled(endpoint: Endpoint, model: str, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint with an address that is complete."""
    for variable in _VARIABLE.findall(endpoint.base_url):
        if not environ.get(variable):
            raise ConfigError(f"{model} needs an address: set the environment variable {variable}")
    filled = _VARIABLE.sub(lambda match: environ[match[1]].rstrip("/"), endpoint.base_url)
    return replace(endpoint, base_url=filled)


_VARIABLE = re.compile(r"\{(\w+)\}")
