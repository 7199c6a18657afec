# SPDX-License-Identifier: GPL-2.0-or-later
"""A failure does not become a state, nor a pass: base, configure, export."""

import os
import re
import textwrap

from .sandbox import BASE, QEMU, Case

NEXT = 'qemu_10.2.3+ds-1'


class Configure(Case):
    """./configure ends where something fails."""

    def test_failed_apply(self):
        """configure: a hook that does not apply ends it."""
        self.clone.write(f'series/{BASE}/new.patch', textwrap.dedent('''\
            diff --git a/hw/meson.build b/hw/meson.build
            --- a/hw/meson.build
            +++ b/hw/meson.build
            @@ -2 +2,2 @@
             three = files('three.c')
            +new = files('new.c')
            '''))
        output = self.bad('./configure', says='does not apply')
        self.assertNotIn('now: make', output)

    def test_patched_source(self):
        """configure: --qemu-source= with the series in it is refused."""
        self.make_tree()
        patched = os.path.join(self.clone.folder, 'patched')
        os.rename(self.clone.join(self.tree), patched)
        output = self.bad('./configure', f'--qemu-source={patched}',
                          says=['has the series in it already', 'hw/new.c'])
        self.assertNotIn('now: make', output)
        self.assertFalse(os.path.exists(self.clone.join(self.tree)))

    def test_source_bytes(self):
        """configure: --qemu-source= may have a name that is not UTF-8."""
        name = f'{self.clone.folder}/caf'.encode() + b'\xe9'
        os.rename(f'{self.clone.folder}/qemu', name)
        for _ in range(2):
            self.good('./configure', b'--qemu-source=' + name)

    def test_source_changed(self):
        """configure: --qemu-source= is read again when it has changed."""
        source = f'{self.clone.folder}/qemu'
        self.good('./configure', f'--qemu-source={source}')
        for text in 'int update;\n', 'int more;\n':
            with open(f'{source}/hw/one.c', 'a', encoding='utf-8') as file:
                file.write(text)
            output = self.good('./configure', f'--qemu-source={source}')
            self.assertIn('made anew', output)
            self.assertIn(text, self.clone.read(f'{self.tree}/hw/one.c'))
        output = self.good('./configure', f'--qemu-source={source}')
        self.assertNotIn('made anew', output)
        self.edit('hw/one.c', 'int mine;\n', 'hw: mine')
        with open(f'{source}/hw/one.c', 'a', encoding='utf-8') as file:
            file.write('int last;\n')
        self.bad('./configure', f'--qemu-source={source}',
                 says=['would lose work', 'git -C'])


class Pin(Case):
    """The base is the one that is pinned."""

    def new_pin(self, **changed):
        """Pin another package, with other files in it."""
        self.clone.pins = self.clone.package(
            dict(QEMU, VERSION='10.2.3\n', **changed), NEXT)
        self.clone.write(f'series/{BASE}/series.toml',
                         self.clone.manifest().replace('10.2.2', '10.2.3'))

    def test_new_pin(self):
        """obtain-base: a new pin replaces the base."""
        self.make_tree()
        self.new_pin()
        self.good('scripts/obtain-base', BASE)
        output = self.good('scripts/series.py', 'apply')
        self.assertIn('10.2.3', output)
        self.assertEqual(self.clone.read(f'{self.tree}/VERSION'), '10.2.3\n')

    def test_base_moved(self):
        """obtain-base, apply: lines of the new base have moved, or changed."""
        self.make_tree()
        self.new_pin(**{'hw/meson.build': '# more\n' * 9 +
                        QEMU['hw/meson.build']})
        self.good('scripts/obtain-base', BASE)
        self.good('scripts/series.py', 'apply')
        self.good('scripts/series.py', 'refresh')
        hook = f'series/{BASE}/new.patch'
        self.assertIn('@@ -11 +11,2 @@', self.clone.read(hook))
        # A line beside the hook is another one: said, and mended by hand.
        self.new_pin(**{'hw/meson.build': "two = files('two.c', 'three.c')\n"})
        self.good('scripts/obtain-base', BASE)
        self.bad('scripts/series.py', 'apply',
                 says=[hook, 'does not apply', 'context lines'])
        self.clone.write(hook, self.clone.read(hook).replace(
            "'two.c')", "'two.c', 'three.c')"))
        self.good('scripts/series.py', 'apply')
        self.good('scripts/series.py', 'refresh')
        self.assertIn('@@ -1 +1,2 @@', self.clone.read(hook))

    def test_new_pin_and_work(self):
        """obtain-base: a new pin does not replace a base with work on it."""
        self.make_tree()
        self.edit('hw/new.c', 'int newer;\n', 'fixup')
        self.new_pin()
        self.bad('scripts/obtain-base', BASE,
                 says=['1:10.2.3+ds-1', '1:10.2.2+ds-1', 'fixup'])
        self.assertEqual(self.clone.read(f'{self.tree}/hw/new.c'),
                         'int newer;\n')

    def test_bad_pin(self):
        """obtain-base: a manifest without usable pins is said to be so."""
        path = f'series/{BASE}/series.toml'
        good = self.clone.read(path)
        for old, new in ((r'"[^"]*\.dsc" = .*', ''), ('"qemu_.* = .*', ''),
                         (r'\[base.sha256\]', 'sha256 = "x"\n[other]'),
                         (r'\[base\]', '[[base]]'),
                         (r'\[base.sha256\]', '[other]')):
            self.clone.write(path, re.sub(old, new, good))
            self.bad('scripts/obtain-base', BASE,
                     says=['series.toml', 'git checkout'])
        with open(self.clone.join(path), 'wb') as file:
            file.write(good.encode() + b'# caf\xe9\n')
        self.bad('scripts/obtain-base', BASE, says='series.toml')

    def test_no_origin(self):
        """obtain-base: build/BASE/origin may be missing."""
        self.make_tree()
        os.remove(self.clone.join(f'build/{BASE}/origin'))
        self.good('scripts/obtain-base', BASE)
        self.new_pin()
        self.good('scripts/obtain-base', BASE)
        self.assertEqual(self.clone.read(f'{self.tree}/VERSION'), '10.2.3\n')

    def test_origin_and_source(self):
        """obtain-base: with no origin a --qemu-source= is not believed."""
        self.make_tree()
        os.remove(self.clone.join(f'build/{BASE}/origin'))
        self.bad('scripts/obtain-base', f'--qemu-source={self.clone.folder}'
                 '/qemu', BASE, says='was made from')


class Export(Case):
    """What is exported is all, and always the same."""

    def setUp(self):
        super().setUp()
        self.clone.write(f'{self.clone.home}/.gitconfig', '[user]\n'
                         'name = Tester\nemail = tester@example.org\n')
        self.make_tree()

    def test_commits(self):
        """series, deb: commits that were not refreshed are not left out."""
        self.edit('hw/one.c', 'int two;\n', 'hw: two')
        for command in ('series', 'deb'):
            self.bad('scripts/series.py', command,
                     says=['hw: two', 'make refresh'])

    def test_changes(self):
        """series, deb: changes in no commit are not left out."""
        self.edit('hw/one.c', 'int two;\n')
        for command in ('series', 'deb'):
            self.bad('scripts/series.py', command, says='hw/one.c')

    def bytes_of(self, folder):
        """Return the files of a folder of the build."""
        folder = f'build/{BASE}/{folder}'
        return {name: self.clone.read(f'{folder}/{name}')
                for name in os.listdir(self.clone.join(folder))}

    def test_same_bytes(self):
        """series, deb: twice the same bytes, at any time."""
        self.git('init', '-q', cwd=self.clone.path)
        self.git('add', '-A', cwd=self.clone.path)
        self.good('git', '-c', 'user.name=Tester', '-c',
                  'user.email=tester@example.org', 'commit', '-q', '-m', 'all',
                  env={'GIT_COMMITTER_DATE': '@1000000000 +0000'})
        for command, folder in (('series', 'series'), ('deb', 'deb-patches')):
            self.good('scripts/series.py', command)
            first = self.bytes_of(folder)
            # What a clock that goes on would give.
            self.clone.stub(git='#!/bin/sh\nexport GIT_TEST_DATE_NOW='
                            '1900000000\nexec /usr/bin/git "$@"\n')
            self.good('scripts/series.py', command)
            self.assertEqual(first, self.bytes_of(folder))
            if command == 'series':
                dates = [line for text in first.values()
                         for line in text.splitlines()
                         if line.startswith('Date: ')]
                self.assertEqual(set(dates), {
                    'Date: Sun, 9 Sep 2001 01:46:40 +0000'})

    def test_dep3(self):
        """deb: the header is DEP-3's, whoever exports and whenever."""
        self.good('scripts/series.py', 'deb',
                  env={'SOURCE_DATE_EPOCH': '86400', 'GIT_AUTHOR_NAME': 'Me'})
        header = self.bytes_of('deb-patches')['new.patch'].split('---\n')[0]
        self.assertEqual(header, textwrap.dedent("""\
            Description: hw: a new thing
             Because it is new.
            Author: The project <project@example.org>
            Origin: other, qemu-vpasid 1 for QEMU 10.2
            Forwarded: no
            X-Group: core
            Last-Update: 1970-01-02
            X-Relation-To-Upstream: ours
            X-On-QEMU-11: keep
            """))

    def test_author(self):
        """series: an author that is none is refused."""
        path = f'series/{BASE}/series.toml'
        self.clone.write(path, self.clone.read(path).replace(
            '<project@example.org>', ''))
        self.bad('scripts/series.py', 'series', says='series.author')

    def test_source_date(self):
        """series: SOURCE_DATE_EPOCH is the date."""
        self.good('scripts/series.py', 'series',
                  env={'SOURCE_DATE_EPOCH': '86400'})
        self.assertIn('Date: Fri, 2 Jan 1970 00:00:00 +0000',
                      self.bytes_of('series')['0001-hw-a-new-thing.patch'])
        self.bad('scripts/series.py', 'series', says='SOURCE_DATE_EPOCH',
                 env={'SOURCE_DATE_EPOCH': 'today'})
