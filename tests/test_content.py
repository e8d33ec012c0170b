"""The parts of a message: what they are, what they cost, and what is refused."""

from __future__ import annotations

import base64
import copy
import pickle
import zlib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import Conversation, File, Image, Message, Options, Request, Turn, UsageError
from cellmage.content import MAX_BYTES, Part, attachment_tokens, to_content
from cellmage.context_window import estimate_message
from cellmage.file_headers import read_image
from cellmage.magics.dry_run import describe
from cellmage.messages import Response
from cellmage.pipeline.redact import redact
from cellmage.pricing import Budget
from tests.attachments import (
    ADDRESS,
    ANY_ATTACHED,
    IMAGE,
    PDF,
    gif,
    jpeg,
    pdf,
    png,
    webp,
)

SIZES = st.integers(1, 16383)


@given(SIZES, SIZES)
def test_sizes_of_images(width: int, height: int) -> None:
    headers = {
        "image/jpeg": [jpeg(width, height)],
        "image/gif": [gif(width, height)],
        "image/webp": [webp(kind, width, height) for kind in (b"VP8 ", b"VP8L", b"VP8X")],
    }
    for media_type, files in headers.items():
        for data in files:
            assert read_image(data) == (media_type, (width, height))


def test_size_of_a_png() -> None:
    assert read_image(png(7, 5)) == ("image/png", (7, 5))


@given(st.binary(max_size=40), st.sampled_from([jpeg(9, 9), gif(9, 9), webp(b"VP8X", 9, 9), png()]))
def test_any_bytes_after_a_header_are_read(rest: bytes, data: bytes) -> None:
    for end in range(12, len(data)):
        header = read_image(data[:end] + rest)
        assert header is not None
        assert min(header[1]) >= 0


@pytest.mark.parametrize("data", [b"", b"BM" + bytes(60), b"<svg></svg>", pdf(), b"RIFF0000WAVE"])
def test_other_bytes_are_no_image(data: bytes) -> None:
    with pytest.raises(UsageError, match="PNG, JPEG, GIF or WebP"):
        Image(data)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a.png",
        "javascript:alert(1)",
        "https://",
        "https://me:secret@example.org/a.png",
        "https://example.org/a b.png",
        "https://example.org/\u202ea.png",
        "https://[::1/a.png",
        "a.png",
        "https://example.org/" + "a" * 9000,
    ],
)
def test_addresses_that_no_provider_should_load(url: str) -> None:
    with pytest.raises(UsageError, match=r"Image\.from_path"):
        Image.from_url(url)


def test_data_url() -> None:
    encoded = base64.b64encode(IMAGE.data).decode()
    assert Image.from_url(f"DATA:image/png;base64,{encoded}") == IMAGE
    for wrong in (f"data:image/png;base64,*{encoded}", f"data:image/png,{encoded}"):
        with pytest.raises(UsageError, match="base64"):
            Image.from_url(wrong)


def test_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(IMAGE.data)
    (tmp_path / "b.pdf").write_bytes(PDF.data)
    assert Image.from_path(tmp_path / "a.png") == IMAGE
    assert File.from_path(str(tmp_path / "b.pdf")).name == "b.pdf"
    with pytest.raises(UsageError, match=r"b\.pdf: it is not a PNG"):
        Image.from_path(tmp_path / "b.pdf")
    with pytest.raises(UsageError, match=r"a\.png: it is not a PDF"):
        File.from_path(tmp_path / "a.png")
    with pytest.raises(UsageError, match="no such file"):
        Image.from_path(tmp_path / "c.png")


def test_large_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="32 MiB"):
        Image(IMAGE.data + bytes(MAX_BYTES))
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(UsageError, match="32 MiB"):
        Image.from_path(tmp_path / "a.png")


@pytest.mark.parametrize("packed", [False, True])
@given(pages=st.integers(1, 40))
def test_pages_of_a_pdf(packed: bool, pages: int) -> None:
    assert File(pdf(pages, packed)).pages == pages


def test_wrong_prompts() -> None:
    chat = Conversation(Options(model="offline/echo"))
    for wrong in (5, None, [5], {"a": 1}, [b"bytes"], (text for text in "ab")):
        with pytest.raises(UsageError, match="Images and Files"):
            chat.stream(wrong)  # type: ignore[arg-type]
    for empty in ("", " ", [], [""], (" ", "\n")):
        with pytest.raises(UsageError, match="empty"):
            chat.stream(empty)


def test_texts_alone_are_one_text() -> None:
    assert to_content(["One", "Two"]) == "One\nTwo"
    assert to_content(IMAGE) == (IMAGE,)


@given(ANY_ATTACHED)
def test_follow_ups_send_the_parts_in_their_order(parts: list[str | Image | File]) -> None:
    turn = Turn.of(Message("user", to_content(parts)), Response("Hello"))
    chat = Conversation(Options(model="offline/echo"), turns=[turn])
    question, _, _ = chat.request("And now?").messages
    assert question.content == tuple(parts)
    assert question.text == turn.prompt


def test_a_conversation_remembers_what_it_was_shown() -> None:
    chat = Conversation(Options(model="offline/echo"))
    answer = chat.ask(["What is", IMAGE, "this?"])
    assert answer.text == "What is\n(image: PNG, 2 x 1, 70 bytes)\nthis?"
    assert chat.turns[0].prompt == "What is\nthis?"
    assert chat.request("Again").messages[0].content == ("What is", IMAGE, "this?")
    chat.ask(IMAGE)
    assert chat.turns[1].parts == (IMAGE,)


def test_tokens() -> None:
    assert attachment_tokens(Image(jpeg(750, 100))) == 100
    assert attachment_tokens(Image(jpeg(9000, 9000))) == attachment_tokens(ADDRESS) == 1600
    assert attachment_tokens(PDF) == 6000
    plain = estimate_message(Message("user", "Hi"))
    assert estimate_message(Message("user", ("Hi", PDF, ADDRESS))) == plain + 7600


def test_turns_with_files_that_do_not_fit_are_left_out() -> None:
    turns = [Turn.of(Message("user", ("Read this", PDF)), Response("Hello"))]
    chat = Conversation(Options(model="offline/echo", max_context_tokens=5000), turns=turns)
    assert len(chat.request("And now?").messages) == 1
    with pytest.raises(UsageError, match="too long"):
        chat.request(["Read this", PDF])


def test_texts_between_images_are_masked() -> None:
    secret = "use sk-abcdefghijklmnop1234"
    message = Message("user", (IMAGE, secret, File(PDF.data, "sk-abcdefghijklmnop1234.pdf")))
    request = Conversation(Options(model="offline/echo")).request("Hi")
    sent = redact(type(request)((message,), request.options), {})
    first, text, file = sent.messages[0].content
    assert (first, text) == (IMAGE, "use …1234")
    assert isinstance(file, File)
    assert file.name == "…1234.pdf"
    assert len(sent.notices) == 1


def test_a_key_in_an_address_is_refused() -> None:
    key = "key-of-this-machine-1234567890"
    image = Image(url=f"https://example.org/a.png?token={key}")
    request = Conversation(Options(model="offline/echo")).request("Hi")
    request = type(request)((Message("user", (image,)),), request.options)
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        redact(request, {"OPENAI_API_KEY": key})


def test_a_turn_is_shown_with_its_images() -> None:
    turn = Turn.of(Message("user", ("What is this?", IMAGE)), Response("A cat."))
    assert turn.question == "What is this?\n(image: PNG, 2 x 1, 70 bytes)"
    assert "image: PNG" in Conversation(turns=[turn])._repr_markdown_()
    request = Conversation(turns=[turn]).request(["And this?", PDF])
    described = describe(request, ["m"], None)
    for line in ("(image: PNG, 2 x 1, 70 bytes)", "(file: report.pdf, 2 pages, "):
        assert line in described


def test_copies() -> None:
    chat = Conversation(turns=[Turn.of(Message("user", (IMAGE, PDF, ADDRESS)), Response("Hi"))])
    assert pickle.loads(pickle.dumps(chat)).turns == chat.turns
    assert copy.deepcopy(chat).turns[0].parts == (IMAGE, PDF, ADDRESS)


def test_the_price_of_a_cut_answer_contains_its_images() -> None:
    def cost(*parts: Part) -> Decimal:
        budget = Budget()
        request = Request((Message("user", to_content(parts)),), Options())
        budget.record(request, Response("Hi", model="gpt-4o", provider="api.openai.com"))
        return budget.spent

    per_token = Decimal("2.5") / 10**6
    assert cost("Hi there", PDF) - cost("Hi there") == 6000 * per_token


def test_a_hostile_pdf_is_not_unpacked_whole() -> None:
    packed = zlib.compress(b"/Type /Page " * 900_000)
    data = b"%PDF-1.7\n" + (b"/ObjStm >> stream\n" + packed) * 3
    assert 900_000 < File(data).pages < 1_500_000


def test_a_hostile_jpeg_has_no_size() -> None:
    assert Image(b"\xff\xd8" + b"\xff" * 100_000).size == (0, 0)
