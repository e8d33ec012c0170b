"""Find the server of a model, and the key for its host."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from ..errors import ConfigError
from ..text import excerpt, truncate
from ..urls import check_base_url, host_of, normalize_base_url
from .base import Provider
from .endpoints import ENDPOINTS, OPENAI, Endpoint
from .keys import Key
from .keystore import (
    find_in_environment,
    find_in_key_file,
    find_in_keyring,
    find_key,
    key_file_path,
    key_file_problem,
    keyring_name,
)
from .openai import OpenAIProvider
from .plugins import load_plugin

_MAX_NAME_CHARS = 100
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


def endpoint_for_prefix(
    prefix: str, default: Endpoint, environ: Mapping[str, str]
) -> Endpoint | Callable[[str], Provider] | None:
    """Return who answers for the models with this prefix; None for the configured server."""
    target = ENDPOINTS.get(prefix) or load_plugin(prefix)
    if not is_openai(default):
        has_target = not isinstance(target, Endpoint) or _has_key(target, default, environ)
        return target if has_target and target is not OPENAI else None
    if target is None:
        names = ", ".join(f"{name}/…" for name in ENDPOINTS)
        raise ConfigError(
            f"there is no provider {truncate(prefix, _MAX_NAME_CHARS)!r} (there are {names}); "
            "set OPENAI_BASE_URL to use another server"
        )
    return None if target is OPENAI else target


def is_openai(endpoint: Endpoint) -> bool:
    """Return whether an endpoint is OpenAI's own server."""
    return endpoint.api_key_variable == OPENAI.api_key_variable


def _has_key(endpoint: Endpoint, default: Endpoint, environ: Mapping[str, str]) -> bool:
    """Return whether the key that an endpoint needs is set, or belongs to the configured server."""
    variable = endpoint.api_key_variable
    if variable is None or find_in_environment(environ, variable):
        return True
    hosts = [] if "{" in endpoint.base_url else [host_of(endpoint.base_url)]
    return host_of(default.base_url) in hosts or bool(find_key(*hosts, variable))


def endpoint_at(base_url: str) -> Endpoint:
    """Return the endpoint of a base URL that the user typed, with the habits of a known host."""
    host = host_of(base_url)
    for endpoint in ENDPOINTS.values():
        is_remote = endpoint.base_url.startswith("https:")
        if is_remote and host_of(endpoint.base_url) == host:
            return replace(endpoint, base_url=base_url)
    return Endpoint(base_url)


def server_provider(
    endpoint: Endpoint, model: str, default: Endpoint, environ: Mapping[str, str]
) -> ResolvedModel:
    """Return the provider of a server, with the key for its host."""
    endpoint = _fill_url(endpoint, model, environ)
    check_base_url(endpoint.base_url, environ)
    host = host_of(endpoint.base_url)
    key = _api_key_for(endpoint, host, default, environ)
    if key is None and endpoint.api_key_variable is None:
        # The keyring may take long, and most such servers need no key.
        return ResolvedModel(
            OpenAIProvider(endpoint, find_key=partial(find_in_keyring, host)), model
        )
    key = key or find_in_keyring(host, *filter(None, [endpoint.api_key_variable]))
    if key is None:
        raise _missing_key(endpoint, model, host)
    return ResolvedModel(OpenAIProvider(endpoint, key), model)


def _missing_key(endpoint: Endpoint, model: str, host: str) -> ConfigError:
    advice = key_file_problem() or (
        f"set the environment variable {endpoint.api_key_variable}, put it into the "
        f"{keyring_name()} or {key_file_path()}, or set OPENAI_BASE_URL to use another server"
    )
    message = f"{truncate(model, _MAX_NAME_CHARS)} at {host} needs a key: {advice}"
    return ConfigError(message, host=host, model=model)


def _api_key_for(
    endpoint: Endpoint, host: str, default: Endpoint, environ: Mapping[str, str]
) -> Key | None:
    """Return the key for a host, but not from the keyring.

    ``OPENAI_API_KEY`` belongs to the host that it was set for.
    """
    variables = [endpoint.api_key_variable] if endpoint.api_key_variable else []
    candidates = [name for name in variables if name != OPENAI.api_key_variable]
    if host == host_of(default.base_url):
        candidates.insert(0, "OPENAI_API_KEY")
    # A stored key has the name of its host, or of the variable that belongs to that host.
    return find_in_environment(environ, *candidates) or find_in_key_file(host, *variables)


def _fill_url(endpoint: Endpoint, model: str, environ: Mapping[str, str]) -> Endpoint:
    """Return the endpoint with the variables in its base URL replaced by their values."""
    for variable in _VARIABLE.findall(endpoint.base_url):
        if not environ.get(variable):
            raise ConfigError(
                f"{excerpt(model)} needs an address: set the environment variable {variable}"
            )

    def fill(match: re.Match[str]) -> str:
        # Azure's portal shows the address with and without the path that follows it here.
        url = urlsplit(normalize_base_url(environ[match[1]]))
        folder = endpoint.base_url[match.end() :].split("/")[1]
        return f"{url.scheme}://{url.netloc}{url.path.partition(f'/{folder}')[0]}"

    return replace(endpoint, base_url=_VARIABLE.sub(fill, endpoint.base_url))
