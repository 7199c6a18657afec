# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of scripts/series.py, one subject a file."""

import os
import signal
import sys


def uncaught(kind, error, trace):
    """Report what ends a script; SIGINT before session.run() in one line."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    print(f'{os.path.basename(sys.argv[0])}: ended by SIGINT',
          file=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


sys.excepthook = uncaught
