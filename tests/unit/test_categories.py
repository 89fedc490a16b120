"""Categories select battles by tags and verdicts."""

import numpy as np
import pytest

from arena.categories import CATEGORIES, DECISIVE, TAGS, Category, categories_of, language_category
from arena.language_names import LANGUAGE_NAMES
from arena.populations import OWN_POPULATIONS
from arena.tables import WINNERS

BY_NAME = {category.name: category for category in CATEGORIES}


def test_names_are_unique_slugs_and_no_board() -> None:
    languages = [category for tag in LANGUAGE_NAMES if (category := language_category(tag))]
    names = [category.name for category in (*CATEGORIES, *languages)]
    assert len(names) == len(set(names))
    assert not set(names) & {population.name for population in OWN_POPULATIONS}
    assert all(name.replace("-", "").isalnum() and name == name.lower() for name in names)


def test_the_categories_of_the_arena() -> None:
    assert list(BY_NAME) == [
        "code",
        "math",
        "creative-writing",
        "instruction-following",
        "hard-prompts",
        "long-prompt",
        "short-prompt",
        "multi-turn",
        "no-refusals",
        "no-ties",
    ]
    assert all(category.requires | category.excludes <= TAGS for category in CATEGORIES)
    assert frozenset(WINNERS) > DECISIVE


@pytest.mark.parametrize(
    ("name", "tags", "winner", "selected"),
    [
        ("code", ["code", "language:en"], "tie", True),
        ("code", ["math"], "model_a", False),
        ("hard-prompts", ["hard-prompt"], "model_a", True),
        ("hard-prompts", ["specificity", "complexity"], "model_a", False),
        ("no-refusals", [], "both_bad", True),
        ("no-refusals", ["refusal"], "model_a", False),
        ("no-ties", ["refusal"], "model_b", True),
        ("no-ties", [], "tie", False),
        ("no-ties", [], "both_bad", False),
    ],
)
def test_selection(name: str, tags: list[str], winner: str, selected: bool) -> None:
    assert BY_NAME[name].selects(tags, winner) is selected


def test_rows_are_selected_like_battles() -> None:
    tag_sets = [("code",), ("code", "refusal"), (), ("hard-prompt", "math")]
    random = np.random.default_rng(4)
    tag_codes, winner_codes = (random.integers(4, size=500).astype(np.int32) for _ in range(2))
    both = Category(
        name="x",
        title="",
        about="",
        requires=frozenset({"code"}),
        excludes=frozenset({"refusal"}),
        winners=DECISIVE,
    )
    for category in (*CATEGORIES, both):
        rows = category.selects_rows(tag_sets, tag_codes, WINNERS, winner_codes)
        one_by_one = [
            category.selects(tag_sets[tags], WINNERS[winner])
            for tags, winner in zip(tag_codes, winner_codes, strict=True)
        ]
        assert rows.tolist() == one_by_one
    assert 0 < both.selects_rows(tag_sets, tag_codes, WINNERS, winner_codes).sum() < 250


def test_languages_have_english_names() -> None:
    assert len(LANGUAGE_NAMES) >= 40
    german, haitian = language_category("de"), language_category("ht")
    assert german is not None
    assert haitian is not None
    assert (german.name, german.title, german.requires) == ("german", "German", {"language:de"})
    assert haitian.name == "haitian-creole"
    assert language_category("zz") is None


def test_languages_come_with_the_tags() -> None:
    own = Category(name="cooking", title="Cooking", about="", requires=frozenset({"operator:cooking"}))
    found = categories_of(["code", "language:zh", "language:zz", "language:de", "language:zh"], (own,))
    assert [category.name for category in found[len(CATEGORIES) :]] == ["german", "chinese", "cooking"]
