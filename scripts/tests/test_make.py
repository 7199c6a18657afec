# SPDX-License-Identifier: GPL-2.0-or-later
"""Where people are: paths, homes, targets, privileges."""

import os
import re
import textwrap

from .sandbox import BASE, Case, Clone

CONFIG = f'BASE = {BASE}\nTARGET_LIST = %s\nCONFIGURE_ARGS =\n'


class Place(Case):
    """A clone at a path that the tools cannot deal with."""

    def test_refused(self):
        """configure, make: refuse a path with the reason, and run nothing."""
        for name, what in (
                ('a b', 'a space'), ('a:b', 'a colon'), ('a,b', 'a comma'),
                ("a'b", 'a quote'), ('a"b', 'a quote'), ('a`id`', 'a quote'),
                ('a$(touch evil)', 'a space'), ('a$(id)', 'a dollar'),
                ('a;b', 'operator'), ('a#b', 'a hash'), ('a*', 'a wildcard'),
                ('a\\b', 'a backslash')):
            with self.subTest(name):
                clone = Clone(name)
                self.addCleanup(clone.remove)
                for command in (['./configure'], ['make'],
                                ['make', 'check-unit']):
                    status, output = clone.run(*command)
                    self.assertNotEqual(status, 0, output)
                    self.assertIn(what, output)
                    self.assertIn('What you can do', output)
                self.assertFalse(os.path.exists(clone.join('build', BASE)))

    def test_taken(self):
        """configure: a path with other characters is taken."""
        clone = Clone('a-b_c.d+e=f@g~h')
        self.addCleanup(clone.remove)
        status, output = clone.run('./configure')
        self.assertEqual(status, 0, output)


class Around(Case):
    """What the environment says."""

    def test_elsewhere(self):
        """configure, make: CDPATH, PYTHONSAFEPATH lead nowhere else."""
        for name in ('scripts', 'lab', 'clone'):
            os.makedirs(os.path.join(self.clone.home, name))
        env = {'CDPATH': self.clone.home, 'PYTHONSAFEPATH': '1'}
        self.good('clone/configure', cwd=self.clone.folder, env=env)
        self.good('make', 'tree', env=env)
        self.good('scripts/install-deps', 'build', env=env)
        self.good('lab/own-folder', self.clone.join('build/lab'), env=env)

    def test_cache(self):
        """obtain-base, cache-folder: agree on a cache that is no path."""
        self.clone.env.pop('QEMU_BASES')
        os.makedirs(self.clone.join('build'))
        os.rename(self.clone.bases, self.clone.join('build/cache'))
        before = os.listdir(self.clone.path)
        for env in ({'HOME': ''}, {'HOME': None}, {'HOME': 'rel'},
                    {'XDG_CACHE_HOME': 'rel'}):
            self.assertEqual(self.good('scripts/cache-folder', env=env),
                             self.clone.join('build/cache') + '\n')
        self.assertEqual(os.listdir(self.clone.path), before)
        # Where a HOME that is not known would be looked up.
        self.clone.write('cache.py', textwrap.dedent("""\
            import importlib.machinery as machinery, pwd, sys
            sys.path.insert(0, 'scripts')
            found = machinery.SourceFileLoader('base', 'scripts/obtain-base')
            print(found.load_module().cache_folders()[0])
            """))
        for env in ({'HOME': None}, {'XDG_CACHE_HOME': 'rel'}):
            self.assertEqual(self.good(
                '/usr/bin/python3', '-W', 'ignore', 'cache.py', env=env),
                self.clone.join('build/cache') + '\n')


class Targets(Case):
    """What make starts, and what not."""

    def test_dry_run(self):
        """make -n, -q, -t: do not start ./configure."""
        for flag in ('-n', '-q', '-t', '-nk', '--just-print'):
            with self.subTest(flag):
                output = self.run_in('make', flag)[1]
                self.assertNotIn('Packages for the build', output)
                self.assertFalse(os.path.exists(self.clone.join('build')))

    def test_misspelt(self):
        """make: a target that there is not does not start ./configure."""
        for words in (['dmeo'], ['tree', 'dmeo'], ['-j8', 'dmeo', 'tree']):
            output = self.bad('make', *words, says='dmeo')
            self.assertNotIn('Packages for the build', output)
        self.assertFalse(os.path.exists(self.clone.join('build')))

    def test_configure_fails(self):
        """make: adds no noise to the error of ./configure."""
        self.clone.write(f'series/{BASE}/new.patch', 'no patch\n')
        output = self.bad('make', 'tree', says='does not apply')
        self.assertNotIn('No such file', output)
        self.assertNotIn('now: make', output)
        self.assertEqual(len(re.findall(r'\*\*\*', output)), 1, output)

    def test_configure_first(self):
        """make: configures first, and again as before when it changed."""
        self.good('make', 'tree')
        self.good('./configure', '--enable-debug', '--prefix=/a$b#c')
        # As by a clock that was ahead: configured once, not for ever.
        os.utime(self.clone.join('configure'), (2e9, 2e9))
        output = self.good('make', 'tree')
        self.assertEqual(output.count('now: make'), 1)
        arguments = self.clone.read(f'build/{BASE}/qemu-build/arguments')
        self.assertIn('--enable-debug --prefix=/a$b#c', arguments)

    def test_features(self):
        """configure: names what it lacks, --distro-features asks for it."""
        output = self.good('./configure')
        self.assertIn('without cap-ng gnutls', output)
        self.assertNotIn('numa', output)
        packages = self.clone.run('./configure', '--distro-features')[1]
        arguments = self.clone.read(f'build/{BASE}/qemu-build/arguments')
        self.assertIn('--enable-seccomp', arguments, packages)
        self.assertIn('--with-pkgversion=vpasid 1', arguments)

    def test_other_target(self):
        """make demo, check-lab: say at once that aarch64 is missing."""
        self.clone.write('build/config.mk', CONFIG % 'x86_64-softmmu')
        os.utime(self.clone.join('configure'), (0, 0))
        for target in ('demo', 'check-lab', 'check-qtest', 'bench',
                       'check-lab-sanitizers', 'check-lab-peer', 'bench-lab',
                       'check-series', 'coverage'):
            output = self.bad('make', target, says='x86_64-softmmu')
            self.assertIn('--target-list=x86_64-softmmu,aarch64-softmmu',
                          output)
        self.assertFalse(os.path.exists(self.clone.join(self.tree)))

    def test_cross_prefix(self):
        """configure: --cross-prefix= is not overridden by a --cc=."""
        for words, compiler in (
                (['--cross-prefix=arm-'], '--cc=ccache arm-gcc'),
                ([], '--cc=ccache gcc'), (['--cc=mycc'], '--cc=mycc')):
            self.good('./configure', *words)
            arguments = self.clone.read(f'build/{BASE}/qemu-build/arguments')
            self.assertEqual([compiler.removeprefix('--cc=')],
                             re.findall('--cc=(.*gcc|mycc)', arguments))

    def test_needed_at_once(self):
        """make: all packages of a target are named at its start, at once."""
        self.clone.stub(
            apt_get='#!/bin/sh\n', apt_cache='#!/bin/sh\n',
            dpkg_query='#!/bin/sh\n', id='#!/bin/sh\necho 1000\n')
        # Without any sudo there may be on this machine.
        path = os.path.join(self.clone.folder, 'usr')
        os.makedirs(path)
        for folder in ('/usr/bin', '/bin'):
            for name in os.listdir(folder):
                if name != 'sudo' and not os.path.lexists(f'{path}/{name}'):
                    os.symlink(f'{folder}/{name}', f'{path}/{name}')
        env = {'SKIP_DEPS': None, 'PATH': f'{self.clone.bin}:{path}'}
        for target, packages in (
                ('demo', ['ninja-build', 'device-tree-compiler']),
                ('check', ['ninja-build', 'device-tree-compiler', 'clang',
                           'quilt']),
                ('check-unit', ['clang']), ('all', ['ninja-build'])):
            output = self.bad('make', target, env=env,
                              says='apt-get install --yes')
            line = re.findall('.*apt-get install --yes.*', output)[0]
            self.assertEqual([], [name for name in packages
                                  if f' {name}' not in line], target)
            self.assertEqual('quilt' in line, target == 'check')

    def test_demo(self):
        """make demo: builds no whole QEMU, but brings one up to date."""
        whole = f'build/{BASE}/qemu-build/qemu-system-aarch64'
        self.assertNotIn('Building qemu', self.good('make', '-n', 'demo'))
        self.clone.write(whole, '')
        self.assertIn('Building qemu', self.good('make', '-n', 'demo'))

    def test_emulator(self):
        """lab: builds a QEMU for the host where there is no whole one."""
        for name in ('kernel', 'module', 'sysroot', 'images'):
            self.clone.write(f'lab/build-{name}', '#!/bin/sh\n', 0o755)
        self.clone.write('lab/build-qemu', textwrap.dedent("""\
            #!/bin/sh
            echo "for ${1:-guests}"
            dir=build/lab/$1
            mkdir -p "$dir" && cp /bin/true "$dir/qemu-system-aarch64"
            """), 0o755)
        output = self.good('lab/run', 'build')
        self.assertEqual(output.split('\n')[:2],
                         ['for guests', 'for emulator'])
        self.bad('lab/run', 'build', says='no QEMU at /none',
                 env={'LAB_QEMU': '/none'})
        whole = f'build/{BASE}/qemu-build/qemu-system-aarch64'
        self.clone.write(whole, '', 0o755)
        output = self.good('lab/run', 'build')
        self.assertNotIn('emulator', output)


class Ends(Case):
    """What a checkout and an older Python make of the files."""

    def test_line_ends(self):
        """A clone with core.autocrlf=true has the files as they are."""
        self.git('init', '-q', cwd=self.clone.path)
        self.git('add', '-A', cwd=self.clone.path)
        self.git('commit', '-q', '-m', 'all', cwd=self.clone.path)
        copy = os.path.join(self.clone.folder, 'copy')
        self.git('clone', '-q', '-c', 'core.autocrlf=true', self.clone.path,
                 copy, cwd=self.clone.folder)
        with open(os.path.join(copy, 'configure'), 'rb') as file:
            self.assertNotIn(b'\r', file.read())

    def test_line_ends_of_trees(self):
        """The trees have their line ends, and run no hook of the user."""
        self.clone.env.pop('GIT_CONFIG_NOSYSTEM')
        self.clone.write(f'{self.clone.home}/.gitconfig',
                         '[core]\nautocrlf=true\nhooksPath=~/hooks\n')
        self.good('./configure')
        self.git('checkout', '-q', 'base')
        self.git('checkout', '-q', 'vpasid')
        self.clone.write(f'{self.clone.home}/hooks/post-checkout',
                         '#!/bin/sh\nexit 1\n', 0o755)
        self.clone.stub(ninja='#!/bin/sh\n')
        self.good('scripts/build-base', BASE, 'program')
        for name in (f'{self.tree}/hw/new.c', f'{self.tree}/hw/meson.build',
                     f'build/{BASE}/base/qemu/hw/one.c'):
            with open(self.clone.join(name), 'rb') as file:
                self.assertNotIn(b'\r', file.read(), name)

    def test_python(self):
        """Every script runs with the distribution's own Python."""
        wrong = []
        for folder in ('scripts', 'scripts/windows', 'lab'):
            for name in os.listdir(self.clone.join(folder)):
                path = self.clone.join(folder, name)
                if os.path.isfile(path):
                    with open(path, encoding='utf-8') as file:
                        first = file.readline()
                    if 'python' in first and first != '#!/usr/bin/python3\n':
                        wrong.append(f'{folder}/{name}')
        self.assertEqual(wrong, [])


class Sums(Case):
    """What comes at the end of the tiers."""

    def tier(self, text):
        """Make `make check-some` report a text."""
        self.clone.write('result', text)
        self.clone.write('Makefile', 'check-some:\n\t@scripts/tap-sum some '
                         '-- cat result\n')

    def test_failures(self):
        """scripts/check: what failed is named once more at the end."""
        self.tier('ok 1 - good\n    not ok 1 - deep\n    1..1\n'
                  'not ok 2 - above it\nnot ok 3 - flat\n1..4\n')
        output = self.bad('scripts/check', 'some', says='==> Sums')
        self.assertEqual(
            [line.split(': ', 1)[1] for line in output.splitlines()
             if 'FAILED in tier some' in line],
            ['1 - deep', '3 - flat', '4 tests planned, 3 reported'])
        self.tier(''.join(f'not ok {number} - bad\n'
                          for number in range(1, 24)) + '1..23\n')
        output = self.bad('scripts/check', 'some', says='and 3 more')
        self.assertEqual(output.count('FAILED in tier some'), 20)

    def test_ran_before(self):
        """scripts/check: a tier that ran before may not be skipped."""
        self.tier('1..0 # SKIP no kernel\n')
        self.good('scripts/check', 'some')
        self.tier('ok 1 - it runs\nok 2 - no sound # SKIP no ears\n1..2\n')
        self.good('scripts/check', 'some')
        self.tier('1..0 # SKIP no kernel\n')
        output = self.bad('scripts/check', 'some', says='as they did before')
        self.assertRegex(output, r'\n0 passed, 1 failed, 1 skipped\n$')

    def test_ci(self):
        """.ci/run: no tier is skipped as a whole."""
        self.tier('1..0 # SKIP no kernel\n')
        with open(self.clone.join('Makefile'), 'a', encoding='utf-8') as file:
            file.write('check:\n\t@scripts/check some\n')
        output = self.bad('.ci/run', says='not one of its tests ran')
        self.assertRegex(output, r'\n0 passed, 1 failed, 1 skipped\n$')
