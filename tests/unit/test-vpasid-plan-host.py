#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of vpasid-plan --host, --args and --xml on made-up hosts; prints TAP.

usage: test-vpasid-plan-host.py PROGRAM DATA

DATA has the dumps of configuration space that the devices of the hosts show.
"""

import gzip
import json
import os
import re
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


class Host(unittest.TestCase):
    """A host whose devices can all go to a guest, until a test spoils it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
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

    def add(self, name, dump, smmu=SMMU, group=None, driver='vfio-pci'):
        """Add a device, and its group if that is a new one."""
        node = f'sys/bus/pci/devices/{name}'
        self.write(f'{node}/config', data=image(dump))
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
            self.write(f'{node}/vfio-dev/vfio0/dev', '511:0\n')

    def run_program(self, *args):
        """Run the program on the host: status, output, errors."""
        done = subprocess.run(
            [PROGRAM, '--root=' + self.root, *args], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=60, check=False)
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

    def test_good(self):
        """All is well but for iommufd, which a test cannot ask."""
        status, host, gpu = self.checks()
        self.assertEqual(status, 2)
        for name in 'Linux', 'kernel options', 'iommufd':
            self.assertEqual(host[name]['result'], 'yes', host[name])
        self.assertEqual(gpu.pop("host's PASID")['result'], 'unknown')
        for check in gpu.values():
            self.assertEqual(check['result'], 'yes', check)
        self.assertEqual(gpu['host IOMMU']['found'], SMMU)
        self.assertIn('0xff8', gpu['capability']['found'])

    def test_linux(self):
        """Linux before 6.15, and before 6.13."""
        for release, found in (('6.12.9-arm64', 'no nested translation'),
                               ('6.14.1', 'does not report PASID'),
                               ('5.19.0', 'no nested translation')):
            self.write('proc/version', f'Linux version {release} (lab)\n')
            status, host, _ = self.checks()
            self.assertEqual(status, 1)
            self.bad(host['Linux'], release, '6.15')
            self.bad(host['Linux'], found)
        for release in '6.15.0', '7.0.0', '10.1.0':
            self.write('proc/version', f'Linux version {release} (lab)\n')
            self.assertEqual(self.checks()[1]['Linux']['result'], 'yes')

    def test_options(self):
        """Options of the kernel that are off are named, and no others."""
        for missing in ('IOMMUFD',), ('ARM_SMMU_V3_SVA', 'IOMMUFD'):
            self.options(missing)
            status, host, _ = self.checks()
            self.assertEqual(status, 1)
            check = host['kernel options']
            self.bad(check, 'config.gz')
            self.assertEqual(sorted(re.findall('CONFIG_(\\w+)',
                                               check['found'])),
                             sorted(missing))

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
        self.bad(self.checks()[1]['iommufd'], 'there is no', 'CONFIG_IOMMUFD')

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
        self.bad(check, '0000:00:01.0 (a bridge)', 'one device of a group')
        self.bad(check, ' 0000:01:00.1')
        self.assertNotIn('01:00.1 (a bridge)', check['found'])

    def test_no_iommu(self):
        """A device without an IOMMU, and one behind another kind."""
        self.add(NIC, 'device-nic', smmu='dmar0')
        self.bad(self.checks(NIC)[2]['host IOMMU'], 'dmar0 is no Arm SMMUv3')
        node = os.path.join(self.root, f'sys/bus/pci/devices/{NIC}')
        os.remove(f'{node}/iommu')
        os.remove(f'{node}/iommu_group')
        nic = self.checks(NIC)[2]
        self.bad(nic['host IOMMU'], 'none')
        self.bad(nic['IOMMU group'], 'no IOMMU')
        for option in '--args', '--xml':
            status, out, err = self.run_program(option, NIC)
            self.assertEqual((status, out), (1, ''))
            self.assertIn(f'{NIC} is not behind an Arm SMMUv3', err)

    def test_driver(self):
        """A device that another driver has, or none."""
        for driver, found in (('nouveau', 'nouveau'),
                              (None, 'none is bound')):
            self.add(NIC, 'device-nic', driver=driver)
            nic = self.checks(NIC)[2]
            self.bad(nic['driver'], found, f'set-override {NIC} vfio-pci')
            self.assertNotIn("host's PASID", nic)
            subprocess.run(['rm', '-r', f'{self.root}/sys/bus/pci/devices/'
                            f'{NIC}', f'{self.root}/sys/kernel/iommu_groups/'
                            f'{NIC}'], check=True)

    def test_names(self):
        """Whatever bytes a name has, JSON is JSON."""
        self.add(NIC, 'device-nic', driver=b'n\xff"\\\n')
        self.assertIn('n\ufffd"\\\n', self.checks(NIC)[2]['driver']['found'])

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
        self.assertRegex(out, "(?m)^  \\? host's PASID ")

    def test_args(self):
        """QEMU's options: one SMMU of the guest for each of the host."""
        self.add('0000:02:00.0', 'place-host')
        words = self.run_program('--args', GPU, '02:00.0')[1].split('\n')
        self.assertEqual(words, [
            '-nic none',
            '-object iommufd,id=iommufd0',
            '-device arm-smmuv3,id=smmu0,primary-bus=pcie.0,accel=on,'
            'ssidsize=auto',
            '-device pcie-root-port,id=port0,bus=pcie.0,chassis=1',
            f'-device vfio-pci,host={GPU},iommufd=iommufd0,bus=port0',
            '-device pcie-root-port,id=port1,bus=pcie.0,chassis=2',
            '-device vfio-pci,host=0000:02:00.0,iommufd=iommufd0,bus=port1',
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
