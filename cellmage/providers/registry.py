"""Find the provider of a model by the model's name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ..errors import ConfigError, UsageError
from ..options import Options
from ..urls import check_base_url, host_of
from .base import Provider
from .endpoints import ENDPOINTS, OPENAI, Endpoint
from .keys import Key
from .keystore import find_key, key_file_path
from .offline import MODELS, OfflineProvider
from .plugins import load_plugin

DEFAULT_MODEL = "gpt-4o-mini"
"""The model of a configured server, where the user names none."""

DEFAULT_OFFLINE_MODEL = "offline/tour"
"""The model where neither a server nor a key is configured."""

_VARIABLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A provider, and the name of the model as the provider knows it.

    Args:
        provider: answers the requests.
        model: the name that is sent to it.
    """

    provider: Provider
    model: str


def default_model(environ: Mapping[str, str] = os.environ, base_url: str | None = None) -> str:
    """Return the model to ask if the user names none.

    It is ``CELLMAGE_MODEL``, else the model of a configured server, else an offline one.

    Args:
        environ: the environment variables.
        base_url: the base URL that the options name.

    Example:
        >>> default_model({}), default_model({"OPENAI_API_KEY": "k"})
        ('offline/tour', 'gpt-4o-mini')
    """
    if name := environ.get("CELLMAGE_MODEL"):
        return name
    is_configured = base_url or environ.get("OPENAI_BASE_URL") or environ.get("OPENAI_API_KEY")
    return DEFAULT_MODEL if is_configured or find_key("OPENAI_API_KEY") else DEFAULT_OFFLINE_MODEL


def default_endpoint(environ: Mapping[str, str] = os.environ) -> Endpoint:
    """Return the endpoint for names without a prefix: ``OPENAI_BASE_URL``, else OpenAI.

    Example:
        >>> default_endpoint({"OPENAI_BASE_URL": "http://localhost:8000/v1"}).base_url
        'http://localhost:8000/v1'
    """
    return _endpoint_at(environ.get("OPENAI_BASE_URL") or OPENAI.base_url)


def resolve_model(options: Options, environ: Mapping[str, str] = os.environ) -> ResolvedModel:
    """Return the provider for these options; a model that is named never becomes another one.

    Args:
        options: ``model`` is one of:

            - the name of a registered provider;
            - ``offline/NAME`` or ``gguf/PATH``, which need no server;
            - ``PREFIX/NAME``, where the prefix is a known server or a plugin;
            - any other name, for the configured server (`default_endpoint`).

            With ``base_url`` that server is asked, and the name is sent unchanged.
        environ: the environment variables, for addresses and keys.

    Raises:
        ConfigError: the offline model does not exist, the model needs a key, or the address cannot
            be used.

    Example:
        >>> resolve_model(Options(model="ollama/llama3.2"), {}).model
        'llama3.2'
    """
    name = options.model or default_model(environ, options.base_url)
    prefix, _, suffix = name.partition("/")
    if name in _registered:
        return ResolvedModel(_registered[name], name)
    if prefix in _BUILT_IN:
        return _BUILT_IN[prefix](suffix, options.model is None)
    default = default_endpoint(environ)
    has_prefix = bool(prefix and suffix) and not options.base_url
    target = _endpoint_for_prefix(prefix, default) if has_prefix else None
    if isinstance(target, Endpoint):
        return _openai_provider(target, suffix, default, environ)
    if target is not None:
        return ResolvedModel(target(suffix), suffix)
    endpoint = _endpoint_at(options.base_url) if options.base_url else default
    # "openai/" is a prefix for OpenAI's own server alone; elsewhere it may belong to the name of
    # the model, as in "openai/gpt-oss-20b".
    is_openai = endpoint.api_key_variable == OPENAI.api_key_variable
    model = name.removeprefix("openai/") if is_openai else name
    return _openai_provider(endpoint, model, default, environ)


def resolve_models(
    options: Options, environ: Mapping[str, str] = os.environ
) -> list[ResolvedModel]:
    """Return the models to ask in turn: those of ``model`` with commas, then those of ``fallback``.

    Args:
        options, environ: as for `resolve_model`.

    Raises:
        ConfigError: as for `resolve_model`.

    Example:
        >>> options = Options(model="offline/echo,offline/tour")
        >>> [resolved.model for resolved in resolve_models(options)]
        ['offline/echo', 'offline/tour']
    """
    names = [*(options.model or "").split(","), *(options.fallback or ())]
    return [resolve_model(replace(options, model=name.strip() or None), environ) for name in names]


# Providers of this process.

_registered: dict[str, Provider] = {}


def register(name: str, provider: Provider) -> None:
    """Let a provider answer for the model of this name.

    Raises:
        UsageError: the name is empty, or contains a slash, a comma or a space.
    """
    if not name or not set(name).isdisjoint("/, \t\n"):
        raise UsageError(f"{name!r} cannot name a model: no slash, no comma, no space")
    _registered[name] = provider


def unregister(name: str) -> None:
    """Forget the provider of this name, if there is one."""
    _registered.pop(name, None)


def list_registered() -> list[str]:
    """Return the names of the registered providers, sorted."""
    return sorted(_registered)


def local_servers() -> list[str]:
    """Return the prefixes of the servers that run on the user's machine."""
    return [name for name, server in ENDPOINTS.items() if server.base_url.startswith("http://")]


# Models without a server.


def _offline(name: str, is_default: bool) -> ResolvedModel:
    if name not in MODELS:
        names = ", ".join(f"offline/{model}" for model in MODELS)
        raise ConfigError(f"there is no model offline/{name}; the offline models are {names}")
    return ResolvedModel(OfflineProvider(is_default), f"offline/{name}")


def _gguf(path: str, is_default: bool) -> ResolvedModel:
    from .llamacpp import LlamaCppProvider, find_weights  # noqa: PLC0415 - an optional dependency

    return ResolvedModel(LlamaCppProvider(find_weights(path)), f"gguf/{path}")


_BUILT_IN: Mapping[str, Callable[[str, bool], ResolvedModel]] = {"offline": _offline, "gguf": _gguf}


# Models of a server.


def _endpoint_for_prefix(
    prefix: str, default: Endpoint
) -> Endpoint | Callable[[str], Provider] | None:
    """Return who answers for the models with this prefix; None for the configured server."""
    target = ENDPOINTS.get(prefix) or load_plugin(prefix)
    if target is None and default.api_key_variable:
        names = ", ".join(f"{name}/…" for name in ENDPOINTS)
        raise ConfigError(
            f"there is no provider {prefix!r} (there are {names}); "
            "set OPENAI_BASE_URL to use another server"
        )
    return None if target is OPENAI else target


def _endpoint_at(base_url: str) -> Endpoint:
    """Return the endpoint of a base URL that the user typed."""
    if host_of(base_url) == host_of(OPENAI.base_url):
        return replace(OPENAI, base_url=base_url)
    return Endpoint(base_url)


def _openai_provider(
    endpoint: Endpoint, model: str, default: Endpoint, environ: Mapping[str, str]
) -> ResolvedModel:
    """Return the provider of a server, with the key for its host."""
    endpoint = _fill_url(endpoint, model, environ)
    check_base_url(endpoint.base_url, environ)
    host = host_of(endpoint.base_url)
    key = _api_key_for(endpoint, host, default, environ)
    if endpoint.api_key_variable and not key:
        raise ConfigError(
            f"{model} at {host} needs a key: set the environment variable "
            f"{endpoint.api_key_variable}, put it into the keyring or {key_file_path()}, "
            "or set OPENAI_BASE_URL to use another server",
            host=host,
            model=model,
        )
    from .openai import OpenAIProvider  # noqa: PLC0415 - offline models do not need it

    return ResolvedModel(OpenAIProvider(endpoint, Key(key) if key else None), model)


def _api_key_for(
    endpoint: Endpoint, host: str, default: Endpoint, environ: Mapping[str, str]
) -> str | None:
    """Return the key for a host: ``OPENAI_API_KEY`` belongs to the host that it was set for."""
    variables = [endpoint.api_key_variable] if endpoint.api_key_variable else []
    candidates = [name for name in variables if name != OPENAI.api_key_variable]
    if host == host_of(default.base_url):
        candidates.insert(0, "OPENAI_API_KEY")
    keys = (environ[name] for name in candidates if environ.get(name))
    # A stored key has the name of its host, or of the variable that belongs to that host.
    return next(keys, None) or find_key(host, *variables)


def _fill_url(endpoint: Endpoint, model: str, environ: Mapping[str, str]) -> Endpoint:
    """Return the endpoint with the variables in its base URL replaced by their values."""
    for variable in _VARIABLE.findall(endpoint.base_url):
        if not environ.get(variable):
            raise ConfigError(f"{model} needs an address: set the environment variable {variable}")
    url = _VARIABLE.sub(lambda match: environ[match[1]].rstrip("/"), endpoint.base_url)
    return replace(endpoint, base_url=url)
