# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
"""What came of the lab's cases with QEMU 11.1 in the emulated host.

lab/peer/outcomes has a line for each case: its name, how many of its checks
were good, how many were made, and, if not all were good, why. Where a guest
fails in the middle of things, the numbers are not always the same: see ~.
"""

import os

STORED = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'outcomes')


def read(path=STORED):
    """Return {case: (good, made, about, why)} as stored."""
    result = {}
    with open(path, encoding='utf-8') as file:
        for line in file:
            if line.strip() and not line.startswith('#'):
                case, good, made, *why = line.rstrip('\n').split(' ', 3)
                result[case] = (int(good), int(made.lstrip('~')),
                                made.startswith('~'), ''.join(why))
    return result


def agrees(found, stored):
    """Tell whether (good, made) is what is stored of a case."""
    good, made, about, _ = stored
    if about:
        return found[0] < found[1] and abs(found[0] - good) <= 2
    return found == (good, made)
