# SPDX-License-Identifier: GPL-2.0-or-later
"""One run of a command in a clone: alone there, and with an orderly end."""

import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import subprocess
import sys

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 10      # seconds that a child has to end by itself
SET_PARENT_DEATH_SIGNAL = 1     # of prctl(2)


class Ended(KeyboardInterrupt):
    """A signal, of whatever number, asked this process to end."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


def run(main, *arguments):
    """Call main() of a script, and exit with the status that it returns.

    A signal that ends the script is passed on to all that it has started, and
    is an exception in main(), so that what was begun is cleaned up; then the
    script dies of that signal, with one line.  A part of a run of make or
    configure also ends with the one that has called it: the shell between
    them passes no signal on.
    """
    def end(number, _frame):
        # The cleaning up is not interrupted.  SIG_IGN would have Python
        # complain of a second signal that has come with the first.
        for each in SIGNALS:
            signal.signal(each, lambda *_: None)
        for pid in descendants(os.getpid()):
            with contextlib.suppress(OSError):
                os.kill(pid, number)
        raise Ended(number)

    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:     # as under nohup
            signal.signal(number, end)
    if os.environ.get('VPASID_RUN'):
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    try:
        sys.exit(main(*arguments))
    except Ended as error:
        print(f'{os.path.basename(sys.argv[0])}: ended by '
              f'{signal.Signals(error.number).name}; the same command goes '
              'on from what is done', file=sys.stderr)
        signal.signal(error.number, signal.SIG_DFL)
        os.kill(os.getpid(), error.number)


@contextlib.contextmanager
def child_of(*arguments, **how):
    """Start a child, and do not leave it behind when this process ends.

    As subprocess.Popen, whose arguments these are.  A child that got the
    signal of run() has some time to end.
    """
    with subprocess.Popen(*arguments, **how) as child:
        try:
            yield child
        except Ended:
            try:
                child.wait(GRACE)
            except subprocess.TimeoutExpired:
                child.kill()
            raise


def descendants(pid):
    """Return the processes that a process has started, and theirs."""
    children = {}
    for name in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError):
            with open(f'/proc/{name}/stat', encoding='utf-8',
                      errors='replace') as file:
                parent = file.read().rpartition(')')[2].split()[1]
            children.setdefault(int(parent), []).append(int(name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found[1:]


def started(pid):
    """Return when a process was started, '' when there is none.

    Two processes that get the same number differ in it.
    """
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8',
                  errors='replace') as file:
            fields = file.read().rpartition(')')[2].split()
    except OSError:
        return ''
    return fields[19] if fields[0] not in 'ZX' else ''


def command_of(pid):
    """Return the command line of a process."""
    with open(f'/proc/{pid}/cmdline', encoding='utf-8',
              errors='replace') as file:
        return ' '.join(file.read().split('\0')).strip()


def what_failed(error, path=''):
    """Return what an OSError says, and the way out, for people."""
    ways = {errno.ENOSPC: 'make room on that disk, and run the same again',
            errno.EDQUOT: 'make room in your quota, and run the same again',
            errno.EROFS: 'use a clone on a disk that can be written',
            errno.EACCES: 'give it to yourself, if an earlier run was by '
                          'another user: chown -R',
            errno.EEXIST: 'move away what is in the place of a folder'}
    way = ways.get(errno.EACCES if error.errno == errno.EPERM else error.errno)
    where = path or error.filename
    return (error.strerror or str(error)) + (
        f': {where}' if where else '') + (
            f'\nWhat you can do: {way}' if way else '')


def claim(folder):
    """Make a folder that things are built in ours, until this run ends.

    A run is one `make`, one ./configure or, without these, one script; they
    tell what they call by $VPASID_RUN.  Raises RuntimeError, with a text for
    people, when another run has the folder.  Nothing has to be given back:
    what a process that is gone has claimed is free.
    """
    mine = os.environ.get('VPASID_RUN', '')
    if not started(mine or 'none'):
        mine = os.environ['VPASID_RUN'] = str(os.getpid())
    path = os.path.join(folder, 'lock')
    try:
        os.makedirs(folder, exist_ok=True)
        with open(path, 'a+', encoding='utf-8') as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            owner, when = (file.read().split() + ['', ''])[:2]
            # A crash of the machine may have left anything there.
            if owner.isdigit() and when and owner != mine and \
                    started(owner) == when:
                raise RuntimeError(
                    f'another run is at work in {os.path.relpath(folder)}: '
                    f'`{command_of(owner)}`, process {owner}.\nWhat you can '
                    f'do: wait until it is done, or end it: kill {owner}')
            file.truncate(0)
            file.write(f'{mine} {started(mine)}\n')
    except OSError as error:
        raise RuntimeError(what_failed(error, path)) from None
