# SPDX-License-Identifier: GPL-2.0-or-later
"""What is fetched is checked, and what is kept stays whole."""

import hashlib
import io
import json
import os
import re
import shutil
import tarfile

from .sandbox import BASE, PACKAGE, Case

HERE = os.path.dirname(os.path.abspath(__file__))
DEBIAN, VENDOR = 'http://debian.example/debian', 'http://vendor.example/apt'
KEYRING = 'debian-archive-keyring.gpg'
KEYRINGS = [KEYRING, 'debian-archive-keyring.pgp']
KERNEL = 'linux-source-7.3'
OFFLINE = 'Temporary failure resolving debian.example'


class Fake(Case):
    """A test with a fake of apt, and what apt is configured to use."""

    def setUp(self):
        super().setUp()
        for name in ('apt-get', 'apt-cache'):
            path = os.path.join(self.clone.bin, name)
            shutil.copy(os.path.join(HERE, 'fake_apt.py'), path)
            os.chmod(path, 0o755)
        self.etc = os.path.join(self.clone.folder, 'etc')
        os.makedirs(f'{self.etc}/sources.list.d')
        self.log = os.path.join(self.clone.folder, 'apt.log')
        self.clone.env.update(APT_ETC=self.etc, FAKE_APT=os.path.join(
            self.clone.folder, 'apt.json'))
        self.archives = {DEBIAN: {
            'keyring': KEYRINGS, 'origin': 'Debian',
            'suites': {'trixie': {'packages': {}}}}}
        self.sources(f'deb [signed-by=/usr/share/keyrings/{KEYRING}] '
                     f'{DEBIAN} trixie main\n')
        self.apt_is()

    def sources(self, text, name='sources.list'):
        """Write a list of sources of the machine."""
        self.clone.write(f'{self.etc}/{name}', text)

    def apt_is(self, **more):
        """Write how apt behaves."""
        self.clone.write(self.clone.env['FAKE_APT'], json.dumps(
            dict(archives=self.archives, log=self.log, **more)))

    def package(self, uri, suite, name, path):
        """Put a package into an archive."""
        archive = self.archives.setdefault(
            uri, {'keyring': KEYRINGS, 'origin': 'Debian', 'suites': {}})
        suite = archive['suites'].setdefault(suite, {'packages': {}})
        suite['packages'][name] = path
        self.apt_is()

    def file(self, name, text='a package\n'):
        """Make a file beside the clone; return its path."""
        path = os.path.join(self.clone.folder, name)
        self.clone.write(path, text)
        return path

    def calls(self):
        """Return what apt was called with so far."""
        with open(self.log, encoding='utf-8') as file:
            return file.read().splitlines()


class Origin(Fake):
    """Debian's packages come from Debian."""

    def setUp(self):
        super().setUp()
        self.package(DEBIAN, 'trixie', 'tool', self.file('tool.deb'))
        self.package(VENDOR, 'trixie', 'tool', self.file('evil.deb'))
        self.archives[VENDOR].update(keyring=['vendor.gpg'], origin='Vendor')
        self.apt_is()

    def download(self, *words, good=True):
        """Download `tool` into a folder of its own; return its files."""
        folder = os.path.join(self.clone.folder, 'down')
        os.makedirs(folder, exist_ok=True)
        (self.good if good else self.bad)(
            self.clone.join('scripts/private-apt'), *words,
            os.path.join(self.clone.folder, 'lists'), 'amd64', 'trixie', '--',
            'apt-get', 'download', 'tool', cwd=folder)
        return os.listdir(folder)

    def test_vendor_first(self):
        """private-apt: a vendor's `stable main` is not taken for Debian."""
        self.sources(f'deb {VENDOR} stable main\n'
                     f'deb [signed-by=/usr/share/keyrings/{KEYRING}] {DEBIAN} '
                     'trixie main\n')
        self.assertEqual(self.download(), ['tool.deb'])

    def test_no_keyring_named(self):
        """private-apt: of two sources without a key, Debian's is chosen."""
        self.sources(f'deb {VENDOR} stable main\ndeb {DEBIAN} trixie main\n')
        self.assertEqual(self.download(), ['tool.deb'])

    def test_vendor_alone(self):
        """private-apt: a vendor alone, with a key of his own, is refused."""
        self.sources('Types: deb\nURIs: ' + VENDOR + '\nSuites: stable\n'
                     'Components: main\nSigned-By: /etc/vendor.gpg\n',
                     'sources.list.d/vendor.sources')
        os.remove(f'{self.etc}/sources.list')
        self.assertEqual(self.download(good=False), [])

    def test_other_origin(self):
        """private-apt: what does not say that it is Debian is refused."""
        self.archives[DEBIAN]['origin'] = 'Somebody'
        self.apt_is()
        self.assertEqual(self.download(good=False), [])

    def test_expired(self):
        """private-apt: an index past its date is refused, sources too."""
        self.archives[DEBIAN]['suites']['trixie']['expired'] = True
        self.apt_is()
        self.assertEqual(self.download(good=False), [])
        self.assertEqual(self.download('--src', good=False), [])
        self.assertEqual(self.download('--src', '--any-date'), ['tool.deb'])

    def test_who_takes_any_date(self):
        """Only who checks sums takes an index past its date."""
        found = [name for folder in ('scripts', 'scripts/windows', 'lab')
                 for name in os.listdir(self.clone.join(folder))
                 if os.path.isfile(self.clone.join(folder, name))
                 and name != 'private-apt' and any(
                     text in self.clone.read(f'{folder}/{name}')
                     for text in ('any-date', 'Valid-Until'))]
        self.assertEqual(found, ['obtain-base'])

    def test_sandbox(self):
        """private-apt: apt keeps the user that it fetches as."""
        self.download()
        calls = self.calls()
        self.assertFalse([line for line in calls if 'Sandbox' in line])
        if os.geteuid() == 0:   # the clone is in a folder of root's own
            states = re.findall(r'Dir::State=(\S+)', '\n'.join(calls))
            self.assertTrue(states)
            self.assertEqual([], [name for name in states
                                  if name.startswith(self.clone.folder)])


class Indexes(Fake):
    """An attempt without network is not the last one."""

    def names(self):
        """Return (status, output) of a look at the index."""
        return self.run_in('scripts/private-apt', 'lists', 'amd64', 'trixie',
                           '--', 'apt-cache', 'pkgnames')

    def test_offline_once(self):
        """private-apt: offline fails for apt's reason, and not for good."""
        self.package(DEBIAN, 'trixie', 'tool', self.file('tool.deb'))
        self.apt_is(offline=OFFLINE)
        status, output = self.names()
        self.assertNotEqual(status, 0)
        self.assertIn(OFFLINE, output)
        self.apt_is()
        self.assertEqual(self.names(), (0, 'tool\n'))

    def test_old_index(self):
        """private-apt: an index is not fetched at each run, but anew."""
        self.package(DEBIAN, 'trixie', 'tool', self.file('tool.deb'))
        self.names()
        self.package(DEBIAN, 'trixie', 'newer', self.file('newer.deb'))
        self.assertEqual(self.names(), (0, 'tool\n'))
        for name in os.listdir(self.clone.join('lists/state')):
            if name.startswith('updated-'):
                os.utime(self.clone.join('lists/state', name), (1e9, 1e9))
        self.assertEqual(self.names(), (0, 'tool\nnewer\n'))

    def test_offline_with_index(self):
        """private-apt: offline, an index that is there still serves."""
        self.package(DEBIAN, 'trixie', 'tool', self.file('tool.deb'))
        self.names()
        for name in os.listdir(self.clone.join('lists/state')):
            if name.startswith('updated-'):
                os.remove(self.clone.join('lists/state', name))
        self.apt_is(offline=OFFLINE)
        self.assertIn('tool\n', self.names()[1])


class Base(Fake):
    """The cache of the base."""

    def setUp(self):
        super().setUp()
        self.cache = os.path.join(self.clone.home, '.cache', 'qemu-vpasid')
        self.clone.env.pop('QEMU_BASES')

    def fill(self):
        """Put the package into the cache."""
        shutil.copytree(self.clone.bases, self.cache)
        return os.path.join(self.cache, f'{PACKAGE[:-2]}.orig.tar.xz')

    def test_damaged(self):
        """obtain-base: a damaged file of the cache is removed, and said."""
        path = self.fill()
        with open(path, 'r+b') as file:
            file.truncate(100)
        output = self.bad('scripts/obtain-base', BASE)
        self.assertIn('removed', output)
        self.assertFalse(os.path.exists(path))

    def test_unreadable(self):
        """obtain-base: a file that cannot be read is named, not traced."""
        path = self.fill()
        os.remove(path)
        os.symlink('/proc/self/mem', path)      # root may read all others
        self.bad('scripts/obtain-base', BASE, says='Input/output error')
        self.bad('scripts/obtain-base', BASE, env={
            'QEMU_BASES': self.cache}, says='Input/output error')

    def test_lock_says_why(self):
        """obtain-base: build/ that is no folder is not a matter of rights."""
        self.clone.write('build', '')
        output = self.bad('scripts/obtain-base', BASE, says='build')
        self.assertNotIn('chown', output)

    def test_other_folder(self):
        """obtain-base: a damaged file of somebody's folder stays."""
        path = self.fill()
        with open(path, 'r+b') as file:
            file.truncate(100)
        shutil.move(self.cache, self.clone.folder)
        folder = os.path.join(self.clone.folder, 'qemu-vpasid')
        self.bad('scripts/obtain-base', BASE, env={'QEMU_BASES': folder})
        self.assertEqual(len(os.listdir(folder)), 3)

    def read_only(self, **env):
        """Fetch with no place for a cache in the home."""
        self.package(DEBIAN, 'trixie', 'qemu', [
            os.path.join(self.clone.bases, name)
            for name in os.listdir(self.clone.bases)])
        self.good('scripts/obtain-base', BASE, env=env)
        self.assertEqual(self.clone.read(f'{self.tree}/VERSION'), '10.2.2\n')
        self.assertEqual(len(os.listdir(self.clone.join('build/cache'))), 3)

    def test_no_home(self):
        """obtain-base: without a HOME the cache is in build/."""
        self.read_only(HOME='/dev/null')

    def test_read_only_home(self):
        """obtain-base: with a HOME that cannot be written, too."""
        self.clone.write(f'{self.clone.home}/.cache', '')
        self.read_only()


class Kernel(Fake):
    """The kernel's source: fetched whole, kept whole, checked."""

    def setUp(self):
        super().setUp()
        self.cache = os.path.join(self.clone.home, '.cache', 'qemu-vpasid')
        self.cached = os.path.join(self.cache, f'{KERNEL}.tar.xz')
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode='w:xz') as tar:
            # Too old to go on with: what is tried here comes before that.
            text = b'kernelversion:\n\t@echo 5.0\n'
            info = tarfile.TarInfo('linux/Makefile')
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
        self.tarball = data.getvalue()
        deb = os.path.join(self.clone.folder, f'{KERNEL}_7.3.1_all.deb')
        with tarfile.open(deb, 'w') as tar:
            info = tarfile.TarInfo(f'./usr/src/{KERNEL}.tar.xz')
            info.size = len(self.tarball)
            tar.addfile(info, io.BytesIO(self.tarball))
        for suite in ('trixie-backports', 'sid'):
            self.package(DEBIAN, suite, KERNEL, deb)
        self.clone.stub(dpkg_deb='#!/bin/sh\nexec cat "$2"\n',
                        aarch64_linux_gnu_gcc='#!/bin/sh\necho 12.2.0\n')

    def build(self, says='too old', **how):
        """Run until the kernel is found to be too old, or as told."""
        return self.bad('lab/build-kernel', says=says, **how)

    def test_fetched(self):
        """lab: the kernel's source is fetched once, and kept whole."""
        self.build()
        with open(self.cached, 'rb') as file:
            self.assertEqual(file.read(), self.tarball)
        self.assertEqual(self.clone.read(self.cached + '.sha256').split()[0],
                         hashlib.sha256(self.tarball).hexdigest())
        self.apt_is(offline=OFFLINE)
        self.build()

    def test_truncated(self):
        """lab: a truncated source is removed, and fetched once more."""
        for known in (True, False):
            with self.subTest(known):
                self.build()
                with open(self.cached, 'r+b') as file:
                    file.truncate(60)
                if not known:
                    os.remove(self.cached + '.sha256')
                output = self.build()
                self.assertIn('damaged', output)
                with open(self.cached, 'rb') as file:
                    self.assertEqual(file.read(), self.tarball)

    def test_full_disk(self):
        """lab: a full disk leaves nothing in the cache."""
        self.clone.stub(cp='''\
            #!/bin/sh
            for last; do :; done
            case $last in
            *linux-source*) head -c 50 "$1" > "$last"
                echo "cp: No space left on device" >&2; exit 1 ;;
            esac
            exec /bin/cp "$@"
            ''', mv='''\
            #!/bin/sh
            for last; do :; done
            case $1,$last in
            usr/src/*) head -c 50 "$1" > "$last/${1##*/}"
                echo "mv: No space left on device" >&2; exit 1 ;;
            esac
            exec /bin/mv "$@"
            ''')
        self.build('No space left')
        self.assertEqual(os.listdir(self.cache), [])

    def test_offline(self):
        """lab: offline is a failure, with apt's reason, and not for good."""
        self.apt_is(offline=OFFLINE)
        status, output = self.run_in('lab/build-kernel')
        self.assertEqual(status, 1, output)
        self.assertIn(OFFLINE, output)
        self.apt_is()
        self.build()

    def test_none(self):
        """lab: skipped where Debian has no such source, for that reason."""
        self.archives[DEBIAN]['suites'] = {
            suite: {'packages': {'linux-source-5.10': ''}}
            for suite in ('trixie-backports', 'sid', 'trixie')}
        self.apt_is()
        self.assertEqual(self.run_in('lab/build-kernel')[0], 77)
        output = self.good('lab/run', 'check', 'accel')
        self.assertRegex(output, '(?m)^ok 1 - accel # SKIP .*no Linux source')
        output = self.good('lab/run', 'peer', 'accel')
        self.assertRegex(output, '(?m)^ok 1 - accel # SKIP .*no Linux source')

    def test_foreign_folder(self):
        """lab: LAB_OUT with files of somebody else is left alone."""
        folder = self.clone.home
        for name in ('qemu', 'sysroot', 'linux-source', 'module', 'l1'):
            self.clone.write(f'{folder}/{name}/mine', 'mine\n')
        for name in ('kernel', 'sysroot', 'qemu', 'module', 'images'):
            self.bad(f'lab/build-{name}', says='not the lab', env={
                'LAB_OUT': folder})
        self.bad('lab/run', 'build', says='not the lab',
                 env={'LAB_OUT': folder})
        self.assertEqual(sorted(os.listdir(folder)), [
            'l1', 'linux-source', 'module', 'qemu', 'sysroot'])

    def test_options(self):
        """lab: options that a kernel does not take are named as they are."""
        source = os.path.join(self.clone.folder, 'linux')
        self.clone.write(f'{source}/Makefile', 'kernelversion:\n\t@echo 7.3\n'
                         'allnoconfig:\n\t@touch $(O)/.config\n')
        with open(self.clone.join('lab/kernel.config'),
                  encoding='utf-8') as file:
            option = re.search('^CONFIG_.*=y$', file.read(), re.M)[0]
        self.bad('lab/build-kernel', f'--kernel-source={source}',
                 says=f' {option} ')

    def test_linked_folder(self):
        """lab: build/lab that is a link to somebody's folder is refused."""
        self.clone.write(f'{self.clone.home}/qemu/mine', 'mine\n')
        os.makedirs(self.clone.join('build'))
        os.symlink(self.clone.home, self.clone.join('build/lab'))
        self.bad('lab/build-kernel', says='not the lab')
        self.assertEqual(os.listdir(self.clone.home), ['qemu'])

    def test_own_folder(self):
        """lab: LAB_OUT may be a new folder, an empty one, and the last."""
        folder = os.path.join(self.clone.folder, 'out')
        for _ in range(2):
            self.build(env={'LAB_OUT': folder})
        os.makedirs(folder + '2')
        self.build(env={'LAB_OUT': folder + '2'})

    def test_no_home(self):
        """lab: works without HOME, or with one that cannot be written."""
        for home in (None, '/dev/null'):
            self.build(env={'HOME': home})
            self.assertIn(f'{KERNEL}.tar.xz',
                          os.listdir(self.clone.join('build/cache')))
            shutil.rmtree(self.clone.join('build'))


class Libvirt(Fake):
    """libvirt for the lab, without which the rest of it runs."""

    def setUp(self):
        super().setUp()
        for name in ('kernel', 'module', 'sysroot', 'qemu', 'images'):
            self.clone.write(f'lab/build-{name}', '#!/bin/sh\n', 0o755)
        self.clone.stub(aarch64_linux_gnu_gcc='#!/bin/sh\n')

    def check(self, why, **archive):
        """Run the case where libvirt cannot be had."""
        self.archives[DEBIAN]['suites'] = {
            suite: {'packages': {'libvirt-daemon-driver-qemu': ''}}
            for suite in ('sid', 'trixie-backports')}
        self.apt_is(**archive)
        output = self.good('lab/run', 'check', 'libvirt',
                           env={'LAB_QEMU': '/bin/false'})
        self.assertRegex(output, f'(?m)^ok 1 - libvirt # SKIP .*{why}')

    def test_old(self):
        """lab: the case with libvirt is skipped where it is too old."""
        self.check('have no libvirt 12.8 or later')

    def test_offline(self):
        """lab: offline, too."""
        self.check("no list of packages from Debian's", offline=OFFLINE)


class Windows(Fake):
    """The sources of GLib for Windows."""

    def test_offline(self):
        """fetch-sources: offline, apt's own reason is shown."""
        self.apt_is(offline=OFFLINE)
        self.bad('scripts/windows/fetch-sources', 'src', 'glib2.0',
                 says=[OFFLINE, 'What to do'])


class Dumps(Fake):
    """The dumps of real devices."""

    def test_not_fetched(self):
        """real-dumps: a file that apt did not bring is not used."""
        name = 'pciutils_3.9.0.orig.tar.xz'
        folder = self.clone.join('build', 'dumps', 'source')
        os.makedirs(folder)
        with tarfile.open(os.path.join(folder, name), 'w:xz') as tar:
            tar.addfile(tarfile.TarInfo('pciutils/tests/evil'))
        self.apt_is(offline=OFFLINE)
        self.bad('scripts/real-dumps', says=['could not be fetched', OFFLINE])
        self.assertFalse(os.path.exists(self.clone.join('build/dumps/tests')))


class AcpiTools(Fake):
    """The programs that judge ACPI tables."""

    def test_not_fetched(self):
        """acpi-tools: offline, apt's own reason is shown, and nothing left."""
        self.apt_is(offline=OFFLINE)
        self.bad('scripts/acpi-tools', says=['could not be fetched', OFFLINE])
        tools = self.clone.join('build/acpi-tools/tools')
        self.assertEqual(os.listdir(tools), [])
