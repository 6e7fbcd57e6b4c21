"""The few statistics the tables need."""
import math
import statistics

median = statistics.median


def spread(values):
    """Median absolute deviation: half of all runs lie within it of the median."""
    middle = median(values)
    return median(abs(v - middle) for v in values)


def least_and_noise(values):
    """The least, which other work on the machine raises least; and how far the lower quartile is above it."""
    ordered = sorted(values)
    return ordered[0], ordered[len(ordered) // 4] - ordered[0]


def geometric_mean(ratios):
    """The mean of ratios; None when there are none, for a table without ours."""
    known = [r for r in ratios if r and r > 0]
    return math.exp(sum(math.log(r) for r in known) / len(known)) if known else None


def rank_correlation(ones, others, noise=(), other_noise=()):
    """Spearman's: Pearson's of the ranks, equal values sharing theirs. None where one side is all equal.

    With `noise`, a figure for each value, two values are equal that differ by no more than the greater of theirs.
    """
    a, b = _ranks(ones, noise or [0] * len(ones)), _ranks(others, other_noise or [0] * len(others))
    middle = (len(a) + 1) / 2
    both = sum((x - middle) * (y - middle) for x, y in zip(a, b))
    wide = math.sqrt(sum((x - middle) ** 2 for x in a) * sum((y - middle) ** 2 for y in b))
    return both / wide if wide else None


def _ranks(values, noise):
    """1 for the least; who is equal to others stands in the middle of them."""
    pairs = list(zip(values, noise))
    return [1 + sum(0.5 if abs(v - w) <= max(n, m) else w < v for w, m in pairs) - 0.5 for v, n in pairs]
