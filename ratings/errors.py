"""Everything that can go wrong, as one tree.

RatingsError (a ValueError)
├── UnreadableVotesError            the file of votes cannot be read
├── InvalidComparisonsError         a row of the table is wrong
├── InvalidOptionError              an argument is wrong
├── NoFiniteMaximumError            the votes do not determine finite strengths
│   ├── EmptyComparisonsError       fewer than two models
│   ├── DisconnectedComparisonsError  groups of models that never met
│   └── SeparableComparisonsError   models that never lose, or never win
└── NotConvergedError               the iteration limit was reached

Catch `NoFiniteMaximumError` to handle a board that is too young; the other errors call for a repair.
"""

from collections.abc import Mapping, Sequence

_NAMES_SHOWN = 5


class RatingsError(ValueError):
    """Base of all errors that this package raises on purpose."""


class UnreadableVotesError(RatingsError):
    """The file of votes cannot be read as a table."""


class InvalidComparisonsError(RatingsError):
    """The table of battles breaks the data convention."""


class UnidentifiedCoefficientError(InvalidComparisonsError):
    """The votes cannot tell the effect of one feature, ``coefficient``, from others."""

    def __init__(self, coefficient: str, source: str) -> None:
        self.coefficient = coefficient
        super().__init__(
            f"The effect of {coefficient!r} cannot be told from {source}: it is a linear combination of them. "
            "Leave one out, collect votes that differ, or set style_ridge > 0."
        )


class InvalidOptionError(RatingsError):
    """An argument has a value that its function does not accept."""


class NoFiniteMaximumError(RatingsError):
    """The likelihood has no finite maximum on these votes."""


class EmptyComparisonsError(NoFiniteMaximumError):
    """There are fewer than two models to compare, or to rate: then ``reasons`` says why, by model."""

    def __init__(
        self, models: Sequence[str], *, reasons: Mapping[str, str] | None = None, source: str = "these votes"
    ) -> None:
        self.models = tuple(models)
        if models and reasons:
            why = "; ".join(f"{name!r}: {reason}" for name, reason in list(reasons.items())[:_NAMES_SHOWN])
            hidden = len(reasons) - _NAMES_SHOWN
            message = (
                f"No two models of {source} can be rated ({why}{f'; and {hidden} more' if hidden > 0 else ''}): "
                "wins or ties must connect them in both directions. Collect more votes."
            )
        else:
            found = f"only {models[0]!r}" if models else "no model"
            message = (
                f"A fit compares at least two models, but {found} is named in {source}: collect more votes."
            )
        super().__init__(message)


class DisconnectedComparisonsError(NoFiniteMaximumError):
    """Groups of models never met, so nothing ties their scales together."""

    def __init__(self, components: Sequence[Sequence[str]]) -> None:
        self.components = tuple(tuple(component) for component in components)
        groups = "; ".join(name_some(component) for component in self.components[:_NAMES_SHOWN])
        super().__init__(
            f"The models form {len(components)} groups that never met: {groups}. "
            "Rate each group with Comparisons.restrict, collect votes between them, or set ridge > 0."
        )


class SeparableComparisonsError(NoFiniteMaximumError):
    """Some models never lose to the others, or never win, so their strengths are infinite."""

    def __init__(self, *, never_lose: Sequence[str], never_win: Sequence[str]) -> None:
        self.never_lose = tuple(never_lose)
        self.never_win = tuple(never_win)
        findings = [
            f"{verb} against the others: {name_some(names)}"
            for verb, names in (("never lose or tie", never_lose), ("never win or tie", never_win))
            if names
        ]
        super().__init__(
            f"No finite strengths exist, for some models {'; '.join(findings)}. "
            "Leave them out with Comparisons.restrict, collect more votes, or set ridge > 0."
        )


class NotConvergedError(RatingsError):
    """Newton's method did not reach the tolerance."""

    def __init__(
        self, *, iterations: int, last_step: float, tolerance: float, mean_score: float | None = None
    ) -> None:
        self.iterations = iterations
        self.last_step = last_step
        self.tolerance = tolerance
        if not iterations:
            finding = "The Hessian has no inverse in double precision: the votes are too lopsided. Set ridge > 0, or"
        else:
            moved = f"the strengths still moved by {last_step:.3g}"
            if mean_score is not None and last_step <= tolerance:
                moved = f"the gradient of a model is still {mean_score:.3g} per vote of its own"
            finding = (
                f"After {iterations} Newton steps {moved}, more than the tolerance {tolerance:.3g}. Raise "
                "max_iterations; where that does not help, rounding in the sums over very many votes hides the few of "
                "some models: raise the tolerance, set ridge > 0, or"
            )
        super().__init__(
            f"{finding} leave models with few votes beside very many out with Comparisons.restrict."
        )


def name_some(names: Sequence[str]) -> str:
    """List the first few names, and how many more there are."""
    shown = ", ".join(repr(name) for name in names[:_NAMES_SHOWN])
    hidden = len(names) - _NAMES_SHOWN
    return f"{shown} and {hidden} more" if hidden > 0 else shown
