#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the dumps in this directory, in the format of "lspci -xxxx".

usage: generate.py [DIRECTORY]

They are layouts made up for tests; no real device has them.
"""

import os
import sys

SIZE = 4096
VENDOR = 0x1234
ENDPOINT, WIDE_LINK = 0, 16


class Image:
    """Configuration space of one function; 64 and 256 bytes cut it off."""

    def __init__(self, device, title, klass=0x088000, vendor=VENDOR):
        self.bytes, self.title, self.size = bytearray(SIZE), title, SIZE
        self.caps = []
        self.put(0x00, vendor | device << 16)
        self.put(0x04, 0x00100006)              # has capabilities
        self.put(0x08, klass << 8 | 1)
        self.put(0x2c, VENDOR | 0x1100 << 16)
        self.bytes[0x34] = 0x40
        # Power Management, then PCI Express: x16, end-to-end TLP prefixes
        self.put(0x40, 0x00035001)
        self.put(0x50, 0x10 | 2 << 16 | ENDPOINT << 20)
        self.put(0x54, 0x10008fe2)
        self.put(0x5c, WIDE_LINK << 4 | 4)
        self.put(0x74, 1 << 21)

    def put(self, offset, *values):
        """Store 32-bit registers."""
        for i, value in enumerate(values):
            self.bytes[offset + 4 * i:offset + 4 * i + 4] = \
                value.to_bytes(4, 'little')
        return self

    def cap(self, offset, ident, version, *registers):
        """Add a capability to the end of the list."""
        if self.caps:
            self.link(self.caps[-1], offset)
        self.put(offset, ident | version << 16, *registers)
        self.caps.append(offset)
        return self

    def link(self, offset, target):
        """Let the capability at one offset lead to another."""
        low = int.from_bytes(self.bytes[offset:offset + 4], 'little')
        return self.put(offset, low & 0xfffff | target << 20)

    def aer(self, offset):
        """Advanced Error Reporting with a TLP prefix log: 0x48 bytes."""
        return self.cap(offset, 0x01, 2, 0, 0, 0x00462030, 0, 0x2000, 0xa0)

    def pasid(self, offset, width=20, perms=0x6):
        """PASID; permissions are EXEC 2 and PRIV 4."""
        return self.cap(offset, 0x1b, 1, width << 8 | perms)

    def ats(self, offset):
        """Address Translation Services."""
        return self.cap(offset, 0x0f, 1, 0x00000060)

    def pri(self, offset):
        """Page Request Interface."""
        return self.cap(offset, 0x13, 1, 0x01000000, 512)

    def vsec(self, offset, length):
        """Vendor-Specific with this length; its last register is not zero."""
        self.cap(offset, 0x0b, 1, 1 | 1 << 16 | length << 20)
        return self.put((offset + length - 1) & ~3, 0x5a5a5a5a)

    def dvsec(self, offset, vendor, ident, length):
        """Designated Vendor-Specific with this length."""
        return self.cap(offset, 0x23, 1, vendor | 1 << 16 | length << 20,
                        ident)

    def cut(self, size):
        """Keep that many bytes only."""
        self.size = size
        return self

    def text(self, slot):
        """As lspci prints it."""
        lines = [f'{slot} {self.title}']
        for at in range(0, self.size, 16):
            row = ' '.join(f'{b:02x}' for b in self.bytes[at:at + 16])
            lines.append(f'{at:02x}: {row}')
        return '\n'.join(lines) + '\n\n'


def plain(device, title):
    """AER, ATS and PASID, which VFIO hides."""
    image = Image(device, f'System peripheral: test layout, {title}')
    return image.aer(0x100).ats(0x150).pasid(0x160)


def every(device):
    """One capability for each ID; VFIO shows some of them only."""
    image = Image(device, 'System peripheral: test layout, every capability')
    registers = {0x0b: [0x10 << 20], 0x15: [0, 1 << 5], 0x23: [0x10 << 20],
                 0x24: [0, 1 << 5], 0x1b: [0x1406]}
    offset = 0x100
    for ident in range(1, 0x38):
        image.cap(offset, ident, 1, *registers.get(ident, []))
        # Two have 0x48 bytes: the one for errors, and lane margining
        offset += 0x50 if ident in (0x01, 0x27) else 0x40
    return image


def chains():
    """One for each thing that can be wrong with a list, and sound ones."""
    yield 'chain-sound', [plain(0x0001, 'sound list')]
    yield 'chain-empty', [Image(0x0002, 'System peripheral: test layout, '
                                'empty list')]
    loop = plain(0x0003, 'list that loops').cap(0x170, 0x18, 1)
    yield 'chain-loop', [loop.link(0x170, 0x170)]
    yield 'chain-outside', [plain(0x0004, 'list that leads below 0x100')
                            .link(0x160, 0x040)]
    ones = plain(0x0005, 'header of all ones').cap(0x170, 0xffff, 15)
    yield 'chain-ones', [ones.put(0x170, 0xffffffff)]
    head = Image(0x000c, 'System peripheral: test layout, list of all ones')
    yield 'chain-ones-head', [head.put(0x100, *[0xffffffff] * 960)]
    gone = Image(0x0006, 'System peripheral: test layout, all ones')
    yield 'chain-gone', [gone.put(0, *[0xffffffff] * (SIZE // 4))]
    yield 'chain-zeros', [plain(0x0007, 'list that leads to nothing')
                          .link(0x160, 0x400)]
    back = Image(0x0008, 'System peripheral: test layout, list that goes '
                 'backward').aer(0x100).ats(0x200)
    yield 'chain-backward', [back.pasid(0x180)]
    body = Image(0x0009, 'System peripheral: test layout, list that leads '
                 'into a body').aer(0x100).vsec(0x150, 0x40).ats(0x170)
    yield 'chain-into-body', [body.pasid(0x200)]
    over = Image(0x000a, 'System peripheral: test layout, capabilities that '
                 'overlap').cap(0x100, 0x03, 1, 1, 2).ats(0x150)
    over.pasid(0x160).vsec(0x140, 0x30)
    yield 'chain-overlap', [over.put(0x150, 0x0001000f | 0x160 << 20)]
    yield 'chain-every', [every(0x000d)]
    short = plain(0x000b, 'capability that is cut short')
    short.cap(0xfc0, 0x0b, 1, 1 | 0x80 << 20)
    yield 'chain-cut-short', [short]


def places():
    """One for each step of the placement, and where it may go wrong."""
    def taken(device, title):
        return plain(device, title).vsec(0xf00, 0x100)

    yield 'place-host', [taken(0x0101, 'end taken')]
    two = taken(0x0102, 'end taken, two places like the own one')
    yield 'place-two-hosts', [two.put(0x500, 0x0001001b, 0x1406)]
    other = taken(0x0103, 'end taken, PASID of other width in a gap')
    yield 'place-other-width', [other.put(0x500, 0x0001001b, 0x1006)]
    first = Image(0x0104, 'System peripheral: test layout, PASID first, '
                  'end taken').pasid(0x100).ats(0x110).vsec(0xf00, 0x100)
    yield 'place-first', [first]
    alone = Image(0x0105, 'System peripheral: test layout, PASID only')
    yield 'place-alone', [alone.pasid(0x100, 16, 0)]
    # VFIO makes an empty list of one that has nothing to show
    lone = Image(0x0110, 'System peripheral: test layout, PASID only, leading '
                 'below 0x100').pasid(0x100, 16, 0)
    yield 'place-alone-outside', [lone.link(0x100, 0x040)]
    end = Image(0x0106, 'System peripheral: test layout, PASID at the end')
    yield 'place-own-end', [end.aer(0x100).pasid(0xff8, 8, 2)]
    full = Image(0x0107, 'System peripheral: test layout, no room')
    yield 'place-none', [full.pasid(0x100).vsec(0x108, 0xef8)]
    yield 'place-width-0', [Image(0x0108, 'System peripheral: test layout, '
                                  'width 0').pasid(0x100, 0)]
    newer = Image(0x010e, 'System peripheral: test layout, version 2')
    yield 'place-version', [newer.cap(0x100, 0x1b, 2, 0x1406)]
    cut = Image(0x010f, 'System peripheral: test layout, PASID cut short')
    yield 'place-cut-short', [cut.aer(0x100).cap(0xffc, 0x1b, 1)]
    # VFIO hides the first one and leaves its header behind, without an ID
    anchor = Image(0x010a, 'System peripheral: test layout, room at the '
                   'hidden head only').cap(0x100, 0x25, 1, 0, 1)
    anchor.pasid(0x10c).put(0x114, 0x0001001b, 0x1406)
    yield 'place-anchor', [anchor.vsec(0x11c, 0xee4)]
    unsized = plain(0x010b, 'unknown version at the end of the list')
    yield 'place-unsized', [unsized.cap(0x200, 0x18, 2)]
    # VFIO does not see where one ends and another of the same ID begins
    beside = Image(0x010c, 'System peripheral: test layout, PASID behind two '
                   'that adjoin').vsec(0x100, 0x10).vsec(0x110, 0x10)
    yield 'place-shown', [beside.pasid(0x120).ats(0x130)]
    # Nor does it hide another one that comes in between
    chain = Image(0x0111, 'System peripheral: test layout, PASID behind a '
                  'hidden one behind two that adjoin').dvsec(0x100, 1, 0, 0x10)
    chain.dvsec(0x110, 1, 0, 0x10).cap(0x120, 0x19, 1).pasid(0x160)
    yield 'place-shown-chain', [chain.ats(0x170)]
    again = plain(0x010d, 'PASID in a list that loops')
    yield 'place-shown-loop', [again.link(0x160, 0x150)]
    dirty = plain(0x0109, 'something at the end').put(0xffc, 0x00c0ffee)
    yield 'place-dirty-end', [dirty]


def kinds():
    """Devices of the kinds that have PASID."""
    mover = Image(0x0201, 'System peripheral: test layout, data mover')
    mover.aer(0x100).cap(0x150, 0x17, 1, 0x00000005)    # TPH Requester
    mover.cap(0x180, 0x02, 1, 0, 0, 0, 0, 0x8000ff)     # Virtual Channel
    mover.ats(0x220).pasid(0x230).pri(0x240)
    yield 'device-data-mover', [mover.cap(0x260, 0x2e, 2)]      # DOE

    nic = Image(0x0202, 'Ethernet controller: test layout, NIC with SR-IOV',
                0x020000)
    nic.aer(0x100).cap(0x150, 0x03, 1, 0x00123456, 0x00000052)  # serial number
    nic.cap(0x160, 0x0e, 1)                             # ARI
    nic.cap(0x170, 0x10, 1, 2, 1, 8 << 16 | 8, 2, 1 << 16 | 1)      # SR-IOV
    nic.cap(0x1b0, 0x0d, 1, 0x005f).ats(0x1c0).pasid(0x1d0, 20, 2)
    nic.pri(0x1e0).cap(0x1f0, 0x19, 1)                  # Secondary PCIe
    nic.cap(0x230, 0x25, 1, 0x80000001)                 # Data Link Feature
    nic.cap(0x240, 0x26, 1).cap(0x280, 0x27, 1)         # 16 GT/s, margining
    virt = Image(0xffff, 'Ethernet controller: test layout, virtual function',
                 0x020000, 0xffff)
    virt.aer(0x100).cap(0x160, 0x0e, 1).ats(0x1c0)
    yield 'device-nic', [nic, virt]
    # One more than there are, which the fourth would have if it had any on
    off = plain(0x0209, 'virtual functions are off')
    off.cap(0x170, 0x10, 1, 2, 0, 1 << 16 | 1, 1, 1 << 16 | 0xffff)
    yield 'device-virtual', [nic, virt, virt, virt, off]

    gpu = Image(0x0203, 'VGA compatible controller: test layout, GPU',
                0x030000)
    gpu.aer(0x100).vsec(0x150, 0x38)
    gpu.cap(0x200, 0x15, 1, 0x000ffff0, 3 << 5 | 0x0f00,    # Resizable BAR
            0x00000ff0, 0x0802, 0x000000f0, 0x0304)
    gpu.cap(0x240, 0x24, 1, 0x000ffff0, 1 << 5 | 0x0800)    # VF ReBAR
    gpu.cap(0x270, 0x19, 1).cap(0x2a0, 0x0d, 1, 0x005f)
    gpu.ats(0x2b0).pri(0x2c0).pasid(0x2d0, 16, 6)
    gpu.cap(0x2e0, 0x18, 1, 0x10011001)                 # LTR
    gpu.cap(0x320, 0x1e, 1, 0x0028281f)                 # L1 PM Substates
    yield 'device-gpu', [gpu.vsec(0xc00, 0x400)]

    cxl = Image(0x0204, 'CXL: test layout, memory expander', 0x050210)
    cxl.dvsec(0x100, 0x1e98, 0, 0x3c).dvsec(0x13c, 0x1e98, 8, 0x24)
    cxl.dvsec(0x160, 0x1e98, 5, 0x10).dvsec(0x170, 0x1e98, 7, 0x20)
    cxl.cap(0x190, 0x2e, 2)                             # DOE
    # IDE with one link stream and one selective stream with two blocks
    cxl.cap(0x1b0, 0x30, 1, 0x0003).put(0x1c4, 2)
    cxl.aer(0x220).cap(0x270, 0x03, 1, 0x00abcdef, 0x52)
    yield 'device-cxl', [cxl.ats(0x280).pasid(0x290, 20, 0)]

    bridge = Image(0x0205, 'PCI bridge: test layout', 0x060400)
    bridge.bytes[0x0e] = 1
    old = Image(0x0206, 'System peripheral: test layout, 256 bytes').cut(256)
    yield 'device-other', [bridge.cut(256), old.put(0x04, 0x00000006)]
    # Extended space that is none: the first 256 bytes over and over
    mirror = Image(0x020a, 'System peripheral: test layout, mirrored, no PCI '
                   'Express').put(0x40, 0x00030001)
    mirror.bytes[0x100:] = mirror.bytes[:0x100] * 15
    yield 'device-mirrored', [mirror]
    # Linux wants this of a function before it enables its PASID
    yield 'device-no-prefix', [plain(0x020b, 'no end-to-end TLP prefixes')
                               .put(0x74, 0)]
    multi = [plain(0x020c, 'function 0 of several, without ACS'),
             plain(0x020d, 'function 1, without ACS'),
             plain(0x020e, 'function 2, with ACS').cap(0x170, 0x0d, 1, 0)]
    multi[0].put(0x0c, 0x00800000)
    yield 'device-multifunction', multi
    short = Image(0x0208, 'System peripheral: test layout, PCI Express, read '
                  'with -xxx')
    yield 'device-short', [short.cut(256)]
    yield 'device-no-root', [plain(0x0207, 'read without root').cut(64)]


# Whole in the dumps, not here: checkpatch would take it for this file's own
LICENCE = '# SPDX-' 'License-Identifier: GPL-2.0-or-later\n'


def main(argv):
    """Write them all."""
    where = argv[1] if len(argv) > 1 else os.path.dirname(argv[0]) or '.'
    for group in (chains, places, kinds):
        for name, images in group():
            path = os.path.join(where, name + '.txt')
            with open(path, 'w', encoding='ascii') as file:
                file.write(LICENCE)
                file.write('\n'.join(image.text(f'01:00.{function}').rstrip()
                                     + '\n' for function, image
                                     in enumerate(images)))


if __name__ == '__main__':
    main(sys.argv)
