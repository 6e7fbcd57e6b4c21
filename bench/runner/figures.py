"""The few statistics the tables need."""
import math
import statistics

median = statistics.median


def spread(values):
    """Median absolute deviation: half of all runs lie within it of the median."""
    middle = median(values)
    return median(abs(v - middle) for v in values)


def geometric_mean(ratios):
    """The mean of ratios; None when there are none, for a table without ours."""
    known = [r for r in ratios if r and r > 0]
    return math.exp(sum(math.log(r) for r in known) / len(known)) if known else None


def rank_correlation(ones, others):
    """Spearman's: Pearson's of the ranks, equal values sharing theirs. None where one side is all equal."""
    a, b = _ranks(ones), _ranks(others)
    middle = (len(a) + 1) / 2
    both = sum((x - middle) * (y - middle) for x, y in zip(a, b))
    wide = math.sqrt(sum((x - middle) ** 2 for x in a) * sum((y - middle) ** 2 for y in b))
    return both / wide if wide else None


def _ranks(values):
    ordered = sorted(values)
    return [ordered.index(v) + (ordered.count(v) + 1) / 2 for v in values]
