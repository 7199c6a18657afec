#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of vpasid-plan --host, --args and --xml on made-up hosts; prints TAP.

usage: test-vpasid-plan-host.py PROGRAM DATA

DATA has the dumps of configuration space that the devices of the hosts show.
"""

import errno
import gzip
import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import vpasid_plan_tap
from vpasid_plan_tap import image

PROGRAM = sys.argv[1]
OPTIONS = ('IOMMUFD', 'VFIO_PCI', 'VFIO_DEVICE_CDEV', 'PCI_PASID',
           'ARM_SMMU_V3', 'ARM_SMMU_V3_IOMMUFD', 'ARM_SMMU_V3_SVA', 'KVM')
GPU, NIC = '0000:01:00.0', '0009:01:00.0'
SMMU, OTHER = 'smmu3.0x0000000011000000', 'smmu3.0x0000000012000000'


def enabled(data):
    """Configuration space with PASID enabled, as Linux leaves a device."""
    data = bytearray(data)
    at = 0x100
    while at:
        header = int.from_bytes(data[at:at + 4], 'little')
        if header & 0xffff == 0x1b:
            data[at + 6] |= 1
        at = header >> 20
    return bytes(data)


class Host(unittest.TestCase):
    """A host whose devices can all go to a guest, until a test spoils it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        self.devices = 0
        self.write('proc/version', 'Linux version 7.3.4-test (lab) #1\n')
        self.options()
        self.write('dev/iommu')
        self.add(GPU, 'device-gpu')

    def write(self, path, text='', data=None):
        """Write a file of the host."""
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(text.encode() if data is None else data)

    def link(self, path, target):
        """Make a link in the host."""
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(target, path)

    def options(self, missing=(), file='proc/config.gz', pack=gzip.compress):
        """Write the kernel's configuration."""
        text = ''.join(f'# CONFIG_{name} is not set\n' if name in missing
                       else f'CONFIG_{name}={"ym"[len(name) % 2]}\n'
                       for name in OPTIONS)
        self.write(file, data=pack(text.encode()))

    def add(self, name, dump, smmu=SMMU, group=None, driver='vfio-pci',
            answer='0 16 1 0 1 1'):
        """Add a device, and its group if that is a new one.

        What iommufd says of it is in tests/native/probe.c.
        """
        node = f'sys/bus/pci/devices/{name}'
        self.write(f'{node}/config', data=enabled(image(dump)))
        self.write(f'{node}/class', '0x030200\n')
        group = group or name
        kernel = f'sys/kernel/iommu_groups/{group}'
        self.link(f'{kernel}/devices/{name}',
                  os.path.join(self.root, node))
        if group == name:
            self.write(f'{kernel}/reserved_regions',
                       '0x0000000008000000 0x00000000080fffff msi\n')
        self.link(f'{node}/iommu_group', os.path.join(self.root, kernel))
        if smmu:
            self.link(f'{node}/iommu', f'../../iommu/{smmu}')
        if driver:
            self.link(f'{node}/driver', os.path.join(
                b'../drivers', os.fsencode(driver)))
        if driver == 'vfio-pci':
            vfio = f'vfio{self.devices}'
            self.devices += 1
            self.write(f'{node}/vfio-dev/{vfio}/dev', '511:0\n')
            self.write(f'dev/vfio/devices/{vfio}', answer)
        return node

    def run_program(self, *args, before=()):
        """Run the program on the host: status, output, errors."""
        done = subprocess.run(
            [*before, PROGRAM, '--root=' + self.root, *args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
            check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def checks(self, *args):
        """Run --host --json: status, {name: check} of host and devices."""
        status, out, err = self.run_program('--host', '--json', *args)
        self.assertEqual(err, '')
        said = json.loads(out)
        everything = [said['host']] + said['devices']
        for part in everything:
            results = [check['result'] for check in part['checks']]
            self.assertEqual(part['result'], 'no' if 'no' in results else
                             'unknown' if 'unknown' in results else 'yes')
        return status, *({check['name']: check for check in part['checks']}
                         for part in everything)

    def bad(self, check, found, remedy=''):
        """Check that something is said to be missing, and the way out."""
        self.assertEqual(check['result'], 'no', check)
        self.assertIn(found, check['found'])
        self.assertIn(remedy, check['remedy'] or '')

    def refused(self, *args, status=1):
        """Check that no options are printed; return what is said instead."""
        for option in '--args', '--xml':
            got, out, err = self.run_program(option, *args)
            self.assertEqual((got, out), (status, ''), (option, args, err))
        return err

    def test_good(self):
        """All is well, and nothing is said beside the options."""
        status, host, gpu = self.checks()
        self.assertEqual(status, 0)
        for check in (*host.values(), *gpu.values()):
            self.assertEqual(check['result'], 'yes', check)
        for option in '--args', '--xml':
            status, out, err = self.run_program(option, GPU)
            self.assertEqual((status, err), (0, ''))
            self.assertIn('16', out)
        self.assertEqual(gpu["host's PASID"]['found'],
                         '16 bits, exec 1, priv 0')
        self.assertEqual(gpu['host IOMMU']['found'], SMMU)
        self.assertIn('0xff8', gpu['capability']['found'])

    def test_linux(self):
        """Linux before 6.19, before 6.15, and before 6.13."""
        for release, found in (('6.12.9-arm64', 'no nested translation'),
                               ('6.13.0', 'does not report PASID'),
                               ('6.14.1', 'does not report PASID'),
                               ('6.15.0', 'behind a port'),
                               ('6.18.3', 'behind a port'),
                               ('5.19.0', 'no nested translation')):
            self.write('proc/version', f'Linux version {release} (lab)\n')
            status, host, _ = self.checks()
            self.assertEqual(status, 1)
            self.bad(host['Linux'], release, '7.2')
            self.bad(host['Linux'], found)
        for release in '6.19.0', '7.0.0', '10.1.0':
            self.write('proc/version', f'Linux version {release} (lab)\n')
            self.assertEqual(self.checks()[1]['Linux']['result'], 'yes')

    def test_options(self):
        """Options of the kernel that are off are named, and no others."""
        for missing in ('IOMMUFD',), ('ARM_SMMU_V3', 'IOMMUFD'):
            self.options(missing)
            status, host, _ = self.checks()
            self.assertEqual(status, 1)
            check = host['kernel options']
            self.bad(check, 'config.gz')
            self.assertEqual(sorted(re.findall('CONFIG_(\\w+)',
                                               check['found'])),
                             sorted(missing))

    def test_sva_option(self):
        """Page faults alone need an option more."""
        self.options(('ARM_SMMU_V3_SVA',))
        status, host, _ = self.checks()
        self.assertEqual(status, 0)
        self.assertEqual(host['kernel options']['result'], 'yes')

    def test_boot_config(self):
        """Where the kernel has no copy of its options, /boot has."""
        os.remove(os.path.join(self.root, 'proc/config.gz'))
        check = self.checks()[1]['kernel options']
        self.assertEqual(check['result'], 'unknown')
        self.options(('KVM',), 'boot/config-7.3.4-test', bytes)
        self.bad(self.checks()[1]['kernel options'], 'CONFIG_KVM')

    def test_cut_short(self):
        """A configuration that ends early does not say what is off."""
        path = os.path.join(self.root, 'proc/config.gz')
        with open(path, 'rb') as file:
            data = file.read()
        for part in data[:-12], b'':
            self.write('proc/config.gz', data=part)
            self.assertNotEqual(self.checks()[1]['kernel options']['result'],
                                'yes')
        self.write('proc/config.gz', data=data[:-12])
        self.assertEqual(self.checks()[1]['kernel options']['result'],
                         'unknown')

    def test_iommufd(self):
        """There is no /dev/iommu."""
        os.remove(os.path.join(self.root, 'dev/iommu'))
        self.bad(self.checks()[1]['iommufd'], 'No such file', 'CONFIG_IOMMUFD')

    def test_memlock(self):
        """The limit is that of a user, and CAP_IPC_LOCK lifts it."""
        most = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
        size = 3 << 20 if most < 0 else min(3 << 20, most)
        limit = ['prlimit', f'--memlock={size}']
        drop = (['setpriv', '--bounding-set=-all', '--inh-caps=-all']
                if os.geteuid() == 0 else [])
        out = self.run_program('--host', before=[*limit, *drop])[1]
        self.assertRegex(out, rf'\? locked memory +{size >> 20} MiB, which '
                         'has to hold the memory of all guests of this user\n'
                         ' +-> raise it')
        if os.geteuid() == 0:
            out = self.run_program('--host', before=limit)[1]
            self.assertRegex(out, '\u2714 locked memory +no limit with '
                             'CAP_IPC_LOCK\n')

    def test_identity(self):
        """Firmware that wants an identity mapping: VFIO refuses the device."""
        regions = f'sys/kernel/iommu_groups/{GPU}/reserved_regions'
        self.write(regions, '0x0 0xfff direct-relaxable\n'
                   '0x0000000008000000 0x00000000080fffff msi\n')
        self.assertEqual(self.checks()[2]['reserved regions']['result'],
                         'yes')
        self.write(regions, '0x0 0xfff msi\n'
                   '0x00000000a0000000 0x00000000a000ffff direct\n')
        status, _, gpu = self.checks()
        self.assertEqual(status, 1)
        self.bad(gpu['reserved regions'], '0x00000000a0000000', 'firmware')

    def test_group(self):
        """Others in the group are named, and that one is a bridge."""
        self.add('0000:00:01.0', 'chain-empty', group=GPU, driver='pcieport')
        self.write('sys/bus/pci/devices/0000:00:01.0/class', '0x060400\n')
        self.add('0000:01:00.1', 'chain-empty', group=GPU)
        check = self.checks(GPU)[2]['IOMMU group']
        self.bad(check, '0000:00:01.0 (a bridge)', 'alone in its group')
        # QEMU refuses it even if nobody uses the others
        self.assertNotIn('unused', check['remedy'])
        self.bad(check, ' 0000:01:00.1')
        self.assertNotIn('01:00.1 (a bridge)', check['found'])

    def test_no_iommu(self):
        """A device without an IOMMU, and one behind another kind."""
        self.add(NIC, 'device-nic', smmu='dmar0')
        self.bad(self.checks(NIC)[2]['host IOMMU'], 'dmar0 is no Arm SMMUv3')
        self.assertIn('dmar0 is no Arm SMMUv3; use', self.refused(NIC))
        node = os.path.join(self.root, f'sys/bus/pci/devices/{NIC}')
        os.remove(f'{node}/iommu')
        os.remove(f'{node}/iommu_group')
        nic = self.checks(NIC)[2]
        self.bad(nic['host IOMMU'], 'none')
        self.bad(nic['IOMMU group'], 'no IOMMU')
        err = self.refused(NIC)
        self.assertIn(f'{NIC}: host IOMMU: none; use a device behind', err)
        self.assertIn(f'{NIC}: IOMMU group: none', err)
        self.link(f'sys/bus/pci/devices/{NIC}/iommu', f'../../iommu/{SMMU}')
        self.assertIn(f'{NIC}: IOMMU group: none', self.refused(NIC))

    def test_driver(self):
        """A device that another driver has, or none, or VFIO by halves."""
        for driver, found in (('nouveau', 'nouveau'),
                              (None, 'none is bound')):
            self.add(NIC, 'device-nic', driver=driver)
            nic = self.checks(NIC)[2]
            self.bad(nic['driver'], found, f'set-override {NIC} vfio-pci')
            self.assertNotIn("host's PASID", nic)
            status, out, err = self.run_program('--args', NIC)
            self.assertEqual((status, err), (
                1, f'vpasid-plan: {NIC}: driver: {found}; '
                f'driverctl set-override {NIC} vfio-pci\n'))
            self.assertIn('ssidsize=auto', out)
            # libvirt binds the driver
            status, out, err = self.run_program('--xml', NIC)
            self.assertEqual((status, err), (0, ''))
            self.remove(NIC)
        node = self.add(NIC, 'device-nic')
        os.remove(os.path.join(self.root, f'{node}/vfio-dev/vfio1/dev'))
        self.bad(self.checks(NIC)[2]['driver'], 'vfio-pci',
                 'CONFIG_VFIO_DEVICE_CDEV')
        os.rename(os.path.join(self.root, f'{node}/vfio-dev'),
                  os.path.join(self.root, 'moved'))
        check = self.checks(NIC)[2]['driver']
        self.bad(check, 'vfio-pci has made no VFIO device', 'dmesg')
        self.assertNotIn('set-override', check['remedy'])

    def remove(self, name):
        """Take a device out of the host."""
        subprocess.run(['rm', '-rf', f'{self.root}/sys/bus/pci/devices/{name}',
                        f'{self.root}/sys/kernel/iommu_groups/{name}'],
                       check=True)

    def test_files(self):
        """A file of the host that cannot be opened: what helps, by errno."""
        cdev = os.path.join(self.root, 'dev/vfio/devices/vfio0')
        iommu = os.path.join(self.root, 'dev/iommu')
        # A root that has no capabilities obeys the mode of a file
        drop = (['setpriv', '--bounding-set=-all', '--inh-caps=-all']
                if os.geteuid() == 0 else [])
        for path, missing, where in ((iommu, 'CONFIG_IOMMUFD', 'iommufd'),
                                     (cdev, 'udev', 'device file')):
            os.chmod(path, 0)
            status, out, _ = self.run_program('--host', before=drop)
            self.assertEqual(status, 1)
            self.assertRegex(out, f'✘ {where} .*{path}: Permission denied\n'
                             ' +-> .*read and write access')
            os.remove(path)
            status, out, _ = self.run_program('--host')
            self.assertEqual(status, 1)
            self.assertRegex(out, f'✘ {where} .*{path}: No such file.*\n'
                             f' +-> .*{missing}')
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(path)
            self.assertRegex(self.run_program('--host')[1],
                             f'✘ {where} .*{path}: No such device.*\\n'
                             f' +-> .*{missing}')
            os.remove(path)
            self.write(path, '0 16 1 0 1 1')

    def test_probe(self):
        """The host's answers about a device, by errno."""
        for name, error, result, remedy in (
                ("host's PASID", errno.EBUSY, 'unknown', 'end the program'),
                ("host's PASID", errno.EINVAL, 'unknown', 'end the program'),
                ("host's PASID", errno.EPERM, 'unknown',
                 'allow_unsafe_interrupts'),
                ("host's PASID", errno.ENOTTY, 'no', 'Linux 7.2'),
                ("host's PASID", errno.ENOMEM, 'unknown', 'dmesg'),
                ('nesting', errno.EOPNOTSUPP, 'no', 'FWB'),
                ('nesting', errno.ENOTTY, 'no', 'FWB'),
                ('nesting', errno.ENOMEM, 'unknown', 'dmesg')):
            with self.subTest(name=name, error=error):
                self.write('dev/vfio/devices/vfio0', f'{error} A_CALL'
                           if name != 'nesting' else
                           f'0 16 1 0 1 0 {error} A_CALL')
                status, _, gpu = self.checks()
                self.assertEqual(status, {'no': 1, 'unknown': 2}[result])
                self.assertEqual(gpu[name]['result'], result)
                self.assertIn(remedy, gpu[name]['remedy'])
                self.assertIn('A_CALL failed: ' + os.strerror(error),
                              gpu[name]['found'])
                if (name, result) == ('nesting', 'no'):
                    self.assertIn('nesting: A_CALL', self.refused(GPU))
                else:
                    status, out, err = self.run_program('--args', GPU)
                    self.assertNotEqual(status, 0)
                    self.assertIn('-device vfio-pci', out)
                    self.assertIn(f'{GPU}: {name}: A_CALL failed', err)
        self.write('dev/vfio/devices/vfio0', '0 0 0 0 1 1')
        self.bad(self.checks()[2]["host's PASID"], 'has not enabled', 'ACS')

    def test_pasid_off(self):
        """Linux reports a width, but failed to enable PASID."""
        self.write(f'sys/bus/pci/devices/{GPU}/config',
                   data=image('device-gpu'))
        self.bad(self.checks()[2]["host's PASID"], '16 bits are reported, but '
                 'PASID is off in the device', 'ACS')

    def faults(self, model=0, reports=1, waits='dma-can-stall', coherent=1):
        """What is said of page faults: waits is a property, or an ID."""
        node = f'sys/bus/pci/devices/{GPU}'
        subprocess.run(['rm', '-rf', f'{self.root}/{node}/of_node'],
                       check=True)
        data = bytearray(enabled(image('device-gpu')))
        if isinstance(waits, str):
            self.write(f'{node}/of_node/{waits}')
        else:
            data[0:4] = (waits[0] << 16 | 0x19e5).to_bytes(4, 'little')
            data[8] = waits[1]
        self.write(f'{node}/config', data=data)
        self.write('dev/vfio/devices/vfio0',
                   f'0 16 1 0 1 1 0 - {model} {reports} 1 {coherent} 44 8')
        return self.checks(GPU)[2]['page faults']

    def test_faults(self):
        """Whether the guest can be asked for pages that a device waits for."""
        both, none, forced = range(3)
        for model, waits in ((both, 'dma-can-stall'), (both, (0xa250, 0x21)),
                             (both, (0xa259, 0x30)), (forced, 'reg'),
                             (forced, (0x1234, 0))):
            check = self.faults(model, waits=waits)
            # It is not known of the CPUs what they have
            self.assertEqual(check['result'], 'unknown', check)
            self.assertEqual(
                check['found'], 'the guest is asked for pages if the SMMU has '
                'all that the CPUs have, which is not known: it has addresses '
                'of 44 bits (IDR5.OAS) and ASIDs of 8')
            self.assertIn('refuses the device' if model == forced else
                          'offers no stalls', check['remedy'])
            self.assertEqual(self.checks()[0], 2)
        # A device does without, and is good all the same
        for model, waits, found in (
                (none, 'dma-can-stall', 'does not stall'),
                (both, 'reg', 'no dma-can-stall in its of_node'),
                (both, (0xa250, 0x20), '19e5:a250, revision 0x20'),
                (both, (0xa252, 0x21), '19e5:a252, revision 0x21')):
            check = self.faults(model, waits=waits)
            self.assertEqual(check['result'], 'yes', check)
            self.assertTrue(check['found'].startswith('none: '), check)
            self.assertIn(found, check['found'])
        # A virtual function: PASID and PRI are those of its physical one
        self.add(NIC, 'chain-empty')
        self.link(f'sys/bus/pci/devices/{GPU}/physfn', f'../{NIC}')
        both_caps = bytearray(image('chain-empty'))
        both_caps[0x100:0x108] = (0x1b | 1 << 16 | 0x108 << 20 |
                                  0x1000 << 32).to_bytes(8, 'little')
        for cap, found in ((0x0b, 'the guest is asked'),
                           (0x13, 'the physical one has PRI')):
            both_caps[0x108:0x10c] = (cap | 1 << 16).to_bytes(4, 'little')
            self.write(f'sys/bus/pci/devices/{NIC}/config',
                       data=enabled(both_caps))
            for model in both, forced:
                self.assertIn(found, self.faults(model)['found'])
        os.unlink(os.path.join(self.root, 'sys/bus/pci/devices', GPU,
                               'physfn'))
        # A node in the device tree is the one that counts
        self.faults(waits=(0xa250, 0x21))
        self.write(f'sys/bus/pci/devices/{GPU}/of_node/reg')
        self.assertIn('of_node', self.checks()[2]['page faults']['found'])

    def test_no_prefix(self):
        """Linux enables the PASID of these without end-to-end prefixes."""
        data = bytearray(enabled(image('device-no-prefix')))
        for device, revision, result in (
                (0xa250, 0x21, 'yes'), (0xa251, 0x30, 'yes'),
                (0xa255, 0x21, 'yes'), (0xa256, 0x30, 'yes'),
                (0xa258, 0x21, 'yes'), (0xa259, 0x30, 'yes'),
                (0xa250, 0x20, 'no'), (0xa252, 0x21, 'no')):
            data[0:4] = (device << 16 | 0x19e5).to_bytes(4, 'little')
            data[8] = revision
            self.write(f'sys/bus/pci/devices/{GPU}/config', data=data)
            check = self.checks()[2]['capability']
            self.assertEqual(check['result'], result, check)
            self.assertEqual('end-to-end' in check['found'], result == 'no')

    def test_ats(self):
        """Whether a guest can have ATS: the device has it, and Linux too.

        A Linux before 7.0 does not say that a device has none.
        """
        for dump, answer, ats in (('device-gpu', 1, True),
                                  ('device-gpu', 0, False),
                                  ('place-alone', 1, False)):
            self.write(f'sys/bus/pci/devices/{GPU}/config',
                       data=enabled(image(dump)))
            self.write('dev/vfio/devices/vfio0', f'0 16 1 0 {answer} 1')
            self.assertEqual(self.checks()[2]['nesting']['found'],
                             'a vIOMMU can be made, '
                             f'{"with" if ats else "without"} ATS')

    def test_faults_elsewhere(self):
        """Another IOMMU has no stall model."""
        for model in range(3):
            self.write('dev/vfio/devices/vfio0',
                       f'0 16 1 0 1 1 0 - {model} 1 0')
            check = self.checks()[2]['page faults']
            self.assertEqual(check['found'],
                             'none: the IOMMU is no Arm SMMUv3')

    def test_faults_lost(self):
        """A kernel that reports none: stalls that are forced never end."""
        both, forced = 0, 2
        for missing, reports, found in (
                (('ARM_SMMU_V3_SVA',), 1, 'without CONFIG_ARM_SMMU_V3_SVA'),
                ((), 0, 'before 6.17')):
            self.options(missing)
            check = self.faults(both, reports)
            self.assertEqual(check['result'], 'yes', check)
            self.assertIn(f'none: a Linux {found}', check['found'])
            check = self.faults(forced, reports)
            self.bad(check, found, '6.17')
            self.assertIn('page faults: none', self.refused(GPU))
        self.options()
        found = 'not coherent (IDR0.COHACC)'
        check = self.faults(both, coherent=0)
        self.assertEqual(check['result'], 'yes', check)
        self.assertIn(f'none: Linux has no SVA behind an SMMU that is {found}',
                      check['found'])
        self.bad(self.faults(forced, coherent=0), found)
        self.assertIn('page faults: none', self.refused(GPU))
        os.remove(os.path.join(self.root, 'proc/config.gz'))
        for model in both, forced:
            check = self.faults(model)
            self.assertEqual(check['result'], 'unknown', check)
            self.assertIn('CONFIG_ARM_SMMU_V3_SVA', check['remedy'])

    def test_gone(self):
        """A device that does not answer needs something else than root."""
        self.write(f'sys/bus/pci/devices/{GPU}/config', data=b'\xff' * 4096)
        check = self.checks()[2]['capability']
        self.assertEqual(check['result'], 'unknown')
        self.assertIn('does not answer', check['found'])
        self.assertNotIn('root', check['remedy'])
        self.write(f'sys/bus/pci/devices/{GPU}/config', data=b'\0' * 64)
        self.assertIn('root', self.checks()[2]['capability']['remedy'])

    def test_names(self):
        """JSON is JSON, and a table a table, with any bytes in a name."""
        self.add(NIC, 'device-nic', driver=b'n\xff"\\\n  \x1b[2J')
        self.assertIn('n\ufffd"\\\n', self.checks(NIC)[2]['driver']['found'])
        for option in '--host', '--args':
            _, out, err = self.run_program(option, NIC)
            line = [line for line in (out + err).split('\n')
                    if 'driver:' in line or '✘ driver' in line]
            self.assertEqual(len(line), 1)
            self.assertIn('n\ufffd"\\\\x0a  \\x1b[2J', line[0])

    def test_no_devices(self):
        """A host without devices is checked all the same."""
        self.remove(GPU)
        status, host = self.checks()
        self.assertEqual(status, 1)
        self.bad(host['devices'], 'none of 0 has PASID')
        os.rmdir(os.path.join(self.root, 'sys/bus/pci/devices'))
        status, host = self.checks()
        self.assertEqual(status, 1)
        self.assertEqual(host['Linux']['result'], 'yes')
        self.bad(host['devices'], 'sys/bus/pci/devices', 'mount sysfs')

    def test_stray(self):
        """A file that is not named like a device is none."""
        for name in 'stray', '0000:01:00.0.bak', '1:2.3', '0000:0A:00.0':
            self.write(f'sys/bus/pci/devices/{name}/config',
                       data=image('device-gpu'))
        self.assertEqual(len(self.checks()), 3)
        out = self.run_program()[1]
        self.assertEqual(out.count('\n'), 1, out)

    def test_no_setup(self):
        """A device that QEMU or Linux refuses gets no options."""
        self.add('0000:01:00.1', 'chain-empty', group=GPU)
        self.assertIn(f'{GPU}: IOMMU group: shared with 0000:01:00.1; '
                      'behind an accelerated SMMUv3 a device has to be alone',
                      self.refused(GPU))
        os.remove(os.path.join(
            self.root, f'sys/kernel/iommu_groups/{GPU}/devices/0000:01:00.1'))
        self.add(NIC, 'device-nic')
        self.write(f'sys/kernel/iommu_groups/{NIC}/reserved_regions',
                   '0x00000000a0000000 0x00000000a000ffff direct\n')
        err = self.refused(GPU, NIC)
        self.assertIn(f'{NIC}: reserved regions: the firmware asks', err)
        self.assertNotIn(GPU, err)
        bridge = bytearray(image('chain-empty'))
        bridge[0x0e] = 1
        self.add('0000:00:01.0', 'chain-empty')
        self.write('sys/bus/pci/devices/0000:00:01.0/config', data=bridge)
        self.assertIn('0000:00:01.0: capability: VFIO passes no bridges',
                      self.refused('00:01.0'))

    def test_no_pasid(self):
        """Options for a device without PASID, or an old host: with a word."""
        self.add(NIC, 'chain-empty', answer='0 0 0 0 1 1')
        self.write('proc/version', 'Linux version 6.13.9 (lab)\n')
        for option in '--args', '--xml':
            status, out, err = self.run_program(option, NIC)
            self.assertEqual(status, 1)
            self.assertIn('iommufd', out)
            self.assertIn(f'{NIC}: capability: the device has no PASID', err)
            self.assertIn("host's PASID: Linux has not enabled it; look", err)
            self.assertIn('vpasid-plan: host: Linux: 6.13.9', err)
        # QEMU refuses the device there, or at its port
        for release in '6.12.9', '6.17.0':
            self.write('proc/version', f'Linux version {release} (lab)\n')
            self.assertIn(f'vpasid-plan: host: Linux: {release}',
                          self.refused(GPU))

    def test_twice(self):
        """A device cannot be named twice, whatever it is called."""
        for args in (('--args', GPU, '01:00.0'), ('--xml', GPU, GPU),
                     ('--host', GPU, GPU), (GPU, GPU)):
            status, out, err = self.run_program(*args)
            self.assertEqual((status, out), (2, ''), args)
            self.assertIn(f'{GPU} is named twice', err)

    def many(self, smmus, devices):
        """Names of so many devices behind each of so many SMMUs."""
        names = []
        for smmu in range(smmus):
            for device in range(devices):
                name = f'{smmu:04x}:{device + 1:02x}:00.0'
                if not os.path.exists(os.path.join(
                        self.root, f'sys/bus/pci/devices/{name}')):
                    self.add(name, 'device-nic', smmu=f'smmu3.{smmu:#018x}')
                names.append(name)
        return names

    def test_limits(self):
        """More than a virt machine has slots, bus numbers or lines for."""
        self.remove(GPU)
        for smmus, devices in (1, 31), (7, 31), (8, 27), (16, 14):
            for option in '--args', '--xml':
                status, out, err = self.run_program(
                    option, *self.many(smmus, devices))
                self.assertEqual((status, err), (0, ''))
            complexes = re.findall(r'<target busNr=.(\d+)', out)
            self.assertEqual(len(complexes), smmus)
            numbers = [int(number) for number in complexes] + [256]
            for first, second in zip(numbers, numbers[1:]):
                self.assertGreater(second - first, devices)
            # The first one is that of the machine, with ports of its own
            self.assertGreater(numbers[0], devices)
        for smmus, devices in (1, 32), (7, 32), (8, 28), (16, 15):
            err = self.refused(*self.many(smmus, devices))
            self.assertIn(f'{devices} devices are behind smmu3.', err)
            self.assertIn(f'has room for {devices - 1}', err)
            self.assertIn('another guest', err)
        err = self.refused(*self.many(17, 1))
        self.assertIn('17 SMMUs', err)
        self.assertIn('16', err)

    def test_virtual(self):
        """A virtual function has the PASID of its physical one."""
        self.add(NIC, 'chain-empty')
        self.add('0009:01:00.1', 'device-nic', driver='mlx5_core')
        self.link(f'sys/bus/pci/devices/{NIC}/physfn', '../0009:01:00.1')
        self.assertEqual(self.checks(NIC)[2]['capability']['result'], 'yes')

    def test_unnamed(self):
        """Devices without PASID are shown when they are named only."""
        self.add(NIC, 'chain-empty')
        self.assertEqual(len(self.checks()), 3)
        self.bad(self.checks(NIC)[2]['capability'], 'PASID')

    def test_table(self):
        """The table says the same."""
        self.options(('IOMMUFD',))
        _, out, _ = self.run_program('--host')
        self.assertRegex(out, '(?m)^host$')
        self.assertRegex(out, '(?m)^  \u2718 kernel options +off in .*: '
                         'CONFIG_IOMMUFD$')
        self.assertRegex(out, '(?m)^ +-> use a kernel')
        self.assertRegex(out, f'(?m)^{GPU}$')
        self.assertRegex(out, f'(?m)^  \u2714 host IOMMU +{SMMU}$')
        self.assertRegex(out, "(?m)^  \u2714 host's PASID ")

    def test_args(self):
        """QEMU's options: one SMMU of the guest for each of the host."""
        self.add('0000:02:00.0', 'place-host')
        words = self.run_program('--args', GPU, '02:00.0')[1].split('\n')
        self.assertEqual(words, [
            '-nic none',
            '-object iommufd,id=iommufd0',
            '-device arm-smmuv3,id=smmu0,primary-bus=pcie.0,accel=on,'
            'ssidsize=16',
            '-device pcie-root-port,id=port0,bus=pcie.0,chassis=1',
            f'-device vfio-pci,id=hostdev0,host={GPU},iommufd=iommufd0,'
            'bus=port0',
            '-device pcie-root-port,id=port1,bus=pcie.0,chassis=2',
            '-device vfio-pci,id=hostdev1,host=0000:02:00.0,iommufd=iommufd0,'
            'bus=port1',
            ''])
        self.add(NIC, 'device-nic', smmu=OTHER)
        words = self.run_program('--args', GPU, NIC, '02:00.0')[1]
        self.assertEqual(re.findall(r'pxb-pcie,id=(\w+),bus=pcie.0,'
                                    r'bus_nr=(\d+)', words),
                         [('complex0', '32'), ('complex1', '64')])
        self.assertEqual(re.findall(r'primary-bus=(\w+)', words),
                         ['complex0', 'complex1'])
        ports = dict(re.findall(r'root-port,id=(\w+),bus=(\w+)', words))
        for device, host in ((GPU, 'complex0'), (NIC, 'complex1'),
                             ('0000:02:00.0', 'complex0')):
            port = re.search(f'host={device},.*bus=(\\w+)', words)[1]
            self.assertEqual(ports[port], host)

    def test_xml(self):
        """libvirt's elements: each SMMU has a root complex of its own."""
        self.add(NIC, 'device-nic', smmu=OTHER)
        text = self.run_program('--xml', GPU, NIC)[1]
        domain = xml.etree.ElementTree.fromstring(f'<domain>{text}</domain>')
        self.assertEqual(domain.find('iommufd').get('enabled'), 'yes')
        devices = domain.find('devices')
        models = {device.get('index'): device
                  for device in devices.findall('controller')}
        smmus = devices.findall('iommu/driver')
        self.assertEqual([smmu.get('accel') for smmu in smmus],
                         ['on', 'on'])
        complexes = [smmu.get('pciBus') for smmu in smmus]
        self.assertEqual(len(set(complexes)), 2)
        for index in complexes:
            self.assertEqual(models[index].get('model'), 'pcie-expander-bus')
        for hostdev, name, index in zip(devices.findall('hostdev'),
                                        (GPU, NIC), complexes):
            at = hostdev.find('source/address')
            self.assertEqual(
                f'{int(at.get("domain"), 16):04x}:'
                f'{int(at.get("bus"), 16):02x}:'
                f'{int(at.get("slot"), 16):02x}.'
                f'{int(at.get("function"), 16)}', name)
            port = models[str(int(hostdev.find('address').get('bus'), 16))]
            self.assertEqual(port.get('model'), 'pcie-root-port')
            self.assertEqual(int(port.find('address').get('bus'), 16),
                             int(index))

    def test_usage(self):
        """Options that do not go together."""
        for args in (('--host', '--args', GPU), ('--args',), ('--xml',),
                     ('--host', '--map'), ('--args', '--json', GPU),
                     ('--host', '--sysfs=/sys'), ('--host', '-F', '/none')):
            status, out, err = self.run_program(*args)
            self.assertEqual((status, out), (2, ''), args)
            self.assertRegex(err, 'exclude|look at the host|addresses')


if __name__ == '__main__':
    sys.exit(vpasid_plan_tap.main())
