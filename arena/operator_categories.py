"""The operator's own categories: a TOML file of rules → categories and the rules that tag for them."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from arena.categories import CATEGORIES, TAGS, Category
from arena.errors import CategoriesInvalid
from arena.language_names import LANGUAGE_NAMES
from arena.tagging.operator_rules import OperatorRule
from arena.tagging.patterns import compile_pattern, compile_words
from arena.wrong_values import what_is_wrong

TAKEN: Final = frozenset(
    {"overall", "demo", "simulated"}
    | {category.name for category in CATEGORIES}
    | {name.lower().replace(" ", "-") for name in LANGUAGE_NAMES.values()}
)
TAKEN_BEGINNINGS: Final = ("demo-", "simulated-")
_LANGUAGES: Final = {name.lower(): tag for tag, name in LANGUAGE_NAMES.items()}
Word = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]


class CategoryEntry(BaseModel):
    """A `[[category]]` of the file."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=40, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: Annotated[str, Field(min_length=1, max_length=60)]
    about: Annotated[str, Field(min_length=1, max_length=300)]
    words: Annotated[list[Word], Field(min_length=1, max_length=1000)] | None = None
    pattern: str | None = None
    requires: list[str] = []
    excludes: list[str] = []
    language: str | None = None

    @field_validator("name")
    @classmethod
    def _free(cls, value: str) -> str:
        if value in TAKEN or value.startswith(TAKEN_BEGINNINGS):
            raise ValueError("is a leaderboard of the program's own; choose another name")
        return value

    @field_validator("pattern")
    @classmethod
    def _harmless(cls, value: str | None) -> str | None:
        if value is not None:
            compile_pattern(value)
        return value

    @field_validator("requires", "excludes")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for tag in value:
            if tag not in TAGS and tag.removeprefix("language:") not in LANGUAGE_NAMES:
                raise ValueError(
                    f"there is no tag {tag!r}; there are {', '.join(sorted(TAGS))} and language:de …"
                )
        return value

    @field_validator("language")
    @classmethod
    def _named(cls, value: str | None) -> str | None:
        if value is None or value in LANGUAGE_NAMES:
            return value
        if value.lower() not in _LANGUAGES:
            raise ValueError(f"no language is called {value!r}; write its tag (de) or English name (German)")
        return _LANGUAGES[value.lower()]

    @model_validator(mode="after")
    def _selective(self) -> "CategoryEntry":
        if not (self.words or self.pattern or self.requires or self.excludes or self.language):
            raise ValueError("selects every battle; give words, pattern, requires, excludes or language")
        if both := set(self.requires) & set(self.excludes):
            raise ValueError(f"selects no battle: {', '.join(sorted(both))} is both required and excluded")
        return self

    def rule(self) -> OperatorRule:
        """What gives a conversation the tag of this category."""
        language = {f"language:{self.language}"} if self.language else set()
        return OperatorRule(
            name=self.name,
            words=compile_words(self.words) if self.words else None,
            pattern=compile_pattern(self.pattern) if self.pattern else None,
            requires=frozenset(self.requires) | language,
            excludes=frozenset(self.excludes),
        )

    def category(self) -> Category:
        """The category that selects the tag."""
        return Category(
            name=self.name, title=self.title, about=self.about, requires=frozenset({self.rule().tag})
        )


class CategoriesFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    category: list[CategoryEntry]


@dataclass(frozen=True)
class OperatorCategories:
    """What an operator added: the rules tag battles, the categories select them."""

    rules: tuple[OperatorRule, ...] = ()
    categories: tuple[Category, ...] = ()


def read_operator_categories(path: Path | None) -> OperatorCategories:
    """Read the file of the setting; raises `CategoriesInvalid` naming the file, the entry and what to mend."""
    if path is None:
        return OperatorCategories()
    document = _parse(path)
    try:
        entries = CategoriesFile.model_validate(document).category
    except ValidationError as error:
        raise CategoriesInvalid(f"{path}: {'; '.join(_problems(error, document))}.") from error
    _refuse_twins(path, [entry.name for entry in entries])
    return OperatorCategories(
        rules=tuple(entry.rule() for entry in entries),
        categories=tuple(entry.category() for entry in entries),
    )


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CategoriesInvalid(
            f"{path}: {error.strerror or error}. Give the path of a categories file, or unset the setting."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CategoriesInvalid(
            f"{path} is not valid TOML: {error}. Write patterns in single quotes, so that backslashes stay."
        ) from error


def _problems(error: ValidationError, document: dict[str, object]) -> Iterator[str]:
    for problem in error.errors():
        place = list(problem["loc"])
        if place[:1] == ["category"] and len(place) > 1:
            place = [f"[[category]] {_entry(document, place[1])}", *place[2:]]
        yield f"{', '.join(map(str, place)) or 'the file'}: {what_is_wrong(problem)}"


def _entry(document: dict[str, object], place: int | str) -> str:
    """The entry by its name, or by its number where it has none."""
    entries = document.get("category")
    if isinstance(entries, Sequence) and isinstance(place, int) and isinstance(entries[place], dict):
        name = entries[place].get("name")
        if isinstance(name, str) and re.fullmatch(r"[\w -]{1,40}", name):
            return name
    return f"number {int(place) + 1}"


def _refuse_twins(path: Path, names: Iterable[str]) -> None:
    listed = list(names)
    if twins := sorted({name for name in listed if listed.count(name) > 1}):
        raise CategoriesInvalid(
            f"{path}: [[category]] {', '.join(twins)}: the name is used twice. Give each category its own."
        )
