"""The page about the real votes says what this code computes from them."""

from pathlib import Path

from docs.real_votes import DOCUMENT, document


def test_the_page_is_what_the_votes_give(real_data: Path) -> None:
    assert document(real_data / "chatbot-arena-2024-08") == DOCUMENT.read_text(encoding="utf-8")
