#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of vpasid-plan, with the dumps of tests/data/ecap; prints TAP.

usage: test-vpasid-plan.py PROGRAM DATA

DATA/expected.txt has for each dump a line "NAME: STATUS" and what the program
prints. With VPASID_PLAN_DUMPS=DIRECTORY in the environment, every file below
that is read as a dump too: it may be good or bad, but not make it crash.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import vpasid_plan_tap
from vpasid_plan_tap import dump, image

PROGRAM, DATA = sys.argv[1:3]
LINE = re.compile(r'[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7] '
                  r'[0-9a-f]{4}:[0-9a-f]{4} pasid=(yes|no|unknown) '
                  r'width=\d+ exec=[01] priv=[01] '
                  r'offset=(0x[0-9a-f]{3} step=(end|host|gap)|- step=none) '
                  r'reason=.+')
KEYS = ['device', 'id', 'pasid', 'width', 'exec', 'priv', 'offset', 'step',
        'reason', 'capabilities']
CAP_KEYS = ['id', 'name', 'version', 'offset', 'size', 'size-known', 'hidden']


def run(*args):
    """Run the program: exit status, output, errors."""
    done = subprocess.run([PROGRAM, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    return (done.returncode, done.stdout.decode(),
            done.stderr.decode(errors='replace'))


def names():
    """All dumps, in order."""
    return sorted(file[:-4] for file in os.listdir(DATA)
                  if file.endswith('.txt') and file != 'expected.txt')


def expected():
    """The output to expect: name -> (status, output)."""
    want, name = {}, None
    with open(dump('expected'), encoding='ascii') as file:
        for line in file:
            head = re.fullmatch(r'([a-z0-9-]+): (\d)\n', line)
            if head:
                name = head.group(1)
                want[name] = (int(head.group(2)), '')
            elif name:
                want[name] = (want[name][0], want[name][1] + line)
    return want


def line_of(dev):
    """The line that says the same as an object of the JSON."""
    pasid = {None: 'unknown', True: 'yes', False: 'no'}[dev['pasid']]
    offset = '-' if dev['offset'] is None else hex(dev['offset'])
    return (f'{dev["device"]} {dev["id"]} pasid={pasid} width={dev["width"]} '
            f'exec={dev["exec"]:d} priv={dev["priv"]:d} offset={offset} '
            f'step={dev["step"]} reason={dev["reason"]}')


class Corpus(unittest.TestCase):
    """The dumps of the repository."""

    def test_lines(self):
        """Each dump gives the line and the status that are expected."""
        want = expected()
        self.assertEqual(sorted(want), names())
        for name in names():
            with self.subTest(name):
                status, out, err = run('-F', dump(name))
                self.assertEqual((status, out), want[name])
                self.assertEqual(err == '', status != 2)
                for line in out.splitlines():
                    self.assertIsNotNone(LINE.fullmatch(line), line)

    def test_generated(self):
        """The dumps are what the generator writes."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, os.path.join(DATA, 'generate.py'),
                            folder], check=True)
            self.assertEqual({file[:-4] for file in os.listdir(folder)},
                             set(names()))
            for file in os.listdir(folder):
                with open(os.path.join(folder, file), 'rb') as new, \
                        open(os.path.join(DATA, file), 'rb') as old:
                    self.assertEqual(new.read(), old.read(), file)

    def test_json(self):
        """The JSON is well-formed, and says what the line says."""
        for name in names():
            with self.subTest(name):
                lines = run('-F', dump(name))[1].splitlines()
                devices = json.loads(run('--json', '-F', dump(name))[1])
                self.assertEqual(len(devices), len(lines))
                for dev, line in zip(devices, lines):
                    self.assertEqual(list(dev), KEYS)
                    self.assertEqual(line_of(dev), line)
                    for cap in dev['capabilities']:
                        self.assertEqual(list(cap), CAP_KEYS)
                        self.assertLessEqual(cap['offset'] + cap['size'], 4096)

    def test_map(self):
        """The map has a cell for each 4 bytes, and shows the place."""
        row = re.compile(r'  0x([0-9a-f]00)((?:  ?[-.?#A-Za-z]{16}){4})')
        for name in names():
            with self.subTest(name):
                status, out, _ = run('--map', '-F', dump(name))
                self.assertEqual(status, run('-F', dump(name))[0])
                for part in out.split('\n\n'):
                    lines = part.splitlines()
                    self.assertIsNotNone(LINE.fullmatch(lines[0]))
                    cells = ''.join(found.group(2).replace(' ', '')
                                    for found in map(row.fullmatch, lines[1:])
                                    if found)
                    self.assertIn(len(cells), (0, 1024))
                    place = re.search(r' offset=0x(\S+)', lines[0])
                    if place:
                        self.assertEqual(cells.find('#') * 4,
                                         int(place.group(1), 16))
                        self.assertEqual(cells.count('#'), 2)
                    else:
                        self.assertNotIn('#', cells)

    def test_choose(self):
        """Addresses choose devices, in the order given."""
        path = dump('device-nic')
        both = run('-F', path)[1].splitlines()
        status, out, _ = run('-F', path, '01:00.1', '0000:01:00.0')
        self.assertEqual((status, out.splitlines()), (0, both[::-1]))


class BadInput(unittest.TestCase):
    """An input that cannot be read says where, and gives status 2."""

    def bad(self, text, message, line):
        """That text is refused at that line."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'bad.txt')
            with open(path, 'wb') as file:
                file.write(text.encode('latin-1'))
            status, out, err = run('-F', path)
            self.assertEqual((status, out), (2, ''), err)
            self.assertIn(f'vpasid-plan: {path}:{line}: ', err)
            self.assertIn(message, err)

    def test_dump(self):
        """Everything that can be wrong with a dump."""
        dev = '00:01.0 Some device\n'
        row = ': ' + ' '.join(['00'] * 16) + '\n'
        some = ''.join(f'{at:02x}{row}' for at in range(0, 64, 16))
        self.bad('', 'no device', 1)
        self.bad('Hello.\nWorld.\n', 'no device', 1)
        self.bad('00:01.0 x\0y\n', 'not a text', 1)
        self.bad('00' + row, 'without a device', 1)
        self.bad(dev + some + '\n40' + row, 'without a device', 7)
        self.bad(dev + '10' + row, 'bytes at 0x0', 2)
        self.bad(dev + some + '30' + row, 'bytes at 0x40', 6)
        self.bad(dev + '00: 00 0g\n', 'byte 2', 2)
        self.bad(dev + '00: 00 000\n', 'byte 2', 2)
        self.bad(dev + '00: 0\n', 'byte 1', 2)
        self.bad(dev + '00:\n', 'without bytes', 2)
        self.bad(dev + '00: 00' + row[1:], 'more than 16', 2)
        self.bad(dev + '1000' + row, 'above 0xfff', 2)
        self.bad(dev + '00' + row + '\n', '64 to 4096', 3)
        self.bad(dev + ''.join(f'{at:02x}{row}' for at in range(0, 256, 16)) +
                 '100: 00 00\n', 'multiple of 4', 19)
        self.bad(dev + some + '\n' + dev + some, 'was there before', 7)
        full = ''.join(f'{at:02x}{row}' for at in range(0, 4096, 16))
        self.bad(dev + full + 'ff0' + row, 'bytes at 0x1000', 258)

    def test_arguments(self):
        """Options and addresses that make no sense."""
        path = dump('device-nic')
        for args, message in (
                (['-F', '/nonexistent/dump'], '/nonexistent/dump'),
                (['-F', '/nonexistent/dump', '01:00.0'], '/nonexistent/dump'),
                (['-F', DATA], DATA), (['--nonsense'], 'nonsense'),
                (['-F', path, '02:00.0'], 'no device 0000:02:00.0'),
                (['-F', path, 'eth0'], 'eth0 is not the address'),
                (['-F', path, '0:01:'], 'is not the address'),
                (['-F', path, '01:00.0x'], 'is not the address'),
                (['-F', path, '01:20.0'], 'is not the address'),
                (['-F', path, '01:00.8'], 'is not the address'),
                (['-F', path, '01:00.0', '01:00.0'], 'is named twice'),
                (['-F', path, '--map', '--json'], 'exclude'),
                (['-F', path, '--sysfs=/sys'], 'exclude'),
                (['--sysfs=/nonexistent'], '/nonexistent'),
                (['--sysfs=/nonexistent', '01:00.0'], 'nonexistent')):
            with self.subTest(args):
                status, out, err = run(*args)
                self.assertEqual((status, out), (2, ''))
                self.assertIn(message, err)

    def test_output(self):
        """Output that cannot be written is no success."""
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([PROGRAM, '-F', dump('device-nic')],
                                  stdout=full, stderr=subprocess.PIPE,
                                  check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b'cannot write', done.stderr)

    def test_text_between(self):
        """The lines of lspci -v in between are no bad input."""
        with open(dump('device-cxl'), encoding='ascii') as file:
            _, title, rest = file.read().split('\n', 2)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'verbose.txt')
            with open(path, 'w', encoding='ascii') as file:
                file.write('\r\n\r\n0003:' + title + '\n\tFlags: fast\n'
                           '\tCapabilities: [50] Express\n' +
                           rest.replace('\n', '\r\n'))
            status, out, err = run('-F', path)
        self.assertEqual((status, err), (0, ''))
        self.assertTrue(out.startswith('0003:01:00.0 1234:0204 pasid=yes '))


class Sysfs(unittest.TestCase):
    """A directory like that of the host."""

    def setUp(self):
        """Make the directory."""
        # Not a context manager: the directory outlives this function
        # pylint: disable=consider-using-with
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = self.folder.name

    def add(self, name, config, **files):
        """Add a device."""
        path = os.path.join(self.root, name)
        os.mkdir(path)
        with open(os.path.join(path, 'config'), 'wb') as file:
            file.write(config)
        for key, value in files.items():
            with open(os.path.join(path, key), 'w', encoding='ascii') as file:
                file.write(value)
        return path

    def test_devices(self):
        """All devices, in order; or some."""
        self.add('0000:02:00.0', image('place-none'))
        self.add('0000:01:00.0', image('place-host'))
        status, out, err = run('--sysfs=' + self.root)
        self.assertEqual((status, err), (1, ''))
        lines = out.splitlines()
        self.assertTrue(lines[0].startswith('0000:01:00.0 1234:0101 '), out)
        self.assertIn('offset=0x160 step=host', lines[0])
        self.assertTrue(lines[1].startswith('0000:02:00.0 1234:0107 '), out)
        self.assertEqual(run('--sysfs=' + self.root, '01:00.0'),
                         (0, lines[0] + '\n', ''))

    def test_nothing(self):
        """A host without devices."""
        self.assertEqual(run('--sysfs=' + self.root), (0, '', ''))

    def test_json_escapes(self):
        """Characters that a JSON string cannot have are escaped."""
        odd = os.path.join(self.root, 'a "b" \\c\td')
        os.makedirs(os.path.join(odd, '0000:01:00.0'))
        status, out, _ = run('--json', '--sysfs=' + odd)
        self.assertEqual(status, 2)
        self.assertIn(odd, json.loads(out)[0]['reason'])

    def test_virtual(self):
        """A virtual function has the PASID of its physical function."""
        physical = self.add('0000:01:00.0', image('device-nic'))
        config = bytearray(image('chain-empty'))
        config[0:4] = b'\xff' * 4
        path = self.add('0000:01:00.1', bytes(config), vendor='0x1234\n',
                        device='0xabcd\n')
        os.symlink(physical, os.path.join(path, 'physfn'))
        args = ('--sysfs=' + self.root, '01:00.1')
        status, out, err = run(*args)
        self.assertEqual((status, err), (0, ''))
        self.assertIn('0000:01:00.1 1234:abcd pasid=yes width=20 exec=1 '
                      'priv=0 offset=0xff8 step=end', out)

        os.truncate(os.path.join(physical, 'config'), 0)
        status, out, err = run(*args)
        self.assertEqual(status, 2)
        self.assertIn('0000:01:00.1 1234:abcd pasid=unknown ', out)
        self.assertIn('0000:01:00.0/config: it is empty', err.replace(
            '0000:01:00.1/physfn', '0000:01:00.0'))

        with open(os.path.join(physical, 'config'), 'wb') as file:
            file.write(b'\xff' * 4096)
        status, out, err = run(*args)
        self.assertEqual(status, 2)
        self.assertIn('its physical function does not answer', err)

    def test_without_root(self):
        """The bytes that the kernel gives to other users are not enough."""
        self.add('0000:01:00.0', image('place-host')[:64])
        self.add('0000:02:00.0', image('place-host')[:256])
        status, out, err = run('--sysfs=' + self.root)
        self.assertEqual(status, 2)
        lines = out.splitlines()
        self.assertIn('pasid=unknown', lines[0])
        self.assertIn('only 64 bytes', lines[0])
        self.assertIn('root', err)
        # No file is bigger than configuration space
        self.assertIn('pasid=no', lines[1])
        self.assertIn('has 256 bytes', lines[1])
        self.assertEqual(err.count('\n'), 1)

    def test_sizes(self):
        """A few devices have less than 4096 bytes, but more than 256."""
        self.add('0000:01:00.0', image('chain-sound')[:0x600])
        self.add('0000:02:00.0', image('place-alone')[:0x1f4])
        self.add('0000:03:00.0', image('chain-sound')[:0x104])
        status, out, err = run('--sysfs=' + self.root)
        self.assertEqual((status, err), (0, ''))
        lines = out.splitlines()
        for line, place, end in zip(lines[:2], ('0x160 step=host',
                                                '0x1ec step=gap'),
                                    ('0x600', '0x1f4')):
            self.assertIn(f' offset={place} ', line)
            self.assertIn(f'not fit into the {end} bytes of configuration '
                          'space',
                          line)
            self.assertIsNotNone(LINE.fullmatch(line), line)
        self.assertIn('pasid=no', lines[2])
        for dev in json.loads(run('--json', '--sysfs=' + self.root)[1])[:2]:
            self.assertEqual(dev['capabilities'][-1]['id'], 0x1b)
        status, out, _ = run('--map', '--sysfs=' + self.root, '02:00.0')
        self.assertEqual(status, 0)
        self.assertIn('the guest\'s PASID (gap)', out)

    def test_too_wide(self):
        """No device has PASIDs of more than 20 bits."""
        config = bytearray(image('place-alone'))
        config[0x105] = 21
        self.add('0000:01:00.0', bytes(config))
        status, out, err = run('--sysfs=' + self.root)
        self.assertEqual((status, err), (1, ''))
        self.assertIn('width=21 exec=0 priv=0 offset=- ', out)
        self.assertIn('has to be 0 to 20', out)

    def test_size_of_dump(self):
        """The same in a dump, which is not cut off then."""
        with open(dump('place-alone'), encoding='ascii') as file:
            text = file.read().split('600: ', 1)[0]
        path = os.path.join(self.root, 'short.txt')
        with open(path, 'w', encoding='ascii') as file:
            file.write(text)
        status, out, err = run('-F', path)
        self.assertEqual((status, err), (0, ''))
        self.assertIn('offset=0x5f8 step=gap', out)

    def test_out_of_reach(self):
        """One device that cannot be read does not hide the others."""
        self.add('0000:01:00.0', b'', vendor='0x1234', device='nonsense')
        os.makedirs(os.path.join(self.root, '0000:02:00.0', 'config'))
        os.mkdir(os.path.join(self.root, '0000:03:00.0'))
        self.add('0000:04:00.0', image('place-host'))
        with open(os.path.join(self.root, 'file'), 'wb'):
            pass
        status, out, err = run('--sysfs=' + self.root)
        lines = out.splitlines()
        self.assertEqual((status, len(lines)), (2, 4))
        for line in lines[:3]:
            self.assertIn('pasid=unknown', line)
            self.assertIsNotNone(LINE.fullmatch(line), line)
        self.assertIn('1234:0000', lines[0])
        self.assertIn('empty', lines[0])
        self.assertIn('Is a directory', lines[1])
        self.assertIn('No such file', lines[2])
        self.assertIn('offset=0x160 step=host', lines[3])
        for name in ('01', '02', '03'):
            self.assertIn(f'/0000:{name}:00.0/config', err)
        json.loads(run('--json', '--sysfs=' + self.root)[1])
        self.assertEqual(run('--sysfs=' + self.root, '05:00.0')[:2], (2, ''))


class Folder(unittest.TestCase):
    """Dumps from elsewhere."""

    def test_folder(self):
        """None makes it crash, and what it refuses has a place."""
        folder = os.environ.get('VPASID_PLAN_DUMPS')
        if not folder:
            self.skipTest('VPASID_PLAN_DUMPS names no directory of dumps')
        paths = [os.path.join(where, file)
                 for where, _, files in sorted(os.walk(folder))
                 for file in sorted(files)]
        self.assertTrue(paths, 'no file there')
        good, devices, pasid = 0, 0, 0
        for path in paths:
            with self.subTest(path):
                status, out, err = run('-F', path)
                self.assertIn(status, (0, 1, 2), err)
                self.assertNotIn('ERROR: ', err)
                for line in out.splitlines():
                    self.assertIsNotNone(LINE.fullmatch(line), line)
                if not out:
                    self.assertIn(f'vpasid-plan: {path}:', err)
                    continue
                good += 1
                lines = out.splitlines()
                devices += len(lines)
                pasid += sum(' pasid=yes ' in line for line in lines)
                self.assertEqual(
                    [line_of(dev) for dev in
                     json.loads(run('--json', '-F', path)[1])], lines)
                self.assertEqual(run('--map', '-F', path)[0], status)
        self.assertGreater(good, 0, 'none of the files is a dump')
        print(f'# {good} of {len(paths)} files are dumps, of {devices} '
              f'devices, {pasid} with PASID')


if __name__ == '__main__':
    sys.exit(vpasid_plan_tap.main())
