# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the tests of this folder, and reports each as a result of TAP."""

import os
import signal
import tempfile
import unittest

from . import sandbox


def each(suite):
    """Yield the tests of a suite, in its order."""
    for entry in suite:
        if isinstance(entry, unittest.TestSuite):
            yield from each(entry)
        else:
            yield entry


def run(tap, patterns=()):
    """Run the tests whose names have one of some patterns, or all."""
    # A run in the background was started with these ignored, and all that the
    # tests start would ignore them, too.
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    folder = os.path.dirname(os.path.abspath(__file__))
    loader = unittest.TestLoader()
    suite = loader.discover(folder, 'test_*.py', os.path.dirname(folder))
    with tempfile.TemporaryDirectory(prefix='check-scripts-') as folder:
        sandbox.FOLDER = folder
        for test in each(suite):
            name = test.id().removeprefix('tests.test_')
            if not patterns or any(part in name for part in patterns):
                run_one(tap, test, name)


def run_one(tap, test, name):
    """Run one test, and report it by what its docstring says."""
    result = unittest.TestResult()
    test.run(result)
    text = (test.shortDescription() or name).rstrip('.')
    skipped = result.skipped[0][1] if result.skipped else ''
    tap.result(f'scripts: {text}', [
        trace for _, trace in result.failures + result.errors], skipped)
