"""Grouped bars of ratios as SVG, written by hand: one group per workload, one bar per malloc, one line at 1."""
from html import escape

PALETTE = {"glibc": "#9aa5b1", "mimalloc": "#3b7dd8", "jemalloc": "#e08a2e", "tcmalloc": "#58a65c", "tbb": "#9b6fc4",
           "ashlar": "#c0392b"}
OTHERS = ("#2f4858", "#b5a642", "#d17ba0", "#4ba3a8", "#8a5a44", "#6b8e23", "#c0392b", "#3b7dd8", "#e08a2e", "#9b6fc4", "#7a7f87", "#1b9e77")  # in turn
BAR, GAP, PANEL, LEFT, TOP, BOTTOM = 9, 14, 300, 52, 96, 92


def bars(title, subtitle, names, groups, cap):
    """An SVG document. `groups` is [(label, {name: ratio})]; a bar past `cap` is cut and carries its figure."""
    step = BAR * len(names) + GAP
    words = max(sum(_legend_width(name) for name in names), 9 * len(title))
    words = max(words, 6.5 * len(subtitle))
    right, height = LEFT + max(step * len(groups), words) + 24, TOP + PANEL + max(BOTTOM, 6 * max((len(label) for label, _ in groups), default=0))
    before = max([0, *(4 * len(label) - LEFT - step * (index + 0.5) for index, (label, _) in enumerate(groups))])
    width, base = right + before, TOP + PANEL
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-before:g} 0 {width:g} {height}" width="{width:g}" height="{height}" '
             'font-family="Helvetica, Arial, sans-serif" font-size="12">',
             f'<title>{escape(title)}</title>',
             f'<rect x="{-before:g}" width="{width:g}" height="{height}" fill="white"/>',
             f'<text x="{LEFT}" y="22" font-size="16" font-weight="bold">{escape(title)}</text>',
             f'<text x="{LEFT}" y="40" fill="#555">{escape(subtitle)}</text>']
    parts += _legend(names)
    parts += _grid(right, base, cap)
    for index, (label, ratios) in enumerate(groups):
        left = LEFT + GAP / 2 + index * step
        if index % 2:
            parts.append(f'<rect x="{left - GAP / 2:.1f}" y="{TOP}" width="{step}" height="{PANEL}" fill="#f4f6f8" '
                         'style="mix-blend-mode:multiply"/>')
        parts += _group(left, base, label, ratios, names, cap)
    parts.append(f'<line x1="{LEFT}" x2="{right - 16:g}" y1="{_y(1, base, cap):.1f}" y2="{_y(1, base, cap):.1f}" '
                 'stroke="#222" stroke-width="1.2"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _y(ratio, base, cap):
    return base - PANEL * min(ratio, cap) / cap


def colour(names, name):
    """The colour that stands for a malloc in every drawing; names without one of their own get the others in turn."""
    if name in PALETTE:
        return PALETTE[name]
    return OTHERS[[n for n in names if n not in PALETTE].index(name) % len(OTHERS)]


def _legend_width(name):
    return 30 + 7 * len(name)


def _legend(names):
    x = LEFT
    for name in names:
        yield f'<rect x="{x}" y="52" width="12" height="12" fill="{colour(names, name)}"/>'
        yield f'<text x="{x + 17}" y="62">{escape(name)}</text>'
        x += _legend_width(name)


def _grid(right, base, cap):
    tick = 0.5
    for step in range(int(cap / tick) + 1):
        y = _y(step * tick, base, cap)
        yield f'<line x1="{LEFT}" x2="{right - 16:g}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dfe4e8"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{step * tick:g}</text>'


def _group(left, base, label, ratios, names, cap):
    for place, name in enumerate(names):
        ratio = ratios.get(name)
        if ratio is None:
            continue
        x, y = left + place * BAR, _y(ratio, base, cap)
        yield (f'<rect x="{x:.1f}" y="{y:.1f}" width="{BAR - 1}" height="{base - y:.1f}" fill="{colour(names, name)}">'
               f'<title>{escape(label)}, {escape(name)}: {ratio:.2f}</title></rect>')
        if ratio > cap:
            yield (f'<text transform="translate({x + BAR - 1:.1f} {TOP - 4}) rotate(-90)" font-size="8.5" '
                   f'fill="#333">{ratio:.1f}</text>')
    middle = left + BAR * len(names) / 2
    weight = ' font-weight="bold"' if label == "all" else ""
    yield (f'<text transform="translate({middle + 4:.1f} {base + 10}) rotate(-55)" text-anchor="end"{weight}>'
           f'{escape(label)}</text>')
