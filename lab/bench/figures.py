# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
"""Figures of guests, as the cases that count say them.

A line is `SETTING=VALUE... WHAT: NAME=NUMBER...`, where WHAT is `boot`, or
`size=KIB` for a number of unmaps of that size; the names are those of
counter.c.
"""

# What is compared, below a heading
COLUMNS = (
    ('PROD writes', 'prod'),
    ('CONS reads', 'cons'),
    ('others', 'other'),
    ('invalidate', 'ioctls'),
    ('/dev/iommu', 'iommufd'),
    ('VFIO', 'vfio'),
    ('commands', 'commands'),
    ('passed on', 'entries'),
)
SYNCS = 1024    # what figures of unmaps are given for


def parse(lines):
    """Return {setting: {name: number}} of lines."""
    result = {}
    for line in lines:
        line = line.strip()
        if line and not line.startswith('#'):
            setting, _, figures = line.partition(':')
            result[setting] = {name: int(number) for name, number in (
                word.split('=') for word in figures.split())}
    return result


def read(path):
    """Return what parse() has of a file, {} when there is none."""
    try:
        with open(path, encoding='utf-8') as file:
            return parse(file)
    except OSError:
        return {}


def amount(figures, name, boot):
    """Return a figure for a whole boot, or for 1024 CMD_SYNCs."""
    if boot:
        return figures[name]
    return round(figures[name] * SYNCS / figures['syncs'])


def instructions(figures):
    """Return those of an exit for PROD, and those of its ioctls.

    Only of a run in which a nanosecond of virtual time is an instruction.
    """
    scale = 1e9 / figures['ticks_per_s'] / figures['prod']
    return (round(figures['prod_ticks'] * scale),
            round(figures['ioctl_ticks'] * scale))


def show(counts):
    """Print figures of ours and, if there are any, those of the peer.

    counts: {'ours', 'ours.icount', 'peer', 'peer.icount': see parse()}
    """
    ours, peer = counts['ours'], counts.get('peer', {})
    width = max(len(setting) for setting in [*ours, ''])
    print(' ' * width, *(f'{head:>12}' for head, _ in COLUMNS))
    for setting in ours:
        cells = []
        for _, name in COLUMNS:
            sides = [str(amount(side[setting], name, ' boot' in setting))
                     if setting in side else '-'
                     for side in ([ours, peer] if peer else [ours])]
            cells.append(f'{"/".join(sides):>12}')
        print(f'{setting:{width}}', *cells)
    for setting in counts.get('ours.icount', {}):
        if ' boot' in setting:
            continue
        both = [instructions(side[setting])
                for side in (counts['ours.icount'],
                             counts.get('peer.icount', {}))
                if setting in side]
        print(f'{setting:{width}} instructions for a PROD write, in ioctls:',
              ' / '.join(f'{total}, {ioctls}' for total, ioctls in both))
    print(f'Of a boot, or of {SYNCS} CMD_SYNCs, which is as many unmaps of '
          'SIZE KiB' + ('; ours/QEMU 11.1' if peer else ''))
