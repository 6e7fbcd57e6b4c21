"""Tables of one result, as text for a terminal and as Markdown. The same rows serve both."""


def text(header, rows):
    """Columns aligned, the first to the left, the others to the right; None prints as a dash."""
    lines = [[_cell(c) for c in row] for row in [header, *rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    made = ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths)))
            for line in lines]
    return "\n".join([made[0], "-" * len(made[0]), *made[1:]])


def markdown(header, rows):
    """The same as a Markdown table."""
    lines = ["| " + " | ".join(_cell(c) for c in row) + " |" for row in [header, *rows]]
    return "\n".join([lines[0], "|---|" + "---:|" * (len(header) - 1), *lines[1:]])


def _cell(value):
    return "-" if value is None else value if isinstance(value, str) else f"{value:.2f}"
