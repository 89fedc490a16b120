"""The loops over rows of the style-controlled likelihood, for `ratings.compiled`: what NumPy does in many passes."""

# mypy: disable-error-code="no-untyped-def"
# Numba infers the types; what they are is said where these functions are called.

import math

import numpy as np

from ratings.compiled import can_compile, compiled, compiled_sums

WORTH_COMPILING = 200_000
"""Rows from which on machine code saves, over a few fits, what it takes to load Numba."""

_LOG2_E = 1.4426950408889634
_LOG_2 = 0.6931471805599453
_LEAST_EXPONENT = -708.0
STRIP = 512
"""Rows whose terms stay in the fastest cache; the product of so many numbers up to 2 is finite."""


_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_27, _30, _31, _32, _64 = (np.uint64(bits) for bits in (27, 30, 31, 32, 64))


def is_worth_compiling(rows: int) -> bool:
    """Tell whether machine code pays for so many rows, and is to be had."""
    return rows >= WORTH_COMPILING and can_compile()


@compiled
def compare_answers(of_a, of_b, published, smallest, out) -> bool:
    """Do what `ratings.feature_columns` does with arrays, to the bit; False where a value is not valid."""
    wrong = np.int64(0)
    one, least = (1.0, -np.inf) if published else (0.0, smallest)
    for i in range(len(out)):
        a, b = np.float64(of_a[i]), np.float64(of_b[i])
        total = a + b
        wrong += np.int64(not (a >= 0)) + np.int64(not (b >= 0)) + np.int64(not (total < np.inf))
        out[i] = (a - b) / max(total + one, least)
    return bool(wrong == 0)


@compiled
def place_rows(side_a, side_b, winner, table, size, of_side, pair, sign, outcome, hashes) -> int:
    """Look at rows from the side of their pair's first model; return the least number of a pair."""
    least = len(table)
    for i in range(len(pair)):
        a, b = np.int64(side_a[i]), np.int64(side_b[i])
        turn = 1 - 2 * (a > b)
        won = np.int64(winner[i] == 0) - np.int64(winner[i] == 1)
        pair[i] = table[a * size + b]
        sign[i] = turn
        outcome[i] = turn * won
        hashes[i] = np.uint64(turn * (won + of_side))
        least = min(least, pair[i])
    return least


@compiled
def turn_and_mix(column, bits, sign, hashes) -> None:
    """Multiply a column by signs, with 0.0 for -0.0, and mix its bits, another view of it, into the hashes."""
    for i in range(len(column)):
        column[i] = column[i] * sign[i] + 0.0
    for i in range(len(column)):
        mixed = (hashes[i] ^ bits[i]) * _FACTOR
        hashes[i] = mixed ^ (mixed >> _32)


@compiled
def pack_keys(hashes, pair, low, pair_shift, row_mask, keys) -> None:
    """Do what `ratings.row_order.RowOrder.enter` does with arrays, to the bit."""
    for i in range(len(keys)):
        x = hashes[i] + _FACTOR
        x = (x ^ (x >> _30)) * _FIRST
        x = (x ^ (x >> _27)) * _SECOND
        x = ((x ^ (x >> _31)) >> (_64 - pair_shift)) & ~row_mask
        keys[i] = x | (np.uint64(pair[i]) << pair_shift) | np.uint64(low + i)


@compiled_sums
def add_rows(
    pair,
    start,
    contrast,
    outcome,
    weight,
    count,
    difference,
    slopes,
    by_pair,
    overall,
    scores,
    room,
    exponent,
) -> float:
    """Add up the terms of rows; see `ratings.row_sums.RowSums`.

    Parameters
    ----------
    pair, start, contrast, outcome, weight, count
        Of a `StyleBlock`; weight and count may be empty, and start where every row names its pair.
    difference, slopes
        Of a `StylePoint`.
    by_pair, overall
        Of `RowSums`: added to. Where every row names its pair, ``by_pair`` is turned: the numbers of a pair together.
    scores : float64, shape (n_rows,) or (0,)
        Where to write w (p - y), if anywhere.
    room : float64, shape (3 + n_numbers, STRIP or more)
    exponent : int64, shape (STRIP or more,)
        The bits of ``room[2]``. Rooms come from outside because Numba takes seconds to compile how they are made.

    Returns
    -------
    float
        The loss of the rows if ``by_pair`` has room for squares, too, else 0.

    Notes
    -----
    exp(x) is 2**k exp(r), |r| <= log(2) / 2, with the Taylor polynomial of degree 13: unlike a call of the C library it
    works on several rows at once. Short loops over few arrays, each from their first entry on, are what compilers turn
    into such work: of other places they ask in every row whether they count from the end.
    """
    columns, rows = contrast.shape
    numbers, is_scattered = len(overall), len(start) == 0
    has_squares = numbers > 2 + columns
    loss = 0.0
    d, rest, power, surplus, curvature, decay = room[0], room[1], room[2], room[3], room[4], room[4]
    first = 0
    for low in range(0, rows, STRIP):
        here = min(STRIP, rows - low)
        y = outcome[low : low + here]
        w, n = weight[low : low + here], count[low : low + here]
        whose = pair[low : low + here] if is_scattered else pair
        if is_scattered:
            for i in range(here):
                d[i] = difference[whose[i]]
        elif first + 1 < len(start) and start[first + 1] <= low:
            first += 1
        end, last = here if is_scattered else 0, first
        while end < here:
            begin = end
            end = min(start[last + 1] - low, here) if last + 1 < len(start) else here
            of_pair, part = difference[pair[last]], d[begin:end]
            for i in range(end - begin):
                part[i] = of_pair
            last += 1
        for column in range(columns):
            x = contrast[column, low : low + here]
            for i in range(here):
                d[i] += slopes[column] * x[i]

        for i in range(here):
            x_log2 = max(-abs(d[i]), _LEAST_EXPONENT) * _LOG2_E
            k = np.floor(x_log2 + 0.5)
            rest[i] = (x_log2 - k) * _LOG_2
            exponent[i] = (np.int64(k) + 1023) << 52
        for i in range(here):
            r = rest[i]
            e = 1.6059043836821613e-10
            e = e * r + 2.08767569878681e-09
            e = e * r + 2.505210838544172e-08
            e = e * r + 2.755731922398589e-07
            e = e * r + 2.7557319223985893e-06
            e = e * r + 2.48015873015873e-05
            e = e * r + 1.984126984126984e-04
            e = e * r + 1.388888888888889e-03
            e = e * r + 8.333333333333333e-03
            e = e * r + 4.1666666666666664e-02
            e = e * r + 1.6666666666666666e-01
            e = e * r + 0.5
            e = e * r + 1.0
            e = e * r + 1.0
            decay[i] = e * power[i]

        # With s = 2 y - 1, a row's loss is |d| / 2 - s d / 2 + log(1 + decay).
        if has_squares and len(w) > 0:
            for i in range(here):
                loss += w[i] * ((abs(d[i]) - d[i] * y[i]) / 2 + math.log1p(decay[i]))
        elif has_squares:
            product, linear = 1.0, 0.0
            for i in range(here):
                linear += abs(d[i]) - d[i] * y[i]
                product *= 1 + decay[i]
            loss += linear / 2 + math.log(product)
        for i in range(here):
            inverse = 1 / (1 + decay[i])
            # With t = 2 p - 1, p - y is (t - s) / 2.
            t = (1 - decay[i]) * inverse
            surplus[i] = ((-t if d[i] < 0 else t) - y[i]) * 0.5
            curvature[i] = decay[i] * inverse * inverse
        if len(w) > 0:
            for i in range(here):
                surplus[i] *= w[i]
                curvature[i] *= w[i]
        if len(scores) > 0:
            part = scores[low : low + here]
            for i in range(here):
                part[i] = surplus[i]
        if has_squares:
            square = room[5 + columns]
            for i in range(here):
                # The votes of a row are independent: n w**2 (p - y)**2, where the surplus is n w (p - y).
                square[i] = surplus[i] * surplus[i] / (n[i] if len(n) > 0 else 1.0)

        for number in range(numbers):
            column = (number - 1) % (1 + columns) - 1
            value = room[3 + number]
            if number > 0 and column >= 0:
                factor, x = room[2 + number - column], contrast[column, low : low + here]
                for i in range(here):
                    value[i] = factor[i] * x[i]
            end = 0
            for cell in range(first, last):
                begin = end
                end = min(start[cell + 1] - low, here) if cell + 1 < len(start) else here
                total, part = 0.0, value[begin:end]
                for i in range(end - begin):
                    total += part[i]
                by_pair[number, pair[cell]] += total
            for other in range(columns if number == 0 else column + 1):
                x = contrast[other, low : low + here]
                total = 0.0
                for i in range(here):
                    total += value[i] * x[i]
                overall[number, other] += total
        if is_scattered:
            # Four at a time: that takes half as long as all numbers of a row, one after the other.
            number = 0
            while number + 4 <= numbers:
                one, two, three, four = room[3 + number], room[4 + number], room[5 + number], room[6 + number]
                for i in range(here):
                    of_pair = by_pair[whose[i], number : number + 4]
                    of_pair[0] += one[i]
                    of_pair[1] += two[i]
                    of_pair[2] += three[i]
                    of_pair[3] += four[i]
                number += 4
            while number < numbers:
                one = room[3 + number]
                for i in range(here):
                    by_pair[whose[i], number] += one[i]
                number += 1
        first = last - 1
    return loss
