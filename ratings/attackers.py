"""The published attacks on a board of votes, added to honest battles and marked."""

from typing import Literal, get_args

import numpy as np
import pandas as pd

from ratings.arrays import BoolArray, FloatArray, IntArray, ModelId
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.encoding import WINNERS
from ratings.errors import InvalidOptionError, name_some
from ratings.traffic import draw_pairs, names_column

Otherwise = Literal["abstain", "random", "tie", "copy"]

_A, _B, _TIE, _ABSTAIN = 0, 1, 2, -1


def target_only(
    rng: np.random.Generator,
    battles: pd.DataFrame,
    *,
    target: ModelId,
    interactions: int,
    otherwise: Otherwise = "abstain",
    accuracy: float = 0.95,
    votes_per_account: int = 20,
) -> pd.DataFrame:
    """Add an attacker who votes for one model wherever a classifier of texts finds it.

    Parameters
    ----------
    rng : Generator
    battles : DataFrame
        Votes so far: honest ones, with columns model_a, model_b, winner and optionally voter, or the result of
        another attack.
    target : str or int
        The model to push up.
    interactions : int
        Battles that the attacker is shown, of pairs drawn at random.
    otherwise : "abstain", "random", "tie" or "copy", default "abstain"
        Where the target is not found: no vote, any of the three buttons that a vote can be, a tie, or a vote
        for the model that the honest votes rate higher.
    accuracy : float, default 0.95
        Probability that the classifier judges one answer right; both kinds of error are equally likely
        [Huang25a]. Where it finds the target on both sides, the attacker picks one at random. With "copy" it
        also names any other model, right with the same probability, else a random one.
    votes_per_account : int, default 20
        After so many votes the attacker goes on with a new account.

    Returns
    -------
    DataFrame
        The rows of ``battles`` with those of the attacker after them. The columns of ``battles``, voter, and
        attacker: True for the attacker's votes, and for those of attacks that ``battles`` already holds. Other
        columns are missing there, but for count and weight, which are 1. Attackers' accounts are named attacker-00000
        and so on, or numbered on from the honest voters where these are numbers.

    Raises
    ------
    InvalidOptionError
        If an option is out of its range, or the target is not on the board.
    NoFiniteMaximumError
        With "copy", if the honest votes do not rate all models.

    References
    ----------
    [Huang25a] Huang et al. Exploring and Mitigating Adversarial Manipulation of Voting-Based Leaderboards.
               arXiv:2501.07493

    Examples
    --------
    >>> from ratings.simulate import simulate_battles
    >>> rng = np.random.default_rng(7)
    >>> honest = simulate_battles(rng, strengths={"x": 1.0, "y": 0.0, "z": -1.0}, battles=100)
    >>> mixed = target_only(rng, honest, target="z", interactions=30, accuracy=1.0)
    >>> attack = mixed[mixed.attacker]
    >>> bool(((attack.model_a == "z") == (attack.winner == "model_a")).all())
    True
    """
    if otherwise not in get_args(Otherwise):
        raise InvalidOptionError(
            f"otherwise is {otherwise!r}: it is one of {', '.join(get_args(Otherwise))}."
        )
    models = _models(battles, target)
    _check(interactions=interactions, votes_per_account=votes_per_account, accuracy=accuracy)
    a, b = draw_pairs(rng, len(models), interactions)
    vote = _vote_for(rng, a, b, models.index(target), accuracy)
    unseen = vote == _ABSTAIN
    if otherwise == "random":
        vote[unseen] = rng.integers(3, size=int(unseen.sum()))
    elif otherwise == "tie":
        vote[unseen] = _TIE
    elif otherwise == "copy":
        strengths = _honest_fit(battles).strengths
        read_a, read_b = (_read(rng, side, len(models), accuracy) for side in (a, b))
        vote[unseen] = np.where(strengths[read_a] >= strengths[read_b], _A, _B)[unseen]
    return _mixed(battles, models, a, b, vote, votes_per_account)


def sybils(
    rng: np.random.Generator, battles: pd.DataFrame, *, target: ModelId, votes: int, accuracy: float = 1.0
) -> pd.DataFrame:
    """Add accounts that cast one vote each, for the target, and are never seen again.

    Parameters
    ----------
    rng : Generator
    battles : DataFrame
        Honest votes.
    target : str or int
        The model to push up.
    votes : int
        Votes cast, each by an account of its own; battles in which the target is not found are left.
    accuracy : float, default 1
        As in `target_only`. Below 1, votes go astray: in most battles the target does not take part.

    Returns
    -------
    DataFrame
        As from `target_only`.

    Raises
    ------
    InvalidOptionError
        If an option is out of its range, or the target is not on the board.
    """
    models = _models(battles, target)
    _check(votes=votes, accuracy=accuracy)
    chosen: list[IntArray] = [np.empty((3, 0), dtype=np.int64)]
    while sum(part.shape[1] for part in chosen) < votes:
        a, b = draw_pairs(rng, len(models), votes * len(models) // 2 + len(models))
        vote = _vote_for(rng, a, b, models.index(target), accuracy)
        chosen.append(np.stack([a, b, vote])[:, vote != _ABSTAIN])
    a, b, vote = np.concatenate(chosen, axis=1)[:, :votes]
    return _mixed(battles, models, a, b, vote, 1)


def omnipresent(
    rng: np.random.Generator,
    battles: pd.DataFrame,
    *,
    target: ModelId,
    interactions: int,
    accuracy: float = 0.95,
    votes_per_account: int = 20,
    refit_every: int = 500,
) -> pd.DataFrame:
    """Add an attacker who votes in every battle for whichever model's win helps the target most.

    Parameters
    ----------
    rng : Generator
    battles : DataFrame
        Honest votes.
    target : str or int
        The model to push up.
    interactions : int
        Battles that the attacker is shown, and votes in.
    accuracy : float, default 0.95
        Probability that an answer's model is named right; otherwise any other model is named.
    votes_per_account : int, default 20
        After so many votes the attacker goes on with a new account.
    refit_every : int, default 500
        Votes after which the attacker looks at the board anew.

    Returns
    -------
    DataFrame
        As from `target_only`.

    Raises
    ------
    InvalidOptionError
        If an option is out of its range, or the target is not on the board.
    NoFiniteMaximumError
        If the honest votes do not rate all models.

    Notes
    -----
    The rival is the model next above the target on the present board, with all votes so far (next below, once
    the target leads). With g = H+ (e_target - e_rival), a win of a over b moves the gap to the rival in
    proportion to g[a] - g[b], so the attacker votes for the side with the larger g [Min25].

    References
    ----------
    [Min25] Min et al. Improving Your Model Ranking on Chatbot Arena by Vote Rigging. arXiv:2501.17858
    """
    models = _models(battles, target)
    _check(
        interactions=interactions,
        votes_per_account=votes_per_account,
        accuracy=accuracy,
        refit_every=refit_every,
    )
    a, b = draw_pairs(rng, len(models), interactions)
    read_a, read_b = (_read(rng, side, len(models), accuracy) for side in (a, b))
    vote = np.empty(interactions, dtype=np.int64)
    board = Comparisons.from_battles(battles)
    for begin in range(0, interactions, refit_every):
        now = slice(begin, begin + refit_every)
        pull = _pull(fit_bradley_terry(board), models.index(target))
        vote[now] = np.where(pull[read_a[now]] >= pull[read_b[now]], _A, _B)
        cast = _table(models, a[now], b[now], vote[now])
        board = Comparisons.sum([board, Comparisons.from_battles(cast)])
    return _mixed(battles, models, a, b, vote, votes_per_account)


def random_buttons(
    rng: np.random.Generator, battles: pd.DataFrame, *, votes: int, votes_per_account: int = 20
) -> pd.DataFrame:
    """Add accounts that press any of the four buttons, whatever the answers.

    Parameters
    ----------
    rng : Generator
    battles : DataFrame
        Honest votes.
    votes : int
    votes_per_account : int, default 20

    Returns
    -------
    DataFrame
        As from `target_only`.

    Raises
    ------
    InvalidOptionError
        If a number is out of its range.
    """
    models = _models(battles)
    _check(votes=votes, votes_per_account=votes_per_account)
    a, b = draw_pairs(rng, len(models), votes)
    return _mixed(battles, models, a, b, rng.integers(len(WINNERS), size=votes), votes_per_account)


def always_left(
    rng: np.random.Generator, battles: pd.DataFrame, *, votes: int, votes_per_account: int = 20
) -> pd.DataFrame:
    """Add accounts that always vote for side a.

    Parameters
    ----------
    rng : Generator
    battles : DataFrame
        Honest votes.
    votes : int
    votes_per_account : int, default 20

    Returns
    -------
    DataFrame
        As from `target_only`.

    Raises
    ------
    InvalidOptionError
        If a number is out of its range.
    """
    models = _models(battles)
    _check(votes=votes, votes_per_account=votes_per_account)
    a, b = draw_pairs(rng, len(models), votes)
    return _mixed(battles, models, a, b, np.full(votes, _A), votes_per_account)


def _models(battles: pd.DataFrame, target: ModelId | None = None) -> list[ModelId]:
    models = sorted({*battles["model_a"].unique(), *battles["model_b"].unique()})
    if len(models) < 2:
        raise InvalidOptionError(f"battles names {len(models)} models: an attack needs honest votes on two.")
    if target is not None and target not in models:
        raise InvalidOptionError(f"target is {target!r}: it is not among {name_some(models)}.")
    return models


def _check(*, accuracy: float = 1.0, **numbers: int) -> None:
    if not 0 <= accuracy <= 1:
        raise InvalidOptionError(f"accuracy is {accuracy!r}: it is a probability, from 0 to 1.")
    for name, number in numbers.items():
        least = 0 if name in ("votes", "interactions") else 1
        if number < least:
            raise InvalidOptionError(f"{name} is {number!r}: it is a whole number, {least} or more.")


def _honest_fit(battles: pd.DataFrame) -> BradleyTerryFit:
    return fit_bradley_terry(Comparisons.from_battles(battles))


def _vote_for(rng: np.random.Generator, a: IntArray, b: IntArray, target: int, accuracy: float) -> IntArray:
    """Vote for the side that the classifier takes for the target, if any."""
    found_a, found_b = (_found(rng, side == target, accuracy) for side in (a, b))
    either = rng.integers(2, size=len(a))
    return np.select([found_a & found_b, found_a, found_b], [either, _A, _B], default=_ABSTAIN)


def _found(rng: np.random.Generator, present: BoolArray, accuracy: float) -> BoolArray:
    return present ^ (rng.random(len(present)) >= accuracy)


def _read(rng: np.random.Generator, side: IntArray, models: int, accuracy: float) -> IntArray:
    """Name the model of each answer, wrongly at times."""
    wrong = rng.random(len(side)) >= accuracy
    return np.where(wrong, (side + rng.integers(1, models, size=len(side))) % models, side)


def _pull(fit: BradleyTerryFit, target: int) -> FloatArray:
    """Return how each model's wins move the gap between the target and its rival."""
    order = np.argsort(-fit.strengths, kind="stable")
    rank = int(np.flatnonzero(order == target)[0])
    rival = order[rank - 1] if rank > 0 else order[1]
    return fit.inverse_hessian[:, target] - fit.inverse_hessian[:, rival]


def _table(models: list[ModelId], a: IntArray, b: IntArray, vote: IntArray) -> pd.DataFrame:
    columns = {"model_a": names_column(models, a), "model_b": names_column(models, b)}
    return pd.DataFrame({**columns, "winner": names_column(WINNERS, vote)})


def _mixed(
    battles: pd.DataFrame,
    models: list[ModelId],
    a: IntArray,
    b: IntArray,
    vote: IntArray,
    votes_per_account: int,
) -> pd.DataFrame:
    cast = vote != _ABSTAIN
    attack = _table(models, a[cast], b[cast], vote[cast])
    account = np.arange(len(attack)) // votes_per_account
    attack["voter"] = names_column(_accounts(battles, int(account.max(initial=-1)) + 1), account)
    for column in battles.columns.intersection(["count", "weight"]):
        attack[column] = 1
    earlier = battles.get("attacker", False)
    parts = [battles.assign(attacker=earlier), attack.assign(attacker=True)]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def _accounts(battles: pd.DataFrame, size: int) -> list[str] | list[int]:
    """Name new voters, none of whom is on the board yet; by numbers where those on it are numbers."""
    voters = battles["voter"].dropna() if "voter" in battles else pd.Series(dtype="str")
    if pd.api.types.infer_dtype(voters) in ("integer", "floating"):
        first = int(voters.max()) + 1
        return list(range(first, first + size))
    taken = voters.astype("str").str.extract(r"^attacker-(\d+)$", expand=False).dropna().astype(np.int64)
    first = int(taken.max()) + 1 if len(taken) else 0
    return [f"attacker-{number:05}" for number in range(first, first + size)]
