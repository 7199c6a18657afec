#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The patch series of one base: apply, refresh, export, check.

usage: scripts/series.py [--base=BASE] [--force] COMMAND

  apply    bring the applied tree build/BASE/qemu to what the files say
  refresh  write the files from the commits in the applied tree
  series   write build/BASE/series, for `git am`
  deb      write build/BASE/deb-patches, for quilt
  check    check everything the series promises; prints TAP
  table    print the patch table of README.md
  unsaved  fail when an applied tree has work that the files do not have
  claim    fail when another run is at work in this clone
  tests    print the tests of the series, as QEMU's meson names them
"""

import sys

from seriestool import checks, export, manifest, refresh, session, tree


def main(argv):
    """Parse the command line and run one command."""
    base, force = '10.2', False
    while argv and argv[0].startswith('--'):
        option = argv.pop(0)
        if option.startswith('--base='):
            base = option.partition('=')[2]
        elif option == '--force':
            force = True
        else:
            argv = []
    if len(argv) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    commands = {
        'apply': lambda: [tree.apply(base, force)],
        'refresh': lambda: refresh.refresh(base, force),
        'series': lambda: export.series(base),
        'deb': lambda: export.deb_patches(base),
        'table': lambda: manifest.table(manifest.load(base)).splitlines(),
        'tests': lambda: manifest.tests(manifest.load(base)),
        'unsaved': lambda: tree.refuse_any_unsaved(force),
        'claim': lambda: [],
        'check': lambda: checks.run(base),
    }
    if argv[0] not in commands:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        if argv[0] not in ('table', 'tests'):
            session.claim(manifest.BUILD)
        result = commands[argv[0]]()
    except (manifest.SeriesError, RuntimeError) as error:
        print(f'series.py {argv[0]}: {error}', file=sys.stderr)
        return 1
    except OSError as error:
        print(f'series.py {argv[0]}: {session.what_failed(error)}',
              file=sys.stderr)
        return 1
    if isinstance(result, int):
        return result
    for line in result:
        print(line)
    return 0


if __name__ == '__main__':
    session.run(main, sys.argv[1:])
