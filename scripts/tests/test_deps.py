# SPDX-License-Identifier: GPL-2.0-or-later
"""Packages that are installed, and by whom."""

import json
import os
import shutil

from .sandbox import Case

HERE = os.path.dirname(os.path.abspath(__file__))
LOCK = '/var/lib/apt/lists/lock'
OFFLINE = 'Temporary failure resolving debian.example'
DEPS = 'one tool\none helper>=2\n'


class Deps(Case):
    """install-deps, as root, with a fake of apt and dpkg."""

    def setUp(self):
        super().setUp()
        shutil.copy(os.path.join(HERE, 'fake_apt.py'),
                    os.path.join(self.clone.bin, 'apt-get'))
        os.chmod(os.path.join(self.clone.bin, 'apt-get'), 0o755)
        self.installed = os.path.join(self.clone.folder, 'installed')
        self.clone.write(self.installed, '')
        self.clone.write('deps', DEPS)
        self.clone.stub(
            id='#!/bin/sh\necho 0\n', sleep='#!/bin/sh\n',
            apt_cache='#!/bin/sh\n', dpkg_query=f'''\
            #!/bin/sh
            while read -r name; do
                case "$*" in *Version*) echo "installed $name 3" ;;
                *) printf '%s ' "$name" ;; esac
            done < {self.installed}
            ''')
        self.log = os.path.join(self.clone.folder, 'apt.log')
        self.clone.env.update(
            SKIP_DEPS='', VPASID_DEPS=self.clone.join('deps'),
            FAKE_APT=os.path.join(self.clone.folder, 'apt.json'))
        self.apt_is()

    def apt_is(self, **more):
        """Write how apt behaves."""
        self.clone.write(self.clone.env['FAKE_APT'], json.dumps(
            dict({'log': self.log, 'installed': self.installed}, **more)))

    def test_installs(self):
        """install-deps: installs what is missing, and nothing twice."""
        self.assertIn('helper tool', self.good('scripts/install-deps', 'one'))
        self.assertEqual(self.good('scripts/install-deps', 'one'), '')

    def test_locked(self):
        """install-deps: waits for a lock of apt's lists, and says so."""
        self.apt_is(locked=3)
        output = self.good('scripts/install-deps', 'one')
        self.assertEqual(output.count(LOCK), 1, output)
        self.assertIn('packagekitd', output)
        self.assertIn('waits', output)

    def test_locked_for_good(self):
        """install-deps: does not wait for ever."""
        self.apt_is(locked=10000)
        self.bad('scripts/install-deps', 'one', says=[LOCK, 'in vain'])

    def test_offline(self):
        """install-deps: offline, apt's own reason is shown."""
        self.apt_is(offline=OFFLINE, installed='')
        self.bad('scripts/install-deps', 'one',
                 says=[OFFLINE, 'still missing'])

    def test_groups_of_make(self):
        """install-deps: installs what make will need later, too."""
        self.clone.write('deps', DEPS + 'two other\n')
        output = self.good('scripts/install-deps', 'one',
                           env={'VPASID_GROUPS': 'one two'})
        self.assertIn('other', output)

    def test_no_group(self):
        """install-deps: a group that there is not is refused."""
        self.bad('scripts/install-deps', 'none', says=['no group none', 'one'])
        self.bad('scripts/install-deps', 'one', 'none', says='no group none')
        self.assertFalse(os.path.exists(self.log))

    def test_undo(self):
        """install-deps --undo: removes what it has installed, no more."""
        self.clone.write(self.installed, 'there\n')
        self.clone.write('deps', DEPS + 'one there\n')
        self.good('scripts/install-deps', 'one')
        self.good('scripts/install-deps', '--undo')
        with open(self.log, encoding='utf-8') as file:
            removed = [line.split()[1:] for line in file if ' remove ' in line]
        self.assertEqual(removed, [
            ['remove', '--auto-remove', 'helper', 'tool']])
        self.assertIn('nothing', self.good('scripts/install-deps', '--undo'))
