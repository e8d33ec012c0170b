"""Which provider answers, by the name of the model."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ..errors import ConfigError, UsageError
from ..options import Options
from ..urls import check_address, host_of
from .base import ModelLister, Provider
from .endpoints import ENDPOINTS, OPENAI, Endpoint
from .keys import Key, refuse_keys, without_secrets
from .keystore import key_file, keys_in, stored_key
from .offline import MODELS, OfflineProvider
from .plugins import plugin

DEFAULT_MODEL = "gpt-4o-mini"
OFFLINE_DEFAULT = "offline/tour"

__all__ = [
    "ResolvedModel",
    "ModelLister",
    "choose",
    "default_model",
    "local_servers",
    "refuse_own_keys",
    "register",
    "without_secrets",
]


@dataclass(frozen=True, slots=True)
class ResolvedModel:
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
    is_configured = base_url or environ.get("OPENAI_BASE_URL") or environ.get("OPENAI_API_KEY")
    return DEFAULT_MODEL if is_configured or stored_key("OPENAI_API_KEY") else OFFLINE_DEFAULT


def choose(options: Options, environ: Mapping[str, str] = os.environ) -> ResolvedModel:
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
    if model in _registered:
        return ResolvedModel(_registered[model], model)
    if make := _OWN.get(prefix):
        return make(rest, options.model is None)
    home = _at(environ.get("OPENAI_BASE_URL") or OPENAI.base_url)
    found = _at(options.base_url) if options.base_url else _named(prefix if rest else "", home)
    if not isinstance(found, Endpoint):
        return ResolvedModel(found(rest), rest)
    # Another server than OpenAI's own may have models whose ids begin with openai/, or as any.
    is_prefixed = found is not home and not options.base_url
    name = rest if is_prefixed or (prefix == "openai" and found.api_key_variable) else model
    return _remote(found, name, home, environ)


def resolve_models(
    options: Options, environ: Mapping[str, str] = os.environ
) -> list[ResolvedModel]:
    """Return the models to ask in turn: those of ``model`` with commas, then those of ``fallback``.

    Raises:
        ConfigError: as `choose`.
    """
    names = [*(options.model or "").split(","), *(options.fallback or ())]
    return [choose(replace(options, model=name.strip() or None), environ) for name in names]


_registered: dict[str, Provider] = {}


def register(name: str, provider: Provider) -> None:
    """Have a provider of this process's own answer for models of this name.

    Raises:
        UsageError: the name is empty, or has a slash, a comma or a space.
    """
    if not name or not set(name).isdisjoint("/, \t\n"):
        raise UsageError(f"{name!r} cannot name a model: no slash, no comma, no space")
    _registered[name] = provider


def registered() -> list[str]:
    """The names of the models that `register` was given."""
    return sorted(_registered)


def _offline(name: str, is_unasked: bool) -> ResolvedModel:
    if name not in MODELS:
        known = ", ".join(f"offline/{each}" for each in MODELS)
        raise ConfigError(f"there is no model offline/{name}; the offline ones are {known}")
    return ResolvedModel(OfflineProvider(unasked=is_unasked), f"offline/{name}")


def _weights(path: str, is_unasked: bool) -> ResolvedModel:
    from .llamacpp import LocalProvider, weights  # noqa: PLC0415 - not needed for the others

    return ResolvedModel(LocalProvider(weights(path)), f"gguf/{path}")


_OWN = {"offline": _offline, "gguf": _weights}


def _named(prefix: str, home: Endpoint) -> Endpoint | Callable[[str], Provider]:
    """Who answers for models that begin with this prefix: the configured server, if nobody."""
    found = ENDPOINTS.get(prefix) or plugin(prefix)
    if prefix and found is None and home.api_key_variable:
        known = ", ".join(f"{name}/…" for name in ENDPOINTS)
        raise ConfigError(
            f"there is no provider {prefix!r} (there are {known}); "
            "set OPENAI_BASE_URL to use another server"
        )
    return home if found is None or found is OPENAI else found


def _at(base_url: str) -> Endpoint:
    """The endpoint at an address that somebody typed."""
    if host_of(base_url) == host_of(OPENAI.base_url):
        return replace(OPENAI, base_url=base_url)
    return Endpoint(base_url)


def _remote(endpoint: Endpoint, model: str, home: Endpoint, environ: Mapping[str, str]) -> ResolvedModel:
    endpoint = _filled(endpoint, model, environ)
    check_address(endpoint.base_url, environ)
    host = host_of(endpoint.base_url)
    key = _key_for(endpoint, host, home, environ)
    if endpoint.api_key_variable and not key:
        raise ConfigError(
            f"{model} at {host} needs a key: set the environment variable "
            f"{endpoint.api_key_variable}, put it into the keyring or {key_file()}, "
            "or set OPENAI_BASE_URL to use another server",
            host=host,
            model=model,
        )
    from .openai import OpenAIProvider  # noqa: PLC0415 - not needed for the offline models

    return ResolvedModel(OpenAIProvider(endpoint, Key(key) if key else None), model)


def _key_for(
    endpoint: Endpoint, host: str, home: Endpoint, environ: Mapping[str, str]
) -> str | None:
    """The key for a host. OPENAI_API_KEY belongs to the host that it was set for."""
    variable = (
        endpoint.api_key_variable if endpoint.api_key_variable != OPENAI.api_key_variable else None
    )
    key = environ.get(variable) if variable else None
    if host == host_of(home.base_url):
        key = environ.get("OPENAI_API_KEY") or key
    # A stored key has the name of its host, or of the variable that belongs to that host.
    return key or stored_key(
        host, *([endpoint.api_key_variable] if endpoint.api_key_variable else [])
    )


def local_servers() -> list[str]:
    """The names of the servers that are looked for on this machine."""
    return [name for name, each in ENDPOINTS.items() if each.base_url.startswith("http://")]


def refuse_own_keys(texts: Iterable[str], environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to send one of the keys that are configured here to a model.

    Raises:
        UsageError: a text holds one; nothing was sent.
    """
    variables = {each.api_key_variable for each in ENDPOINTS.values() if each.api_key_variable}
    from_environ = {name: environ[name] for name in sorted(variables) if environ.get(name)}
    refuse_keys(texts, {**keys_in(key_file()), **from_environ})


def _filled(endpoint: Endpoint, model: str, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint with an address that is complete."""
    for variable in _VARIABLE.findall(endpoint.base_url):
        if not environ.get(variable):
            raise ConfigError(f"{model} needs an address: set the environment variable {variable}")
    filled = _VARIABLE.sub(lambda match: environ[match[1]].rstrip("/"), endpoint.base_url)
    return replace(endpoint, base_url=filled)


_VARIABLE = re.compile(r"\{(\w+)\}")
