"""The operator's own categories: read, checked, and refused with a remedy."""

import re
from pathlib import Path

import pytest

from arena.errors import CategoriesInvalid
from arena.operator_categories import CategoryEntry, OperatorCategories, read_operator_categories
from arena.tagging import Conversation, tag_conversation

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "categories.toml"


def read(tmp_path: Path, text: str) -> OperatorCategories:
    path = tmp_path / "categories.toml"
    path.write_text(text, encoding="utf-8")
    return read_operator_categories(path)


def entry(**keys: str) -> str:
    given = {"name": "'cooking'", "title": "'Cooking'", "about": "'Food.'"} | keys
    return "[[category]]\n" + "".join(f"{key} = {value}\n" for key, value in given.items())


def tags(own: OperatorCategories, *prompts: str, language: str = "en") -> tuple[str, ...]:
    answers = ["Yes."] * len(prompts)
    conversation = Conversation(prompts=prompts, answers_a=answers, answers_b=answers, language=language)
    return tag_conversation(conversation, own.rules).tags


def test_no_file_no_categories() -> None:
    assert read_operator_categories(None) == OperatorCategories()


def test_a_category_tags_and_selects(tmp_path: Path) -> None:
    own = read(tmp_path, entry(words="['recipe', '料理']", pattern=r"'\bsoup\b'", language="'English'"))
    (category,) = own.categories
    assert (category.name, category.title, category.about) == ("cooking", "Cooking", "Food.")
    assert category.selects(tags(own, "A Recipe for soup"), "tie")
    assert not category.selects(tags(own, "A recipe for cake"), "tie")
    assert not category.selects(tags(own, "A recipe for soup", language="de"), "tie")


def test_tags_alone_make_a_category_too(tmp_path: Path) -> None:
    own = read(tmp_path, entry(requires="['code']", excludes="['multi-turn']"))
    code = "Write a Python function that reverses a string."
    assert own.categories[0].selects_tags(tags(own, code))
    assert not own.categories[0].selects_tags(tags(own, code, "Shorter, please."))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            entry(words="['a']", pattern="'(a+)+b'"),
            r"\[\[category\]\] cooking, pattern: pattern could take very long",
        ),
        (entry(pattern="'('"), r"cooking, pattern: pattern is no regular expression: missing \)"),
        (entry(), "cooking: selects every battle; give words"),
        (entry(name="'code'", words="['a']"), "code, name: is a leaderboard of the program's own"),
        (entry(name="'german'", words="['a']"), "german, name: is a leaderboard"),
        (entry(name="'demo-x'", words="['a']"), "demo-x, name: is a leaderboard"),
        (entry(name="'No Slug'", words="['a']"), "No Slug, name: is not of the form"),
        (entry(name="5", words="['a']"), "number 1, name: must be text in quotes"),
        (entry(requires="['cod']"), "cooking, requires: there is no tag 'cod'; there are code"),
        (entry(requires="['math']", excludes="['math']"), "selects no battle: math is both"),
        (entry(language="'Klingon'"), "cooking, language: no language is called 'Klingon'"),
        (entry(words="[]"), "cooking, words: must not be shorter than 1"),
        (entry(word="['a']"), "cooking, word: is not known here"),
        (entry(words="['a']") * 2, r"\[\[category\]\] cooking: the name is used twice"),
        ("[[category]]\nname = 'x'\nwords = ['a']", "x, title: is missing; .*x, about: is missing"),
        ("category = 3", "category: must be a list"),
        ("", "category: is missing"),
        ('pattern = "\\d"', "is not valid TOML: .*Write patterns in single quotes"),
    ],
)
def test_a_bad_file_is_refused_with_the_place_and_the_remedy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CategoriesInvalid, match=said) as refused:
        read(tmp_path, text)
    assert str(tmp_path / "categories.toml") in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CategoriesInvalid, match="No such file or directory. Give the path"):
        read_operator_categories(tmp_path / "none.toml")


def test_the_example_is_valid() -> None:
    own = read_operator_categories(EXAMPLE)
    assert len(own.rules) == len(own.categories) >= 2


def test_the_example_of_the_guide_is_valid_and_names_every_key(tmp_path: Path) -> None:
    guide = EXAMPLE.parents[1] / "categories.md"
    text = guide.read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    assert example
    assert [category.name for category in read(tmp_path, example[1]).categories] == ["cooking"]
    rows = re.findall(r"^\| (`.*?`) \|", text[text.index("| key |") :], flags=re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"`(\w+)`", row)} == set(CategoryEntry.model_fields)
