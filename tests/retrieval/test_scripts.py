"""Questions in scripts without spaces between words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.retrieval import Index
from cellmage.retrieval.grams import gram_text, query_words

DOCUMENTS = {
    "settings": "# 设置\n\n打开静默模式后，应用不会发出声音。GPT模型可以在设置里选择。",
    "podcast": "# 关于播客\n\n我们的播客每周三更新，节目时长大约一小时。",
    "idioms": "# 言葉遊び\n\n成語しりとりは、四字熟語をつなげる遊びです。ルールは簡単。",
    "cats": "# ねこ\n\nうちの猫は黒い。名前はまだ無い。ｶﾀｶﾅで書く。",
    "school": "# 일정\n\n학교에서 돌아온 뒤에 도서관에 갑니다.",
    "market": "# ตลาด\n\nตลาดน้ำเปิดทุกวันเสาร์และอาทิตย์",
    "tides": "# Tides\n\nThe moon pulls the sea, twice a day.",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("docs")
    for name, text in DOCUMENTS.items():
        (folder / f"{name}.md").write_text(text, "utf-8")
    index = Index(folder / "index.db")
    index.add([folder])
    return index


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("静默", "settings"),
        ("怎么打开静默模式？", "settings"),
        ("gpt", "settings"),
        ("GPT模型", "settings"),
        ("播客什么时候更新?", "podcast"),
        ("成語しりとり", "idioms"),
        ("しりとりのルールを教えて", "idioms"),
        ("猫", "cats"),
        ("無い", "cats"),
        ("カタカナ", "cats"),
        ("학교", "school"),
        ("도서관은 언제?", "school"),
        ("ตลาดน้ำ", "market"),
        ("วันเสาร์", "market"),
        ("the moon", "tides"),
    ],
)
def test_the_first_result(index: Index, question: str, name: str) -> None:
    assert Path(index.search(question)[0].source).stem == name


def test_what_is_nowhere_is_not_found(index: Index) -> None:
    assert index.search("量子") == []
    assert index.search("犬") == []


@given(st.text("静默模式猫ねこカー학교ตลาดน้ำ ab。", max_size=30))
def test_any_part_of_a_text_is_found(text: str) -> None:
    """Each pair of a question is a pair of the text that it comes from."""
    grams = f" {gram_text(f'x {text}')} "
    for word in query_words(text):
        gram = word.removesuffix(" *").strip('"')
        assert f" {gram} " in grams or gram.isascii()
