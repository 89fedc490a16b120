"""The language of prompts: right where it is clear, None where it is not."""

import pytest

from arena.languages import detect_language


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Write a Python function that sorts a list.", "en"),
        ("HELLO WORLD HOW ARE YOU", "en"),
        ("Schreibe ein Gedicht über den Herbst", "de"),
        ("Écris un poème sur l'automne.", "fr"),
        ("Hola, ¿cómo estás?", "es"),
        ("Scrivi una poesia", "it"),
        ("Escreva uma história curta sobre um gato", "pt"),
        ("Napisz wiersz o jesieni", "pl"),
        ("Кто написал Войну и мир?", "ru"),
        ("Хто написав Тіні забутих предків?", "uk"),
        ("Viết một bài thơ về mùa thu", "vi"),
        ("ما هي عاصمة فرنسا؟", "ar"),
        ("पेरिस कहाँ है? मुझे बताओ", "hi"),
        ("请写一首关于秋天的诗歌，要押韵", "zh"),
        ("秋についての詩を書いてください", "ja"),
        ("가을에 관한 시를 써 주세요", "ko"),
    ],
)
def test_sentences(text: str, tag: str) -> None:
    assert detect_language(text) == tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [("안녕", "ko"), ("こんにちは", "ja"), ("東京は？", "ja"), ("שלום", "he"), ("สวัสดี", "th"), ("Γεια", "el")]
    + [("Բարեւ", "hy"), ("გამარჯობა", "ka"), ("வணக்கம்", "ta")],
)
def test_a_word_in_a_script_of_one_language(text: str, tag: str) -> None:
    assert detect_language(text) == tag


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "hi",
        "ok",
        "lol",
        "12345 + 67",
        "🙂🙂🙂",
        "東京",
        "x" * 300,
        "asdkjh qwe zxc poiu lkjh",
        "\ud800",
    ],
)
def test_none_when_unsure(text: str) -> None:
    assert detect_language(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "```python\nfor item in the_list_of_things:\n    print(item)\n```",
        "```\nthis fence is still open and all of it is code",
        "`import this and that and the other`",
        "https://en.wikipedia.org/wiki/The_history_of_the_English_language",
        "$$ \\text{where this is the number of words} $$",
        "<div class='the name of the class'>",
    ],
)
def test_code_addresses_and_formulas_are_not_prose(text: str) -> None:
    assert detect_language(text) is None
    assert detect_language(f"Was macht dieser Abschnitt genau?\n\n{text}") == "de"


def test_a_foreign_word_does_not_decide() -> None:
    assert detect_language("What does the Greek word αγάπη mean in English?") == "en"


def test_long_texts_are_judged_by_their_beginning() -> None:
    assert detect_language("Dies ist ein deutscher Satz. " * 20_000) == "de"


def test_lone_surrogates_and_control_characters_are_survived() -> None:
    assert detect_language("\x00 hello my dear friend, how are you \ud800 today?") == "en"
