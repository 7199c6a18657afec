# SPDX-License-Identifier: GPL-2.0-or-later
"""A small clone to try the scripts in: two patches, a tiny QEMU, no network.

A test gets the scripts, configure, the Makefile and the lab of this
repository, a series of two patches for a base of five files, and a folder at
the head of PATH for programs that stand in for others.  The scripts come from
$CHECK_SCRIPTS_OF, when it names another clone: so a test is seen to fail on
the scripts as they were.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import textwrap
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
FOLDER = None   # where clones are made; set by the runner, which removes it
SOURCE = os.environ.get('CHECK_SCRIPTS_OF') or TOP
COPIED = ('scripts', 'lab', 'configure', 'Makefile', '.ci', '.gitattributes',
          '.gitignore')
BASE = '10.2'
PACKAGE = 'qemu_10.2.2+ds-1'
QEMU = {
    'VERSION': '10.2.2\n',
    'configure': '''\
        #!/bin/sh
        touch config-meson.cross build.ninja
        echo '#define CONFIG_NUMA' > config-host.h
        echo "$@" > arguments
        ''',
    'hw/meson.build': "one = files('one.c')\ntwo = files('two.c')\n",
    'hw/one.c': 'int one;\n',
    'qapi/common.json': '{}\n',
    'MAINTAINERS': 'One\nF: hw/one.c\n',
}
HOOK = '''\
diff --git a/hw/meson.build b/hw/meson.build
--- a/hw/meson.build
+++ b/hw/meson.build
@@ -2 +2,2 @@
 two = files('two.c')
+new = files('new.c')
'''
MANIFEST = '''\
# SPDX-License-Identifier: GPL-2.0-or-later
# The QEMU 10.2 series. `make refresh` writes this file from the commits in
# the applied tree; by hand, edit only [series], [base], `upstream`,
# `qemu11`, `group` and `needs`.

[series]
version = "1"
author = "The project <project@example.org>"

[base]
version = "10.2.2"
source = "qemu"
debian = "1:10.2.2+ds-1"
suites = ["trixie", "sid"]

[base.sha256]
{pins}
[[patch]]
name = "new"
subject = "hw: a new thing"
upstream = "ours"
qemu11 = "keep"
group = "core"
reason = \'\'\'
Because it is new.
\'\'\'
files = [
    "hw/new.c",
]

[[patch]]
name = "docs"
subject = "docs: the new thing"
upstream = "ours"
qemu11 = "keep"
group = "core"
reason = \'\'\'
So that people find it.
\'\'\'
files = [
    "docs/new.rst",
]
'''
OURS = {
    f'series/{BASE}/new.patch': HOOK,
    f'series/{BASE}/cover.md': 'A series\n\nIts letter.\n',
    'hw/new.c': 'int new;\n',
    'docs/new.rst': 'New\n===\n',
    'tests/data/ecap/none.txt': '',
    'README.md': 'Read me.\n\n<!-- series-table begin -->\n'
                 '<!-- series-table end -->\n',
    'MAINTAINERS': '',
}
# What stands in for programs that need a network, privileges or minutes.
STUBS = {
    # Unpacks what a test has put together as a source package.
    'dpkg-source': '''\
        #!/bin/sh
        for target; do :; done
        mkdir "$target" && tar -xf ./*.orig.tar.xz -C "$target"
        ''',
    'ccache': '#!/bin/sh\nexec "$@"\n',
}


class Clone:
    """A clone in a folder of its own; remove() it."""

    def __init__(self, name='clone'):
        self.folder = tempfile.mkdtemp(dir=FOLDER)
        self.path = os.path.join(self.folder, name)
        self.bin = os.path.join(self.folder, 'bin')
        self.home = os.path.join(self.folder, 'home')
        self.bases = os.path.join(self.folder, 'bases')
        os.makedirs(self.path)
        os.makedirs(self.home)
        for entry in COPIED:
            source = os.path.join(SOURCE, entry)
            if os.path.isdir(source):
                shutil.copytree(source, self.join(entry), symlinks=True,
                                ignore=shutil.ignore_patterns('__pycache__'))
            elif os.path.exists(source):
                shutil.copy(source, self.join(entry))
        self.stub(**STUBS)
        self.pins = self.package(QEMU)
        for path, text in OURS.items():
            self.write(path, text)
        self.write(f'series/{BASE}/series.toml', self.manifest())
        self.env = {
            'PATH': f'{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin',
            'HOME': self.home, 'LC_ALL': 'C', 'SKIP_DEPS': '1',
            'QEMU_BASES': self.bases, 'GIT_CONFIG_NOSYSTEM': '1',
            'PYTHONDONTWRITEBYTECODE': '1'}

    def join(self, *names):
        """Return a path in the clone."""
        return os.path.join(self.path, *names)

    def write(self, path, text, mode=0o644):
        """Write a file of the clone."""
        path = self.join(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, mode)

    def read(self, path):
        """Return the text of a file of the clone."""
        with open(self.join(path), encoding='utf-8') as file:
            return file.read()

    def stub(self, **programs):
        """Put programs at the head of PATH, each by its text."""
        os.makedirs(self.bin, exist_ok=True)
        for name, text in programs.items():
            self.write(os.path.join(self.bin, name.replace('_', '-')),
                       textwrap.dedent(text), 0o755)

    def package(self, files, name=PACKAGE):
        """Put files into a source package; return {name: sha256}."""
        folder = os.path.join(self.folder, 'qemu')
        shutil.rmtree(folder, ignore_errors=True)
        for path, text in files.items():
            self.write(os.path.join(folder, path), textwrap.dedent(text),
                       0o755 if path == 'configure' else 0o644)
        os.makedirs(self.bases, exist_ok=True)
        names = [f'{name}.dsc', f'{name.rpartition("-")[0]}.orig.tar.xz',
                 f'{name}.debian.tar.xz']
        for each in names:
            path = os.path.join(self.bases, each)
            if '.orig.' in each:
                subprocess.run(['tar', '-C', folder, '-cJf', path, '.'],
                               check=True)
            else:
                self.write(path, f'{each}\n')
        pins = {}
        for each in names:
            with open(os.path.join(self.bases, each), 'rb') as file:
                pins[each] = hashlib.sha256(file.read()).hexdigest()
        return pins

    def manifest(self):
        """Return the text of the manifest, with the pins of the package."""
        return MANIFEST.format(pins=''.join(
            f'"{name}" = "{pin}"\n' for name, pin in self.pins.items()))

    def start(self, *command, env=None, cwd=None, **how):
        """Start a command in the clone; return the process."""
        full = {key: value for key, value in {**self.env, **(env or {})
                                              }.items() if value is not None}
        return subprocess.Popen(
            command, cwd=cwd or self.path, env=full, text=True,
            errors='replace', stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, **how)

    def run(self, *command, **how):
        """Run a command in the clone; return (status, output)."""
        with self.start(*command, **how) as child:
            try:
                output = child.communicate(timeout=60)[0]
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                output = child.communicate()[0] + '\nTOOK TOO LONG'
        return child.returncode, output

    def remove(self):
        """Remove everything."""
        subprocess.run(['chmod', '-R', 'u+rwX', self.folder], check=False)
        shutil.rmtree(self.folder)


class Case(unittest.TestCase):
    """A test with a clone."""

    def setUp(self):
        self.clone = Clone()
        self.addCleanup(self.clone.remove)
        self.run_in, self.tree = self.clone.run, f'build/{BASE}/qemu'

    def good(self, *command, **how):
        """Run a command that has to succeed; return its output."""
        status, output = self.run_in(*command, **how)
        self.assertEqual(status, 0, output)
        return output

    def bad(self, *command, says=(), **how):
        """Run a command that has to fail, and has to say something.

        No traceback, no message of the shell, is a good way to fail.
        """
        status, output = self.run_in(*command, **how)
        self.assertNotEqual(status, 0, output)
        self.assertNotIn('Traceback', output)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, output)
        return output

    def git(self, *arguments, cwd=None):
        """Run git in the applied tree; return its output."""
        return self.good('git', '-c', 'user.name=Tester', '-c',
                         'user.email=tester@example.org', *arguments,
                         cwd=cwd or self.clone.join(self.tree)).strip()

    def make_tree(self):
        """Make the applied tree."""
        self.good('scripts/obtain-base', BASE)
        self.good('scripts/series.py', 'apply')

    def edit(self, path, text, commit=''):
        """Write a file of the applied tree, and commit it if asked to."""
        self.clone.write(os.path.join(self.tree, path), text)
        if commit:
            self.git('add', '-A')
            self.git('commit', '-q', '-m', commit)
