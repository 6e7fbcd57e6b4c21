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
