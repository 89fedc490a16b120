"""The loops over rows of the style-controlled likelihood, for `ratings.compiled`: what NumPy does in many passes."""

# mypy: disable-error-code="no-untyped-def"
# Numba infers the types; `ratings.row_sums` says what they are.

import math

import numpy as np

from ratings.compiled import compiled_sums

_LOG2_E = 1.4426950408889634
_LOG_2 = 0.6931471805599453
_LEAST_EXPONENT = -708.0
_STRIP = 512
"""Rows whose terms stay in the fastest cache; the product of so many numbers up to 2 is finite."""


@compiled_sums
def add_rows(
    pair, start, contrast, outcome, weight, count, difference, slopes, by_pair, overall, scores
) -> float:
    """Add up the terms of rows; see `ratings.row_sums.RowSums`.

    Parameters
    ----------
    pair, start, contrast, outcome, weight, count
        Of a `StyleBlock`; weight and count may be empty.
    difference, slopes
        Of a `StylePoint`.
    by_pair, overall
        Of `RowSums`: added to.
    scores : float64, shape (n_rows,) or (0,)
        Where to write w (p - y), if anywhere.

    Returns
    -------
    float
        The loss of the rows if ``by_pair`` has room for squares, too, else 0.

    Notes
    -----
    exp(x) is 2**k exp(r), |r| <= log(2) / 2, with the Taylor polynomial of degree 13: unlike a call of the C library it
    works on several rows at once. Short loops over few arrays are what compilers turn into such work.
    """
    columns, rows = contrast.shape
    has_squares = len(by_pair) > 2 + columns
    loss = 0.0
    logit, rest, power = np.empty(_STRIP), np.empty(_STRIP), np.empty(_STRIP)
    exponent = power.view(np.int64)
    values = np.empty((len(by_pair), _STRIP))
    surplus, curvature, decay = values[0], values[1], values[1]
    first = 0
    for low in range(0, rows, _STRIP):
        here = min(_STRIP, rows - low)
        d, y = logit[:here], outcome[low : low + here]
        if first + 1 < len(start) and start[first + 1] <= low:
            first += 1
        end, last = 0, first
        while end < here:
            begin = end
            end = min(start[last + 1] - low, here) if last + 1 < len(start) else here
            d[begin:end] = difference[pair[last]]
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
        if has_squares and len(weight) > 0:
            for i in range(here):
                loss += weight[low + i] * ((abs(d[i]) - d[i] * y[i]) / 2 + math.log1p(decay[i]))
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
        if len(weight) > 0:
            for i in range(here):
                surplus[i] *= weight[low + i]
                curvature[i] *= weight[low + i]
        if len(scores) > 0:
            scores[low : low + here] = surplus[:here]
        if has_squares:
            square = values[2 + columns]
            for i in range(here):
                # The votes of a row are independent: n w**2 (p - y)**2, where the surplus is n w (p - y).
                square[i] = surplus[i] * surplus[i] / (count[low + i] if len(count) > 0 else 1.0)

        for number in range(len(by_pair)):
            column = (number - 1) % (1 + columns) - 1
            value = values[number]
            if number > 0 and column >= 0:
                factor, x = values[number - 1 - column], contrast[column, low : low + here]
                for i in range(here):
                    value[i] = factor[i] * x[i]
            end = 0
            for cell in range(first, last):
                begin = end
                end = min(start[cell + 1] - low, here) if cell + 1 < len(start) else here
                total = 0.0
                for i in range(begin, end):
                    total += value[i]
                by_pair[number, pair[cell]] += total
            for other in range(columns if number == 0 else column + 1):
                x = contrast[other, low : low + here]
                total = 0.0
                for i in range(here):
                    total += value[i] * x[i]
                overall[number, other] += total
        first = last - 1
    return loss
