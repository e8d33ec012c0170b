"""Models and searches of one's own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable

from langchain_core.documents import Document as LangChainDocument
from langchain_core.language_models import FakeListChatModel

from cellmage import (
    CellmageError,
    Complete,
    Conversation,
    Document,
    Endpoint,
    Event,
    Provider,
    ProviderError,
    Request,
    Retriever,
    Search,
    Start,
    Status,
    Token,
    Usage,
    register_provider,
)


class Constant:
    """A provider is a class with a name and a stream; it inherits from nothing."""

    name = "constant"

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        yield Start(request.options.model or "", self.name)
        yield Token("42")
        yield Complete("stop", Usage(1, 1))


class Named(Provider):
    """A provider that inherits from the protocol, has its name as a property, and returns another
    type that asynchronous generators have."""

    @property
    def name(self) -> str:
        return "named"

    async def stream(self, request: Request) -> AsyncIterator[Event]:
        yield Start("", self.name)
        if not request.messages:
            raise ProviderError("there is nothing to answer", kind="bad_request")
        yield Complete("stop")


def choose(name: str) -> Provider:
    """Make a provider for the name of a model, as a plugin does."""
    return Constant() if name == "constant" else Named()


Conversation(provider=Constant())
Conversation(provider=choose("named"))
ENDPOINT = Endpoint("https://api.example.org/v1", "ACME_API_KEY")


async def shout(request: Request) -> AsyncIterator[str]:
    yield request.messages[-1].text.upper()


async def agent(request: Request) -> AsyncGenerator[str | Event, None]:
    yield Status("Searching…")
    yield request.messages[-1].text


provider: Provider = register_provider(shout, name="shout")
register_provider(agent, "agent")
register_provider(FakeListChatModel(responses=["a"]), "fake")


def find_texts(question: str) -> list[str]:
    return [question]


async def find_documents(question: str) -> Iterable[Document]:
    return [Document("Tides", question, "tides.md", 3)]


def find_with_langchain(question: str) -> list[LangChainDocument]:
    return [LangChainDocument(page_content=question, metadata={"source": "a.md"})]


def search(chat: Conversation, search: Search) -> None:
    chat.ask("When?", retriever=search)
    chat.ask("When?", retriever=find_texts)
    chat.ask("When?", retriever=find_documents)
    chat.ask("When?", retriever=find_with_langchain)
    chat.stream("When?", retriever=Retriever("notes", find_texts))
    chat.compare("When?", "a,b", retriever=None)


def explain(error: CellmageError) -> str:
    return f"{error.kind}: {error}" if isinstance(error, ProviderError) else str(error)
