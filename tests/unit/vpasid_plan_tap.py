# SPDX-License-Identifier: GPL-2.0-or-later
"""Common parts of the tests of vpasid-plan: dumps, and TAP."""

import os
import re
import sys
import unittest


def dump(name):
    """Path of a dump."""
    return os.path.join(sys.argv[2], name + '.txt')


def image(name):
    """Bytes of the first device of a dump."""
    with open(dump(name), encoding='ascii') as file:
        text = file.read().split('\n\n', maxsplit=1)[0]
    return b''.join(bytes.fromhex(line.split(':', 1)[1])
                    for line in text.split('\n')
                    if re.match('[0-9a-f]+: ', line))


class Tap(unittest.TestResult):
    """Prints results as TAP."""

    def __init__(self):
        super().__init__()
        self.trouble = []

    def note(self, err, test):
        """Keep a failure for the end of the test."""
        self.trouble.append(self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self.note(err, test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(err, test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.trouble.append(str(subtest))
            self.note(err, test)

    def stopTest(self, test):
        super().stopTest(test)
        name = test.id().split('.', 1)[1].replace('.test_', '/').lower()
        skip = ''.join(f' # SKIP {why}' for skipped, why in self.skipped
                       if skipped is test)
        print(f'{"not ok" if self.trouble else "ok"} {self.testsRun} '
              f'{name}{skip}')
        for text in self.trouble:
            print('# ' + text.rstrip().replace('\n', '\n# '))
        self.trouble = []


def main():
    """Run all tests of the program; return its exit status."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules['__main__'])
    print(f'1..{suite.countTestCases()}')
    result = Tap()
    suite.run(result)
    return 0 if result.wasSuccessful() else 1
