# SPDX-License-Identifier: GPL-2.0-or-later
"""Nobody's work is lost, and no run disturbs another."""

import os
import signal
import time

from .sandbox import BASE, Case


class Work(Case):
    """Work in the applied tree stays, or is refused to be removed."""

    def setUp(self):
        super().setUp()
        self.make_tree()

    def other_files(self):
        """Change the files of the series as well."""
        self.clone.write('hw/new.c', 'int from_the_files;\n')

    def test_forced_apply(self):
        """make tree FORCE=1: changes in no commit are in a branch."""
        self.edit('hw/one.c', 'int mine;\n')
        self.edit('hw/other.c', 'int untracked;\n')
        self.other_files()
        self.bad('scripts/series.py', 'apply', says='hw/one.c')
        output = self.good('scripts/series.py', '--force', 'apply')
        self.assertIn('before-apply', output)
        self.assertEqual(self.git('show', 'before-apply:hw/one.c'),
                         'int mine;')
        self.assertEqual(self.git('show', 'before-apply:hw/other.c'),
                         'int untracked;')
        self.assertEqual(self.git('status', '--porcelain'), '')

    def test_forced_twice(self):
        """make tree FORCE=1: the branch of the last time stays."""
        for name in ('first', 'second'):
            self.edit(f'hw/{name}.c', f'int {name};\n', name)
            self.clone.write('hw/new.c', f'int {name};\n')
            self.good('scripts/series.py', '--force', 'apply')
        self.assertEqual(self.git('show', 'before-apply:hw/first.c'),
                         'int first;')
        self.assertEqual(self.git('show', 'before-apply-2:hw/second.c'),
                         'int second;')

    def test_other_branch(self):
        """make tree: commits in vpasid stay while another is checked out."""
        base = self.git('rev-parse', 'HEAD')
        self.edit('hw/one.c', 'int mine;\n', 'mine')
        self.git('checkout', '-q', '-b', 'other', base)
        self.other_files()
        self.bad('scripts/series.py', 'apply', says='mine')
        self.good('scripts/series.py', '--force', 'apply')
        self.assertEqual(self.git('show', 'before-apply:hw/one.c'),
                         'int mine;')

    def test_refresh_other_branch(self):
        """make refresh: commits in vpasid stay while another is there."""
        base = self.git('rev-parse', 'HEAD')
        self.edit('hw/one.c', 'int mine;\n', 'mine')
        self.git('checkout', '-q', '-b', 'other', base)
        self.bad('scripts/series.py', 'refresh', says='vpasid')
        self.assertEqual(self.git('show', 'vpasid:hw/one.c'), 'int mine;')

    def test_unfinished_rebase(self):
        """make refresh, tree: the way out of an unfinished rebase is it."""
        self.edit('hw/one.c', 'int mine;\n', 'mine')
        self.run_in('git', '-c', 'sequence.editor=sed -i s/pick/edit/',
                    '-c', 'user.name=T', '-c', 'user.email=t@example.org',
                    'rebase', '-q', '-i', 'HEAD^',
                    cwd=self.clone.join(self.tree))
        self.other_files()
        for words in (['refresh'], ['apply'], ['--force', 'apply']):
            output = self.bad('scripts/series.py', *words,
                              says='git rebase --continue')
            self.assertNotIn('stash', output)
        self.git('rebase', '--continue')
        self.assertEqual(self.git('show', 'HEAD:hw/one.c'), 'int mine;')

    def test_distclean(self):
        """make distclean: refused for a stash or another branch."""
        self.edit('hw/one.c', 'int mine;\n')
        self.git('stash', '-q')
        self.bad('make', 'distclean', says='a stash')
        self.git('stash', 'branch', 'aside')
        self.git('commit', '-q', '-a', '-m', 'mine')
        self.git('checkout', '-q', 'vpasid')
        self.bad('make', 'distclean', says='1 commits in aside')
        self.assertEqual(self.git('show', 'aside:hw/one.c'), 'int mine;')

    def test_distclean_other_base(self):
        """make distclean: the trees of other bases are looked at, too."""
        os.rename(self.clone.join(f'build/{BASE}'),
                  self.clone.join('build/9.9'))
        self.clone.write('build/9.9/qemu/hw/one.c', 'int mine;\n')
        self.bad('make', 'distclean', says='hw/one.c')

    def test_distclean_worktree(self):
        """make distclean: refused for commits in another worktree alone."""
        other = os.path.join(self.clone.folder, 'other')
        self.git('worktree', 'add', '-q', '--detach', other, 'base')
        self.clone.write(f'{other}/hw/one.c', 'int mine;\n')
        self.git('commit', '-q', '-a', '-m', 'mine', cwd=other)
        self.bad('make', 'distclean',
                 says=f'1 commits in the worktree {other}')
        self.git('branch', 'kept', 'HEAD', cwd=other)
        self.bad('make', 'distclean', says='1 commits in kept')

    def test_looked_at(self):
        """make refresh: an older commit, looked at, drops no patch."""
        self.edit('hw/one.c', 'int mine;\n', 'mine')
        self.good('scripts/series.py', 'refresh')
        self.git('checkout', '-q', '--detach', 'HEAD^^')
        self.bad('scripts/series.py', 'refresh', says='git checkout vpasid')
        self.assertTrue(os.path.exists(
            self.clone.join('series', BASE, 'mine.patch')))
        self.git('checkout', '-q', 'vpasid')
        self.git('bisect', 'start', 'HEAD', 'base')
        self.bad('scripts/series.py', 'refresh', says='git bisect reset')
        self.git('bisect', 'reset')
        # On purpose.
        self.git('reset', '-q', '--hard', 'HEAD^')
        self.assertIn('dropped: mine', self.good('scripts/series.py',
                                                 'refresh'))

    def test_half_picked(self):
        """make refresh: waits for the rest of some picked commits."""
        for number in (1, 2):
            self.edit(f'hw/{number}.c', f'int a{number};\n', f'a{number}')
        self.git('branch', 'side')
        self.git('reset', '-q', '--hard', 'HEAD~2')
        self.edit('hw/1.c', 'int other;\n', 'other')
        self.run_in('git', 'cherry-pick', 'side~2..side',
                    cwd=self.clone.join(self.tree))
        self.edit('hw/1.c', 'int both;\n', 'both')
        self.bad('scripts/series.py', 'refresh', says='cherry-pick --continue')

    def test_foreign_tree(self):
        """obtain-base, distclean: a tree that is not ours is not removed."""
        os.rename(self.clone.join(self.tree, '.git'),
                  os.path.join(self.clone.folder, 'git'))
        self.edit('.git', f'gitdir: {self.clone.folder}/git\n')
        self.edit('hw/one.c', 'int mine;\n')
        self.bad('scripts/obtain-base', BASE, says='no repository of its own')
        self.bad('make', 'distclean', says='repository of its own')
        self.assertEqual(self.clone.read(f'{self.tree}/hw/one.c'),
                         'int mine;\n')

    def test_damaged_tree(self):
        """make tree FORCE=1: a damaged tree is not the clone around it."""
        top = self.clone.path
        self.git('init', '-q', '-b', 'main', cwd=top)
        self.git('add', '-A', cwd=top)
        self.git('commit', '-q', '-m', 'all', cwd=top)
        self.git('tag', 'base', cwd=top)
        self.clone.write(f'{self.tree}/.git/HEAD', '')
        os.remove(self.clone.join(f'build/{BASE}/applied.json'))
        self.clone.write('hw/new.c', 'int mine;\n')
        for words in (['--force', 'apply'], ['refresh'], ['unsaved']):
            output = self.bad('scripts/series.py', *words,
                              says='not a git repository')
            self.assertNotIn('changes', output)
        self.assertEqual(self.git('branch', cwd=top), '* main')
        self.assertEqual(self.clone.read('hw/new.c'), 'int mine;\n')

    def test_full_disk(self):
        """make refresh: a full disk is said, and leaves files whole."""
        self.git('reset', '-q', '--hard', 'HEAD^')
        text = 'int mine;\n' * 2000
        self.edit('hw/new.c', text)
        self.git('commit', '-q', '-a', '--amend', '--no-edit')
        # What git writes is small, being compressed.
        self.bad('sh', '-c', 'ulimit -f 16; scripts/series.py refresh',
                 says=['File too large', 'hw/new.c', 'refresh FORCE=1'])
        self.assertEqual(os.listdir(self.clone.join('hw')), ['new.c'])
        self.assertEqual(self.clone.read('hw/new.c'), 'int new;\n')
        self.good('scripts/series.py', '--force', 'refresh')
        self.assertEqual(self.clone.read('hw/new.c'), text)

    def test_distclean_nothing(self):
        """make distclean: goes on when there is nothing to lose."""
        self.good('make', 'distclean')
        self.assertFalse(os.path.exists(self.clone.join('build')))


class Runs(Case):
    """Runs beside each other, and runs that are ended."""

    def slow(self, program, seconds=20):
        """Put a slow program in place; return the file it starts with."""
        begun = os.path.join(self.clone.folder, 'begun')
        self.clone.stub(**{program: f'''\
            #!/bin/sh
            touch {begun}
            exec sleep {seconds}
            '''})
        return begun

    def wait_for(self, path, child):
        """Wait until a file is there."""
        while not os.path.exists(path):
            self.assertIsNone(child.poll(), 'it has ended early')
            time.sleep(0.02)

    def test_two_runs(self):
        """Two runs at once: the second is refused, in a sentence."""
        begun = self.slow('dpkg-source')
        with self.clone.start('make', 'tree', env={'MAKEFLAGS': ''}) as first:
            self.wait_for(begun, first)
            output = self.bad('make', 'tree', says='another run is at work')
            self.assertIn('make tree', output)
            self.bad('./configure', says='another run is at work')
            os.killpg(first.pid, signal.SIGTERM)
            first.communicate()
        self.clone.stub(dpkg_source='''\
            #!/bin/sh
            for target; do :; done
            mkdir "$target" && tar -xf ./*.orig.tar.xz -C "$target"
            ''')
        self.good('scripts/obtain-base', BASE)

    def test_damaged_lock(self):
        """A lock that a crash of the machine has left holds nobody up."""
        for text in ('\0' * 9, 'junk', '4999999 ', ''):
            self.clone.write('build/lock', text)
            self.good('scripts/obtain-base', BASE)

    def ends(self, number):
        """A signal ends obtain-base: nothing is left, nothing is traced."""
        begun = self.slow('dpkg-source')
        with self.clone.start('scripts/obtain-base', BASE) as child:
            self.wait_for(begun, child)
            child.send_signal(number)
            output = child.communicate(timeout=60)[0]
        self.assertEqual(child.returncode, -number, output)
        self.assertNotIn('Traceback', output)
        left = [name for name in os.listdir(self.clone.join(f'build/{BASE}'))
                if name not in ('origin', 'lock')]
        self.assertEqual(left, [])

    def test_sigterm(self):
        """obtain-base: SIGTERM leaves nothing behind."""
        self.ends(signal.SIGTERM)

    def test_sighup(self):
        """obtain-base: SIGHUP leaves nothing behind."""
        self.ends(signal.SIGHUP)

    def test_sigint(self):
        """obtain-base: SIGINT shows no traceback."""
        self.ends(signal.SIGINT)

    def test_killed(self):
        """obtain-base: what a killed run has left is removed by the next."""
        begun = self.slow('dpkg-source')
        with self.clone.start('scripts/obtain-base', BASE) as child:
            self.wait_for(begun, child)
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
        self.clone.stub(dpkg_source='''\
            #!/bin/sh
            for target; do :; done
            mkdir "$target" && tar -xf ./*.orig.tar.xz -C "$target"
            ''')
        self.good('scripts/obtain-base', BASE)
        self.assertEqual(sorted(os.listdir(self.clone.join(f'build/{BASE}'))),
                         ['origin', 'qemu'])

    def test_two_signals(self):
        """obtain-base: two signals at once are as good as one."""
        begun = self.slow('dpkg-source')
        with self.clone.start('scripts/obtain-base', BASE) as child:
            self.wait_for(begun, child)
            for number in (signal.SIGSTOP, signal.SIGHUP, signal.SIGTERM,
                           signal.SIGCONT):
                child.send_signal(number)
            output = child.communicate(timeout=60)[0]
        self.assertEqual(child.returncode, -signal.SIGHUP, output)
        self.assertNotIn('Traceback', output)

    def test_early(self):
        """obtain-base: SIGINT while it is loaded shows no traceback."""
        begun = os.path.join(self.clone.folder, 'begun')
        self.clone.write('scripts/seriestool/manifest.py',
                         'import time\n'
                         f'open({begun!r}, "w").close()\n'
                         'time.sleep(20)\n')
        with self.clone.start('scripts/obtain-base', BASE) as child:
            self.wait_for(begun, child)
            child.send_signal(signal.SIGINT)
            output = child.communicate(timeout=60)[0]
        self.assertEqual(child.returncode, -signal.SIGINT, output)
        self.assertNotIn('Traceback', output)

    def test_make(self):
        """make: a signal to make alone ends what it has started, too."""
        begun = os.path.join(self.clone.folder, 'begun')
        self.good('make', 'tree')
        self.clone.stub(ninja=f'''\
            #!/bin/sh
            echo $$ > {begun}.new
            mv {begun}.new {begun}
            exec sleep 20
            ''')
        with self.clone.start('make', 'all') as make:
            self.wait_for(begun, make)
            os.kill(make.pid, signal.SIGTERM)
            make.communicate(timeout=60)
        with open(begun, encoding='utf-8') as file:
            self.assertFalse(os.path.exists(f'/proc/{file.read().strip()}'))

    def step_ends(self, number):
        """A signal ends a step and what runs in it."""
        begun = self.slow('program', 30)
        with self.clone.start('scripts/step', 'name', 'Title', '--',
                              os.path.join(self.clone.bin, 'program')) as step:
            self.wait_for(begun, step)
            step.send_signal(number)
            output = step.communicate(timeout=60)[0]
        self.assertEqual(step.returncode, -number, output)
        self.assertNotIn('Traceback', output)

    def test_step(self):
        """step: a signal ends its command, and shows no traceback."""
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.step_ends(number)
