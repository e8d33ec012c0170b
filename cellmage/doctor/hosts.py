"""Whether servers can be reached; asked for by ``--hosts``, as it tells them that you are there."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from ..providers.endpoints import ENDPOINTS, Endpoint
from ..providers.environment import ENVIRON
from ..providers.keystore import find_in_environment, find_in_key_file
from ..providers.registry import default_endpoint
from ..urls import host_of, is_loopback

_SECONDS = 5.0


def check_hosts() -> Iterator[tuple[str, str]]:
    """Yield for each server that may be asked whether it answers; no key is sent.

    They are the default server, those whose key is set, and those on this machine.
    """
    addresses = {host_of(address): address for address in _addresses()}
    with ThreadPoolExecutor(max_workers=len(addresses)) as pool:
        yield from zip(addresses, pool.map(_reach, addresses.values()), strict=True)


def _addresses() -> Iterator[str]:
    yield default_endpoint().base_url
    for endpoint in ENDPOINTS.values():
        if "{" not in endpoint.base_url and (is_loopback(endpoint.base_url) or _has_key(endpoint)):
            yield endpoint.base_url


def _has_key(endpoint: Endpoint) -> bool:
    variable = endpoint.api_key_variable or ""
    return bool(find_in_environment(ENVIRON, variable) or find_in_key_file(variable))


def _reach(address: str) -> str:
    """Return "reached" if a server answers at an address, whatever it says; else why not."""
    try:
        urllib.request.urlopen(address, timeout=_SECONDS).close()
    except urllib.error.HTTPError as error:  # without a key, most refuse
        error.close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return f"not reached ({type(reason).__name__})"
    return "reached"
