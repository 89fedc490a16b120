"""The loops over arranged votes, for `ratings.compiled`."""

# mypy: disable-error-code="no-untyped-def"
# Numba infers the types; what they are is said where these functions are called.

from ratings.compiled import compiled


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
    for i in range(len(places)):
        for j in range(len(columns)):
            out[j, i] = contrasts[places[i], columns[j]] * sign[i]
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
def add_products(cluster, first, second, values, score, seen_in, voted_on, by_model) -> None:
    """Add up the products of each cluster's scores on models with each other.

    Parameters
    ----------
    cluster, first, second, values : shape (n_cells,)
        The cluster of each cell, sorted; the two models of its pair; what the first gains and the second loses.
    score, seen_in, voted_on : float64, int64 and int64, shape (n_models,)
        Room; of ``seen_in`` all are -1.
    by_model : float64, shape (n_models, n_models)
        Added to; what belongs to two models may stand on either side of the diagonal, or in parts on both.
    """
    known, number = 0, 0
    for i in range(len(values)):
        one, other, value = first[i], second[i], values[i]
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
        if i + 1 == len(values) or cluster[i + 1] != cluster[i]:
            for k in range(known):
                model, of_model = voted_on[k], score[voted_on[k]]
                for j in range(k + 1):
                    by_model[model, voted_on[j]] += of_model * score[voted_on[j]]
            known = 0
            number += 1


@compiled
def add_styles(voter, pair, surplus, contrast, of_voter, by_pair, style) -> int:
    """Add up the products of each voter's scores on pairs and contrasts with those on contrasts.

    Parameters
    ----------
    voter, pair, surplus, contrast
        Of the votes: whose, all of a voter together; on what; p - y; and how their answers compare, column by column.
    of_voter : float64, shape (n_columns,)
        Room, all 0.
    by_pair, style : float64, shape (n_pairs, n_columns) and (n_columns, n_columns)
        Added to; of ``style`` the lower triangle.

    Returns
    -------
    int
        Number of voters.
    """
    columns = len(of_voter)
    voters, begin = 0, 0
    for i in range(len(voter)):
        for j in range(columns):
            of_voter[j] -= surplus[i] * contrast[j, i]
        if i + 1 == len(voter) or voter[i + 1] != voter[i]:
            for row in range(begin, i + 1):
                for j in range(columns):
                    by_pair[pair[row], j] -= surplus[row] * of_voter[j]
            for j in range(columns):
                for k in range(j + 1):
                    style[j, k] += of_voter[j] * of_voter[k]
            for j in range(columns):
                of_voter[j] = 0.0
            begin = i + 1
            voters += 1
    return voters
