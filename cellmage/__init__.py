"""Read a language model's answer in a notebook cell as it is written.

In a notebook::

    %load_ext cellmage

    %%llm --stream
    Why is the sky blue?

In a program::

    from cellmage import Conversation

    for text in Conversation().stream("Why is the sky blue?"):
        print(text, end="", flush=True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .batch.engines.batch_function import map_batch
from .batch.map import map_rows as map
from .batch.results import Results
from .batch.row_result import Counts, RowResult
from .content import File, Image
from .conversation.conversation import Conversation
from .conversation.saved_notebooks import read
from .conversation.stream_arguments import StreamArguments
from .errors import (
    CellmageError,
    ConfigError,
    ConnectError,
    HTTPStatusError,
    IncompleteResponseError,
    OutputValidationError,
    ProtocolError,
    ProviderError,
    ReplayError,
    ResponseTimeoutError,
    SpendLimitError,
    UsageError,
)
from .events import (
    Complete,
    Document,
    Event,
    Fallback,
    Kept,
    Mark,
    Marks,
    Notice,
    ProviderState,
    Reasoning,
    Reclassification,
    Start,
    Status,
    Token,
    ToolCall,
    ToolResult,
)
from .messages import Message, Request, Response, Timings, ToolInvocation, ToolStep, Usage
from .options import OptionFields, Options
from .pipeline.retrieval import Retriever, Search
from .pipeline.tools import Approval
from .providers.adapters import register_provider
from .providers.base import Provider
from .providers.endpoints import Endpoint
from .recording import Recorder
from .rendering import show
from .stream.comparison import Comparison
from .stream.response_stream import ResponseStream
from .stream.views import BufferedView, EventView, JSONView
from .tools import Tool, tool, web_search
from .turns import CellRef, Turn

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "1.0.0.dev0"

__all__ = [
    "Approval",
    "BufferedView",
    "CellRef",
    "CellmageError",
    "Comparison",
    "Complete",
    "ConfigError",
    "ConnectError",
    "Conversation",
    "Counts",
    "Document",
    "Endpoint",
    "Event",
    "EventView",
    "Fallback",
    "File",
    "HTTPStatusError",
    "Image",
    "IncompleteResponseError",
    "JSONView",
    "Kept",
    "Mark",
    "Marks",
    "Message",
    "Notice",
    "OptionFields",
    "Options",
    "OutputValidationError",
    "ProtocolError",
    "Provider",
    "ProviderError",
    "ProviderState",
    "Reasoning",
    "Reclassification",
    "Recorder",
    "ReplayError",
    "Request",
    "Response",
    "ResponseStream",
    "ResponseTimeoutError",
    "Results",
    "Retriever",
    "RowResult",
    "Search",
    "SpendLimitError",
    "Start",
    "Status",
    "StreamArguments",
    "Timings",
    "Token",
    "Tool",
    "ToolCall",
    "ToolInvocation",
    "ToolResult",
    "ToolStep",
    "Turn",
    "Usage",
    "UsageError",
    "load_ipython_extension",
    "map",
    "map_batch",
    "read",
    "register_provider",
    "show",
    "tool",
    "unload_ipython_extension",
    "web_search",
]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """``%load_ext cellmage``: add the magics to this shell."""
    from .magics import load  # noqa: PLC0415 - a program that does not run IPython needs none

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """``%unload_ext cellmage``: take them away again."""
    from .magics import unload  # noqa: PLC0415

    unload(shell)
