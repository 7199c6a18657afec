# SPDX-License-Identifier: GPL-2.0-or-later
"""What the checks of other configurations share: a build, its warnings."""

import json
import os
import re
import subprocess
from collections import Counter

from . import manifest as mf
from . import tree

STEP = os.path.join(mf.TOP, 'scripts', 'step')
BEGUN = re.compile(r'\[\d+/\d+\] (?:Compiling|Linking|Generating)\b.* (\S+)')
WARNING = re.compile(r'(?:(?:\.\./)*qemu/)?(\S+?):(?:\d+:)*\s+warning: (.*)')


def touched(repo, revision='HEAD'):
    """Return the files that the series adds or changes."""
    return repo.git('diff', '--name-only', 'base', revision).split()


def log_of(name):
    """Return the log of a step."""
    return os.path.join(mf.TOP, 'build', 'log', f'{name}.log')


def warnings_in(log):
    """Return {object: Counter of (file, warning)} of a log of ninja."""
    found, current = {}, ''
    try:
        with open(log, encoding='utf-8', errors='replace') as file:
            for line in file:
                begun = BEGUN.match(line)
                if begun:
                    current = begun[1]
                warning = WARNING.match(line)
                if warning:
                    found.setdefault(current, Counter())[warning.groups()] += 1
    except OSError:
        pass
    return found


class Build:
    """A configuration of a source tree, and its build directory."""

    def __init__(self, name, title, source, path, options):
        self.name, self.title = name, title
        self.source, self.path, self.options = source, path, options

    def step(self, name, title, *command, cwd=None, env=None):
        """Run a step; return what is wrong."""
        where = ['--cwd', cwd] if cwd else []
        done = subprocess.run([STEP, *where, name, title, '--', *command],
                              env=env, check=False)
        return [f'{title}: failed, see build/log/{name}.log'] \
            if done.returncode else []

    def configure(self, env=None):
        """Configure, unless it was with these options."""
        stamp = os.path.join(self.path, 'configured')
        text = '\n'.join(self.options)
        if os.path.exists(stamp):
            with open(stamp, encoding='utf-8') as file:
                if file.read() == text:
                    return []
        os.makedirs(self.path, exist_ok=True)
        problems = self.step(
            f'{self.name}-configure', f'{self.title}: QEMU\'s configure',
            os.path.relpath(os.path.join(self.source, 'configure'),
                            self.path), '--python=/usr/bin/python3',
            *self.options, cwd=self.path, env=env)
        if not problems:
            # As in ./configure: or a second run of meson takes -Werror.
            cross = os.path.join(self.path, 'config-meson.cross')
            with open(cross, encoding='utf-8') as file:
                lines = [line for line in file if line != 'werror = true\n']
            with open(cross, 'w', encoding='utf-8') as file:
                file.writelines(lines)
            with open(stamp, 'w', encoding='utf-8') as file:
                file.write(text)
        return problems

    def ninja(self, *arguments):
        """Return the lines that ninja prints."""
        return subprocess.run(['ninja', '-C', self.path, *arguments],
                              text=True, capture_output=True,
                              check=False).stdout.splitlines()

    def objects(self, sources, programs):
        """Return the objects of some source files.

        QEMU's libraries name every object, also those that no program of
        this configuration has and that may lack what they include.
        """
        self.ninja('build.ninja')
        with open(os.path.join(self.path, 'compile_commands.json'),
                  encoding='utf-8') as file:
            entries = json.load(file)
        source = os.path.realpath(self.source)
        linked = {line.strip() for line in self.ninja('-t', 'inputs',
                                                      *programs)}
        return sorted(
            entry['output'] for entry in entries
            if (entry['output'] in linked
                or entry['output'].startswith(('contrib/', 'tests/')))
            and os.path.relpath(os.path.realpath(os.path.join(
                entry['directory'], entry['file'])), source) in sources)

    def make(self, name, title, wanted, env=None):
        """Make some targets; return (problems, warnings)."""
        self.compile_again(name)
        problems = self.step(name, title, 'ninja', '-C', self.path, '-k', '0',
                             *wanted, env=env)
        return problems, warnings_in(log_of(name))

    def compile_again(self, name):
        """Remove what a log has a warning of: the next run shows it too."""
        for output in warnings_in(log_of(name)):
            path = os.path.join(self.path, output)
            if output and os.path.isfile(path):
                os.remove(path)


def checkout(repo, path, revision):
    """Check a revision out at a path of its own."""
    copy = tree.Repository(path)
    if not copy.exists():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        repo.git('clone', '-q', '--shared', '--no-checkout', repo.path, path)
    commit = repo.rev(f'{revision}^{{commit}}')
    copy.git('fetch', '-q', repo.path, 'HEAD')
    copy.git('checkout', '-q', '-f', '--detach', commit)
    return copy
