# SPDX-License-Identifier: Apache-2.0
"""What samples come to, and how two of them compare; numbers and states as tables show them."""

WORDS = {"refused": "-", "absent": "absent", "wrong": "WRONG", "crashed": "CRASHED", "timeout": "TIMEOUT"}


def rank(count, share):
    """Of the order statistic that bounds the median with 95 % confidence."""
    at = count / 2 + share * 1.96 * count**0.5 / 2
    return min(max(round(at), 0), count - 1)


def summary(seconds, operations):
    """Of calls of so many operations."""
    times = sorted(second * 1e6 for second in seconds)
    count = len(times)
    median = times[count // 2]
    return {
        "median_us": median, "min_us": times[0], "p10_us": times[count // 10], "p90_us": times[count * 9 // 10],
        "low_us": times[rank(count, -1)], "high_us": times[rank(count, 1)], "samples": count,
        "gops": operations / median / 1e3, "within_bound": True}


def comparison(theirs, ours):
    """Bounds of the ratio are those of both medians, the worst of either."""
    middle = sum(row["median_us"] for row in ours) / len(ours)
    low = theirs["low_us"] / max(row["high_us"] for row in ours)
    high = theirs["high_us"] / min(row["low_us"] for row in ours)
    verdict = "faster" if low > 1 else "slower" if high < 1 else "none"
    return {"ours_us": middle, "ratio": theirs["median_us"] / middle, "ratio_low": low, "ratio_high": high,
            "verdict": verdict}


def text_of(value):
    return f"{value:.{0 if value >= 100 else 2}f}" if isinstance(value, float) else str(value)
