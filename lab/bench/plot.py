# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
"""A plot of what an unmap costs, as SVG: both axes are logarithmic."""

import math
from xml.sax.saxutils import escape

PANEL = 300, 220        # what is inside the axes of one diagram
MARGIN = 62, 40, 22, 86     # left, top, right, bottom
COLOURS = {'QEMU 11.1': '#c0392b', 'ours': '#1f6fb2', 'limit': '#666666'}
DASHES = {'limit': ' stroke-dasharray="5 4"'}


def short(number):
    """Return a number for an axis."""
    return f'{number / 1000:g}k' if number >= 1000 else f'{number:g}'


class Panel:
    """One diagram: lines over commands per CMD_SYNC."""

    def __init__(self, title, lines, left):
        self.title, self.lines = title, lines
        self.left, self.top = left + MARGIN[0], MARGIN[1]
        points = [point for line in lines.values() for point in line]
        self.range = [(min(p[axis] for p in points),
                       max(p[axis] for p in points)) for axis in (0, 1)]
        # From a power of ten to the next
        low, high = self.range[1]
        self.range[1] = (10 ** math.floor(math.log10(low)) * .7,
                         10 ** math.ceil(math.log10(high * 1.01)))

    def place(self, point):
        """Return where a point is."""
        shares = [math.log(value / low) / math.log(high / low)
                  for value, (low, high) in zip(point, self.range)]
        return (self.left + shares[0] * PANEL[0],
                self.top + (1 - shares[1]) * PANEL[1])

    def axes(self):
        """Yield the frame, the marks of both axes, and the titles."""
        right, bottom = self.left + PANEL[0], self.top + PANEL[1]
        yield text(self.left, self.top - 14, self.title, weight='bold')
        decade = 10 ** math.ceil(math.log10(self.range[1][0]))
        while decade <= self.range[1][1]:
            _, y = self.place((self.range[0][0], decade))
            yield (f'<path d="M{self.left} {y:.1f}H{right}" stroke="#ddd"/>')
            yield text(self.left - 6, y + 4, short(decade), anchor='end')
            decade *= 10
        marks = {point[0] for line in self.lines.values() for point in line}
        for mark in sorted(marks):
            x, _ = self.place((mark, self.range[1][0]))
            yield f'<path d="M{x:.1f} {bottom}v5" stroke="#333"/>'
            yield text(x, bottom + 18, short(mark), anchor='middle')
        yield text((self.left + right) / 2, bottom + 38,
                   'invalidations per CMD_SYNC', anchor='middle')
        yield (f'<path d="M{self.left} {self.top}V{bottom}H{right}" '
               'fill="none" stroke="#333"/>')

    def curves(self):
        """Yield the lines with their points."""
        for name, line in self.lines.items():
            places = [self.place(point) for point in sorted(line)]
            path = 'L'.join(f'{x:.1f} {y:.1f}' for x, y in places)
            yield (f'<path d="M{path}" fill="none" stroke-width="2" '
                   f'stroke="{COLOURS[name]}"{DASHES.get(name, "")}/>')
            if name not in DASHES:
                for x, y in places:
                    yield (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" '
                           f'fill="{COLOURS[name]}"/>')


def text(x, y, words, anchor='start', weight='normal'):
    """Return a piece of text."""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{escape(words)}</text>')


def svg(panels, note):
    """Return a plot.

    panels: {title: {name of a line: [(x, y), ...]}}.
    """
    width = len(panels) * (MARGIN[0] + PANEL[0] + MARGIN[2])
    height = MARGIN[1] + PANEL[1] + MARGIN[3]
    drawn = []
    for number, (title, lines) in enumerate(panels.items()):
        panel = Panel(title, lines, number * width / len(panels))
        drawn += [*panel.axes(), *panel.curves()]
    x = MARGIN[0]
    for name, colour in COLOURS.items():
        drawn.append(f'<path d="M{x} {height - 26}h26" stroke-width="2" '
                     f'stroke="{colour}"{DASHES.get(name, "")}/>')
        drawn.append(text(x + 32, height - 22, name))
        x += 130
    drawn.append(text(x, height - 22, note))
    return '\n'.join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        '<!-- SPDX-License-Identifier: GPL-2.0-or-later -->',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *drawn, '</svg>\n'])
