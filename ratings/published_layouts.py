"""Which column of a vote file means what: our own names, those of other programs, and of published releases."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ratings.errors import InvalidComparisonsError, InvalidOptionError

# Both columns of a pair, or none; the first pair that a file has is taken.
_SIDES = (("model_a", "model_b"), ("left", "right"), ("model_1", "model_2"), ("model_x", "model_y"))
_ALIASES: Mapping[str, Sequence[str]] = {
    "winner": ("winner", "label"),
    "voter": (
        "voter",
        "judge_hash",
        "worker",
        "user",
        "annotator",
        "voter_id",
        "evaluation_session_id",
    ),
    "date": ("date", "tstamp", "timestamp"),
    "count": ("count",),
    "weight": ("weight",),
}
# A judge is a person in this release; elsewhere `judge` is what a model said of the battle.
_VOTING_JUDGE = frozenset({"judge", "tstamp"})
_ONE_HOT = ("winner_model_a", "winner_model_b", "winner_tie")
_KEPT_IF_TRUE = {
    "anony": "the models were named before the vote",
    "counted": "their release does not count them",
}
OPTIONAL_COLUMNS = frozenset(
    {"judge", *_KEPT_IF_TRUE, *(name for ours in _ALIASES if ours != "winner" for name in _ALIASES[ours])}
)
"""Columns without which a file is a file of votes too, but of other votes: whose they are, and which of them count."""

_NESTED_FEATURES: Mapping[str, Sequence[str]] = {
    "tokens": ("conv_metadata.sum_assistant_{side}_tokens",),
    "headers": ("conv_metadata.header_count_{side}.",),
    "lists": ("conv_metadata.list_count_{side}.",),
    "bold": ("conv_metadata.bold_count_{side}.",),
}
_NO_FEATURES = frozenset({"model", "conversation", "response", "answer", "prompt", "winner_model", "text"})

WINNER_WORDS: Mapping[str, str] = {
    "model_a": "model_a",
    "model_b": "model_b",
    "tie": "tie",
    "both_bad": "both_bad",
    "left": "model_a",
    "right": "model_b",
    "a": "model_a",
    "b": "model_b",
    "tie (bothbad)": "both_bad",
    "bothbad": "both_bad",
    "model_1": "model_a",
    "model_2": "model_b",
}
"""What files call the four outcomes, in lower case."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a file keeps what makes a vote.

    Attributes
    ----------
    name : str
        What the layout is called in messages.
    columns : mapping of str to str
        Column of the file by our name: model_a, model_b, and where present winner, voter, date, count, weight.
    one_hot : tuple of str
        Columns for "a won", "b won", "tie" where there is no winner column.
    kept_if_true : mapping of str to str
        Columns whose false rows are no votes of a blind comparison, and why.
    features : mapping of str to tuple of str
        By our column (tokens_a, tokens_b ...), the numeric columns of the file that add up to it.
    others : tuple of str
        Columns to keep as they are.
    """

    name: str
    columns: Mapping[str, str]
    one_hot: tuple[str, ...]
    kept_if_true: Mapping[str, str]
    features: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...] = ()

    def needed(self) -> list[str]:
        """List the columns of the file to read."""
        features = [part for parts in self.features.values() for part in parts]
        return [*self.columns.values(), *self.one_hot, *self.kept_if_true, *features, *self.others]

    def labels(self) -> list[str]:
        """List the columns of the file that repeat a few texts."""
        return [self.columns[name] for name in ("model_a", "model_b", "winner") if name in self.columns]

    def narrowed(
        self, present: Sequence[str], *, features: Collection[str] | None, dates: bool, keep: Collection[str]
    ) -> "Layout":
        """Leave out what nobody asked for.

        Raises
        ------
        InvalidOptionError
            If a feature or a column to keep is not there.
        """
        known = {name[:-2] for name in self.features}
        wanted = known if features is None else set(features)
        if not wanted <= known:
            raise InvalidOptionError(
                f"There are no columns for the feature {_list(sorted(wanted - known))}; "
                f"found features: {_list(sorted(known)) if known else 'none'}. "
                "Add <feature>_a and <feature>_b, or map them."
            )
        kept = [name for name in keep if name not in _ALIASES or name not in self.columns]
        others = list(dict.fromkeys([*self.others, *kept]))
        absent = [name for name in others if name not in present]
        if absent:
            raise InvalidOptionError(f"There is no column {_list(absent)}; the file has {_list(present)}.")
        return replace(
            self,
            columns={name: theirs for name, theirs in self.columns.items() if dates or name != "date"},
            features={name: parts for name, parts in self.features.items() if name[:-2] in wanted},
            others=tuple(others),
        )


def recognise(present: Sequence[str], *, mapping: Mapping[str, str] | None = None) -> Layout:
    """Find out from its columns what a file is.

    Parameters
    ----------
    present : sequence of str
        The columns of the file; fields of records as column.field.
    mapping : mapping of str to str, optional
        Column of the file by our name, where the caller knows better.

    Returns
    -------
    Layout

    Raises
    ------
    InvalidComparisonsError
        If no columns for the models or the winner are known; says what was found and how to map it.
    InvalidOptionError
        If ``mapping`` names a column that the file does not have, or one that we have not.
    """
    given = dict(mapping or {})
    _check_mapping(given, present)
    columns = known_columns(present)
    features = _find_features(present)
    for ours, theirs in given.items():
        if _is_vote_column(ours):
            columns[ours] = theirs
        else:
            features[ours] = (theirs,)
    one_hot = _ONE_HOT if "winner" not in columns and set(_ONE_HOT) <= set(present) else ()
    _require(columns, one_hot, present)
    return Layout(
        name=_name(set(present)),
        columns=columns,
        one_hot=one_hot,
        kept_if_true={column: why for column, why in _KEPT_IF_TRUE.items() if column in present},
        features=features,
        others=("judge",) if "judge" in present and "judge" not in columns.values() else (),
    )


def known_columns(present: Collection[str]) -> dict[str, str]:
    """Find the columns of a file by our names: model_a and model_b, or neither, winner, voter, date, count, weight."""
    sides = next((pair for pair in _SIDES if set(pair) <= set(present)), None)
    columns = dict(zip(("model_a", "model_b"), sides, strict=True)) if sides else {}
    for ours, aliases in _ALIASES.items():
        found = next((name for name in aliases if name in present), None)
        if found is None and ours == "voter" and set(present) >= _VOTING_JUDGE:
            found = "judge"
        if found is not None:
            columns[ours] = found
    return columns


def _is_vote_column(name: str) -> bool:
    return name in ("model_a", "model_b", *_ALIASES)


def _check_mapping(given: Mapping[str, str], present: Sequence[str]) -> None:
    for ours, theirs in given.items():
        if theirs not in present:
            raise InvalidOptionError(
                f"There is no column {theirs!r} to take as {ours}; the file has {_list(present)}."
            )
        if not _is_vote_column(ours) and not ours.endswith(("_a", "_b")):
            raise InvalidOptionError(
                f"{ours!r} is no column of ours: map model_a, model_b, winner, voter, date, count, weight, "
                "or a style feature as <feature>_a and <feature>_b."
            )


def _require(columns: Mapping[str, str], one_hot: Sequence[str], present: Sequence[str]) -> None:
    missing = [name for name in ("model_a", "model_b") if name not in columns]
    if "winner" not in columns and not one_hot:
        missing.append("winner")
    if missing:
        raise InvalidComparisonsError(
            f"This layout is unknown: no column for {', '.join(missing)}. Found: {_list(present)}. Say which "
            f"is which, such as --columns {','.join(f'{name}=COLUMN' for name in missing)}."
        )


def _find_features(present: Iterable[str]) -> dict[str, tuple[str, ...]]:
    names = list(present)
    found = {}
    for feature, (pattern,) in _NESTED_FEATURES.items():
        for side in ("a", "b"):
            wanted = pattern.format(side=side)
            parts = [n for n in names if n == wanted or (wanted.endswith(".") and n.startswith(wanted))]
            if parts:
                found[f"{feature}_{side}"] = tuple(parts)
    for name in names:
        feature = name[:-2]
        if name.endswith("_a") and f"{feature}_b" in names and feature not in _NO_FEATURES:
            found.update({f"{feature}_a": (f"{feature}_a",), f"{feature}_b": (f"{feature}_b",)})
    return {name: parts for name, parts in found.items() if f"{name[:-2]}_{'ab'[name[-1] == 'a']}" in found}


def _name(present: set[str]) -> str:
    nested = any(name.startswith("conv_metadata.") for name in present)
    signs = {
        "Chatbot Arena 140k": "evaluation_session_id" in present,
        "Chatbot Arena 55k": set(_ONE_HOT) <= present,
        "Chatbot Arena 100k": {"judge_hash", "anony"} <= present or (nested and "tstamp" in present),
        "Chatbot Arena 33k": present >= _VOTING_JUDGE and "voter" not in present,
        "Chatbot Arena preference": nested,
        "our own": {"model_a", "model_b"} <= present,
        "left and right": {"left", "right"} <= present,
    }
    return next((name for name, fits in signs.items() if fits), "two models and a winner")


def _list(names: Sequence[str]) -> str:
    # The fields of a record stand for one column.
    tops = list(dict.fromkeys(name.partition(".")[0] for name in names))
    return ", ".join(tops) or "no columns"
