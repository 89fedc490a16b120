"""The loops over arranged votes, for `ratings.compiled`."""

# mypy: disable-error-code="no-untyped-def"
# Numba infers the types; what they are is said where these functions are called.

from ratings.compiled import compiled

_STRIP = 512


@compiled
def face_pairs(side_a, side_b, winner, size, pair_of, side_of, pair, sign, outcome) -> int:
    """Look at votes from the side of their pair's first model; return the least number of a pair."""
    least = 0
    for i in range(len(pair)):
        both = side_a[i] * size + side_b[i]
        pair[i] = pair_of[both]
        sign[i] = side_of[both]
        outcome[i] = side_of[both] * ((winner[i] == 0) - (winner[i] == 1))
        least = min(least, pair[i])
    return least


@compiled
def gather_contrasts(contrasts, columns, places, sign, out) -> None:
    """Look up contrasts from the side of their pair's first model, and the side itself if there is a row for it."""
    # So few at a time that what comes with the first column is still there for the last.
    for low in range(0, len(places), _STRIP):
        some, side = places[low : low + _STRIP], sign[low : low + _STRIP]
        for j in range(len(columns)):
            column, of_column = columns[j], out[j, low : low + _STRIP]
            for i in range(len(some)):
                of_column[i] = contrasts[some[i], column] * side[i]
    if len(out) > len(columns):
        for i in range(len(places)):
            out[len(columns), i] = sign[i]


@compiled
def add_cells(voter, pair, outcome, cell_voter, cell_pair, weight, score) -> int:
    """Add up the votes of each voter on each pair, which follow each other; return how many such cells there are."""
    last = -1
    for i in range(len(voter)):
        if last < 0 or cell_voter[last] != voter[i] or cell_pair[last] != pair[i]:
            last += 1
            cell_voter[last], cell_pair[last] = voter[i], pair[i]
            weight[last] = score[last] = 0.0
        weight[last] += 1.0
        score[last] += 0.5 + 0.5 * outcome[i]
    return last + 1


@compiled
def add_products(
    cluster, pair, first, second, values, contrast, score, seen_in, voted_on, on_columns, models, cross, style
) -> int:
    """Add up the products of each cluster's scores, on models and on contrasts, with each other.

    Parameters
    ----------
    cluster, pair, values : shape (n_rows,)
        Whose, all of a cluster together; on what; and what the pair's first model gains and the second loses.
    first, second : int32, shape (n_pairs,)
        The models of each pair.
    contrast : float64, shape (n_columns, n_rows)
        What each value is multiplied by for the scores on contrasts, of which there may be none.
    score, seen_in, voted_on, on_columns
        Room: float64, int64, all of it -1, and int64 of shape (n_models,); float64 of shape (n_columns,), all 0.
    models : float64, shape (n_models, n_models)
        Added to; what belongs to two models may stand on either side of the diagonal, or in parts on both.
    cross : float64, shape (n_models, n_columns)
        Added to.
    style : float64, shape (n_columns, n_columns)
        Added to: the lower triangle.

    Returns
    -------
    int
        Number of clusters.
    """
    columns = len(contrast)
    known, number = 0, 0
    for i in range(len(values)):
        one, other, value = first[pair[i]], second[pair[i]], values[i]
        if seen_in[one] != number:
            seen_in[one] = number
            score[one] = 0.0
            voted_on[known] = one
            known += 1
        if seen_in[other] != number:
            seen_in[other] = number
            score[other] = 0.0
            voted_on[known] = other
            known += 1
        score[one] += value
        score[other] -= value
        for j in range(columns):
            on_columns[j] += value * contrast[j, i]
        if i + 1 == len(values) or cluster[i + 1] != cluster[i]:
            for k in range(known):
                model, on_model = voted_on[k], score[voted_on[k]]
                for j in range(k + 1):
                    models[model, voted_on[j]] += on_model * score[voted_on[j]]
                for j in range(columns):
                    cross[model, j] += on_model * on_columns[j]
            for j in range(columns):
                for k in range(j + 1):
                    style[j, k] += on_columns[j] * on_columns[k]
            for j in range(columns):
                on_columns[j] = 0.0
            known = 0
            number += 1
    return number


@compiled
def mark_heavy(cluster, pair, weight, of_a_vote, first, second, light, seen_in, marked) -> None:
    """Mark the cells of clusters whose leverage, over the models that they voted on less one, is above ``light``.

    Parameters
    ----------
    cluster, pair, weight : shape (n_cells,)
        Of cells, those of a cluster together.
    of_a_vote : float64, shape (n_pairs,)
        The leverage of a vote of weight 1.
    first, second : shape (n_pairs,)
        The models of each pair.
    light : float
    seen_in : int64, shape (n_models,)
        Room, all -1.
    marked : bool, shape (n_cells,)
        Written.
    """
    begin, models, leverage = 0, 0, 0.0
    for i in range(len(pair)):
        leverage += weight[i] * of_a_vote[pair[i]]
        one, other = first[pair[i]], second[pair[i]]
        models += (1 if seen_in[one] != begin else 0) + (1 if seen_in[other] != begin else 0)
        seen_in[one] = seen_in[other] = begin
        if i + 1 == len(pair) or cluster[i + 1] != cluster[i]:
            marked[begin : i + 1] = leverage > light * (models - 1)
            begin, models, leverage = i + 1, 0, 0.0


@compiled
def turn_cells(pair, weight, score, place, swapped, new_pair, new_score) -> None:
    """Give the pairs of cells new numbers, and look at those of swapped ones from the other side."""
    for i in range(len(pair)):
        new_pair[i] = place[pair[i]]
        new_score[i] = weight[i] - score[i] if swapped[pair[i]] else score[i]


@compiled
def subtract_expected(pair, weight, score, expected, surplus) -> None:
    """Take from the scores of cells what is expected of a vote on each pair."""
    for i in range(len(pair)):
        surplus[i] = score[i] - weight[i] * expected[pair[i]]
