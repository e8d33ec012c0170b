"""Find the provider of a model by the model's name."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches

from ..errors import ConfigError, UsageError
from ..events import Event
from ..messages import Request
from ..options import Options
from ..text import truncate
from .base import Provider
from .endpoints import ENDPOINTS, OPENAI, Endpoint
from .environment import ENVIRON
from .keystore import find_key, key_file_problem
from .offline import MODELS, OfflineProvider
from .plugins import load_plugin
from .servers import ResolvedModel, endpoint_at, endpoint_for_prefix, is_openai, server_provider

_MAX_NAME_CHARS = 100

DEFAULT_MODEL = "gpt-6-luna"
"""The model of a configured server, where the user names none."""

DEFAULT_OFFLINE_MODEL = "offline/tour"
"""The model where neither a server nor a key is configured."""


def default_model(environ: Mapping[str, str] = ENVIRON, base_url: str | None = None) -> str:
    """Return the model to ask if the user names none.

    It is ``CELLMAGE_MODEL``, else the model of a configured server, else an offline one.

    Args:
        environ: the environment variables.
        base_url: the base URL that the options name.

    Raises:
        ConfigError: no key was found, and a line of the key file cannot be read.

    Example:
        >>> default_model({}), default_model({"OPENAI_API_KEY": "k"})
        ('offline/tour', 'gpt-6-luna')
    """
    if name := environ.get("CELLMAGE_MODEL"):
        return name
    is_configured = base_url or environ.get("OPENAI_BASE_URL") or environ.get("OPENAI_API_KEY")
    if is_configured or find_key("OPENAI_API_KEY"):
        return DEFAULT_MODEL
    if problem := key_file_problem():
        raise ConfigError(f"no key was found: {problem}")
    return DEFAULT_OFFLINE_MODEL


def default_endpoint(environ: Mapping[str, str] = ENVIRON) -> Endpoint:
    """Return the endpoint for names without a prefix: ``OPENAI_BASE_URL``, else OpenAI.

    Example:
        >>> default_endpoint({"OPENAI_BASE_URL": "http://localhost:8000/v1"}).base_url
        'http://localhost:8000/v1'
    """
    return endpoint_at(environ.get("OPENAI_BASE_URL") or OPENAI.base_url)


def resolve_model(options: Options, environ: Mapping[str, str] = ENVIRON) -> ResolvedModel:
    """Return the provider for these options; a model that is named never becomes another one.

    Args:
        options: ``model`` is one of:

            - the name of a registered provider;
            - ``offline/NAME`` or ``gguf/PATH``, which need no server;
            - ``PREFIX/NAME``, where the prefix is a known server or a plugin; if that server needs
              a key that is not set, and ``OPENAI_BASE_URL`` is, the name is one of the configured
              server, as ``deepseek/deepseek-r1`` is at LM Studio or OpenRouter;
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
    target = endpoint_for_prefix(prefix, default, environ) if has_prefix else None
    if isinstance(target, Endpoint):
        return server_provider(target, suffix, default, environ)
    if target is not None:
        return ResolvedModel(target(suffix), suffix)
    endpoint = endpoint_at(options.base_url) if options.base_url else default
    # "openai/" is a prefix for OpenAI's own server alone; elsewhere it may belong to the name of
    # the model, as in "openai/gpt-oss-20b".
    model = name.removeprefix("openai/") if is_openai(endpoint) else name
    return server_provider(endpoint, model, default, environ)


def resolve_models(options: Options, environ: Mapping[str, str] = ENVIRON) -> list[ResolvedModel]:
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


def resolve_or_defer(options: Options) -> list[ResolvedModel]:
    """Return the models to ask in turn; one that cannot be asked raises its error when it is.

    A recording may answer in its place: it needs no key.

    Example:
        >>> [resolved.model for resolved in resolve_or_defer(Options(model="offline/nothing"))]
        ['offline/nothing']
    """
    try:
        return resolve_models(options)
    except ConfigError as error:
        return [ResolvedModel(UnavailableProvider(error), options.model or DEFAULT_MODEL)]


class UnavailableProvider:
    """A provider that cannot be asked, because a key or an address is missing.

    Args:
        error: why.
    """

    name = "unavailable"

    def __init__(self, error: ConfigError) -> None:
        self.error = error

    def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """Raise the error."""
        raise self.error


def resolve_provider(prefix: str, environ: Mapping[str, str] = ENVIRON) -> Provider:
    """Return the provider of a prefix, and no other one if its key is missing.

    Args:
        prefix: what the names of its models begin with, before the slash.
        environ: as for `resolve_model`.

    Raises:
        ConfigError: the provider is unknown, or its key or address is missing.

    Example:
        >>> resolve_provider("ollama", {}).name
        'localhost:11434'
    """
    check_prefix(prefix)
    endpoint = ENDPOINTS.get(prefix)
    if prefix in _registered:
        return _registered[prefix]
    if endpoint is None:
        return resolve_model(Options(model=f"{prefix}/any"), environ).provider
    return server_provider(endpoint, f"{prefix}/…", default_endpoint(environ), environ).provider


def check_prefix(prefix: str) -> None:
    """Refuse an unknown prefix, and name the nearest provider.

    Args:
        prefix: what the names of models begin with, before the slash.

    Raises:
        ConfigError: neither a server nor a package nor a registered provider has this name.

    Example:
        >>> check_prefix("grok")
        Traceback (most recent call last):
        ...
        cellmage.errors.ConfigError: there is no provider 'grok'; did you mean groq?
    """
    names = [*ENDPOINTS, *_BUILT_IN, *list_registered()]
    if prefix in names or load_plugin(prefix) is not None:
        return
    nearest = get_close_matches(prefix[:_MAX_NAME_CHARS], names, 1)
    advice = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(names)}"
    raise ConfigError(f"there is no provider {truncate(prefix, _MAX_NAME_CHARS)!r}; {advice}")


# Providers of this process.

_registered: dict[str, Provider] = {}


def register(name: str, provider: Provider) -> None:
    """Let a provider answer for the model of this name.

    Raises:
        UsageError: the name is empty, or contains a slash, a comma or a space.
    """
    if not name or not set(name).isdisjoint("/, \t\n"):
        raise UsageError(
            f"{truncate(name, _MAX_NAME_CHARS)!r} cannot name a model: no slash, no comma, no space"
        )
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
        missing = f"offline/{truncate(name, _MAX_NAME_CHARS)}"
        raise ConfigError(f"there is no model {missing}; the offline models are {names}")
    return ResolvedModel(OfflineProvider(is_default), f"offline/{name}")


def _gguf(path: str, is_default: bool) -> ResolvedModel:
    from .llamacpp import LlamaCppProvider, find_weights  # noqa: PLC0415 - an optional dependency

    return ResolvedModel(LlamaCppProvider(find_weights(path)), f"gguf/{path}")


_BUILT_IN: Mapping[str, Callable[[str, bool], ResolvedModel]] = {"offline": _offline, "gguf": _gguf}
