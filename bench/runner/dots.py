"""One line per workload, one dot per malloc, on a logarithmic scale of ratios: all of a table at one glance. SVG."""
import math
from html import escape

from .plot import colour

ROW, LEFT, PANEL, RIGHT, TOP, BOTTOM = 21, 122, 640, 64, 92, 34
TICKS = (0.25, 0.5, 0.7, 1, 1.2, 1.5, 2, 3, 4, 6, 8)
CAP = 8


def drawing(title, subtitle, names, groups, own):
    """`groups` is [(label, {name: ratio})]. Dots past CAP stand at the edge with their figure; `own` is drawn last and
    its ratio printed at the right of each line."""
    width, base = LEFT + PANEL + RIGHT, TOP + ROW * len(groups)
    low = min([0.9, *(r for _, by in groups for r in by.values() if r)]) / 1.06
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {base + BOTTOM}" width="{width}" '
             f'height="{base + BOTTOM}" font-family="Helvetica, Arial, sans-serif" font-size="13">',
             f'<title>{escape(title)}</title>',
             f'<rect width="{width}" height="{base + BOTTOM}" fill="white"/>',
             f'<text x="12" y="24" font-size="17" font-weight="bold">{escape(title)}</text>',
             f'<text x="12" y="44" fill="#555">{escape(subtitle)}</text>']
    parts += _legend(names, own)
    parts += _scale(low, base)
    for index, (label, ratios) in enumerate(groups):
        parts += _line(TOP + ROW * index, label, ratios, names, own, low)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(ratio, low):
    return LEFT + PANEL * math.log(max(min(ratio, CAP), low) / low) / math.log(CAP / low)


def _dot(x, y, name, names, own):
    size = 6.2 if name == own else 4.6
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{colour(names, name)}" stroke="white" stroke-width="1"'


def _legend(names, own):
    x = 18
    for name in names:
        yield _dot(x, 64, name, names, own) + "/>"
        weight = ' font-weight="bold"' if name == own else ""
        yield f'<text x="{x + 11}" y="68.5"{weight}>{escape(name)}</text>'
        x += 34 + 7.4 * len(name)


def _scale(low, base):
    for tick in (t for t in TICKS if t >= low):
        x, stroke = _x(tick, low), "#222" if tick == 1 else "#e1e5e9"
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{base + 4}" stroke="{stroke}"/>'
        yield f'<text x="{x:.1f}" y="{base + 20}" text-anchor="middle" fill="#555">{tick:g}</text>'


def _line(top, label, ratios, names, own, low):
    middle = top + ROW / 2
    weight = ' font-weight="bold"' if label == "all" else ""
    if label == "all":
        yield f'<rect x="0" y="{top}" width="{LEFT + PANEL + RIGHT}" height="{ROW}" fill="#000" fill-opacity="0.06"/>'
    else:
        yield f'<line x1="{LEFT}" x2="{LEFT + PANEL}" y1="{middle:.1f}" y2="{middle:.1f}" stroke="#eef1f3"/>'
    yield f'<text x="{LEFT - 12}" y="{middle + 4.5:.1f}" text-anchor="end"{weight}>{escape(label)}</text>'
    shown = [n for n in names if ratios.get(n)]
    beyond = sorted((n for n in shown if ratios[n] > CAP), key=lambda n: ratios[n])
    for name in sorted(shown, key=lambda n: n == own):
        x = _x(ratios[name], low)
        yield f'{_dot(x, middle, name, names, own)}><title>{escape(label)}, {escape(name)}: {ratios[name]:.2f}</title></circle>'
    if beyond:
        figures = ", ".join(f"{ratios[n]:.0f}" for n in beyond)
        yield (f'<text x="{LEFT + PANEL - 9:.1f}" y="{middle + 3.5:.1f}" font-size="10" text-anchor="end" fill="#333">'
               f'{figures} &#8594;</text>')
    if ratios.get(own):
        yield (f'<text x="{LEFT + PANEL + RIGHT - 10}" y="{middle + 4.5:.1f}" text-anchor="end"{weight} '
               f'fill="{colour(names, own)}">{ratios[own]:.2f}</text>')
