# SPDX-License-Identifier: GPL-2.0-or-later
"""Results of checks, printed as TAP."""

from .manifest import SeriesError


class Tap:
    """Prints results and remembers whether any was bad."""

    def __init__(self):
        self.count = self.failures = 0

    def result(self, name, problems=(), skip=''):
        """Print one result; `problems` is the list of what is wrong."""
        self.count += 1
        for line in '\n'.join(problems).splitlines():
            print(f'# {line}')
        self.failures += bool(problems)
        print(f'{"not ok" if problems else "ok"} {self.count} - {name}'
              + (f' # SKIP {skip}' if skip else ''), flush=True)

    def guard(self, name, function, *arguments):
        """Run a check that returns problems; an error is a problem too."""
        try:
            problems = list(function(*arguments) or ())
        except (SeriesError, OSError) as error:
            problems = [str(error)]
        self.result(name, problems)
