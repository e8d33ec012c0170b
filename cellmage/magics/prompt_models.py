"""The models that a prompt asks, and the streams of their answers."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..content import Prompt
from ..conversation.conversation import Conversation
from ..options import Options
from ..providers.registry import resolve_models, resolve_or_defer
from ..providers.servers import ResolvedModel
from ..stream.response_stream import ResponseStream
from .settings import Settings, call_options


class PromptModels:
    """Finds the models that a prompt asks, and their keys.

    Args:
        settings: the values for what the flags of a prompt leave open.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hosts: set[str] = set()

    def resolve(self, args: Namespace, can_defer: bool) -> list[Sequence[ResolvedModel]]:
        """Return the models of each answer, in the order in which they are asked.

        Args:
            args: the flags of ``%%llm``.
            can_defer: True if a recording may answer: a model without a key is then no error.
        """
        options = call_options(self._settings, args)
        find = resolve_or_defer if can_defer else resolve_models
        return [find(replace(options, model=name)) for name in args.compare or [options.model]]

    def names(self, args: Namespace, can_defer: bool) -> list[str]:
        """Return the names of all models that may be asked."""
        resolved = self.resolve(args, can_defer)
        return [model.model for candidates in resolved for model in candidates]

    def find_keys(self, options: Options, can_defer: bool) -> Sequence[ResolvedModel]:
        """Return the models of these options; look for their keys, which the policy must know.

        A keyring may take long, so the provider looks into it on a thread, after the policy.
        """
        find = resolve_or_defer if can_defer else resolve_models
        models = find(options)
        for resolved in models:
            if resolved.provider.name not in self._hosts:
                self._hosts.add(resolved.provider.name)
                getattr(resolved.provider, "api_key", None)
        return models


def open_streams(
    chat: Conversation, prompt: Prompt, args: Namespace, arguments: Mapping[str, Any]
) -> tuple[Sequence[ResponseStream], ResponseStream]:
    """Return the streams of a prompt, one for each model that is compared, and the selected one."""
    if args.compare:
        comparison = chat.compare(prompt, args.compare, select=args.select, **arguments)
        return comparison.streams, comparison.selected
    stream = chat.stream(prompt, **arguments)
    return [stream], stream
