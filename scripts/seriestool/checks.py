# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that the series promises, checked; the output is TAP."""

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time

from tests import runner

from . import export
from . import manifest as mf
from . import refresh
from . import tree
from .manifest import SeriesError
from .tap import Tap

STEP = os.path.join(mf.TOP, 'scripts', 'step')
SIGNED = re.compile(r'^\s*(Signed-off-by|Co-authored-by):', re.I | re.M)
SPDX = 'SPDX-License-Identifier: GPL-2.0-or-later'
# Kinds of files that cannot carry a comment, or need none.
NO_SPDX = ('.json', '.md', '.patch', '.svg', '.txt')
MAINTAINERS = 'added, moved or deleted file(s)'


def own_files():
    """Return the files of this repository, tracked or to be."""
    names = tree.run_git('ls-files', '-z', '--cached', '--others',
                         '--exclude-standard', check=False).split('\0')
    return sorted(name for name in set(names)
                  if name and os.path.isfile(os.path.join(mf.TOP, name)))


def read(name):
    """Return the text of a file of this repository."""
    with open(os.path.join(mf.TOP, name), encoding='utf-8',
              errors='replace') as file:
        return file.read()


def folders_agree(manifest):
    """Every new file and every hook is in exactly one patch."""
    listed = manifest.files()
    for name in sorted(set(listed)):
        if listed.count(name) > 1:
            yield f'{name} is in more than one patch'
        if not os.path.isfile(os.path.join(mf.TOP, name)):
            yield f'{name} is in a patch, but not there'
    every = {name for base in mf.bases() for name in mf.load(base).files()}
    for name in own_files():
        if name.split('/')[0] in mf.ROOMS and name not in every and \
                not name.startswith(mf.NATIVE):
            yield f'{name} is in no patch of any base'
    names = [patch.name for patch in manifest.patches]
    if len(names) != len(set(names)):
        yield 'a patch name is there twice'
    for name in os.listdir(mf.series_dir(manifest.name)):
        if name.endswith('.patch') and name[:-len('.patch')] not in names:
            yield f'series/{manifest.name}/{name} is in no patch'
    for patch in manifest.patches:
        for key in ('upstream', 'qemu11', 'reason'):
            if not getattr(patch, key):
                yield f'{patch.name} lacks its `{key}` text'
    groups = [patch.group for patch in manifest.patches]
    for patch in manifest.patches:
        if patch.group not in mf.GROUPS:
            yield (f'{patch.name} is in the group "{patch.group}"; there are '
                   + ', '.join(mf.GROUPS))
    if not set(groups) - set(mf.GROUPS) and \
            groups != sorted(groups, key=mf.GROUPS.index):
        yield 'the groups are not in the order ' + ', '.join(mf.GROUPS)


def table_agrees(manifest):
    """README.md has the table of the manifest."""
    have, want = refresh.readme_with_table(manifest)
    if have is None:
        yield f'README.md has no place for it: {refresh.BEGIN} {refresh.END}'
    elif have != want and manifest.name == mf.bases()[-1]:
        yield 'README.md is not what `make refresh` writes'


def lab_agrees():
    """The pages and the plot have what was found beside QEMU 11.1."""
    good, output = command(['lab/tables', '--check'], mf.TOP)
    if not good:
        yield from output.splitlines() or ['lab/tables --check failed']


def changes_agree(manifest):
    """CHANGELOG.md begins with the version that is exported."""
    newest = re.search(r'^## (.+)$', read('CHANGELOG.md'), re.MULTILINE)
    if not newest or newest[1] != manifest.series['version']:
        yield ('the first heading of CHANGELOG.md is not version '
               + manifest.series['version'])


def maintainers_agree(manifest, repo):
    """MAINTAINERS has the section that the series adds to QEMU's."""
    if manifest.name == mf.bases()[-1] and \
            read('MAINTAINERS') != refresh.maintainers(repo):
        yield 'MAINTAINERS is not what `make refresh` writes'


def hooks_are_canonical(manifest, repo, commits):
    """Files, hooks and manifest come out of the commits as they are."""
    repo.git('branch', '-f', tree.ROUND_TRIP, commits[-1])
    with tempfile.TemporaryDirectory() as scratch:
        copy = tree.Repository(os.path.join(scratch, 'tree'))
        repo.git('clone', '-q', '--shared', '--no-checkout', '--branch',
                 tree.ROUND_TRIP, repo.path, copy.path)
        collected = refresh.Collected(copy, manifest)
    for name, mode in collected.modes.items():
        path = os.path.join(mf.TOP, name)
        with open(path, 'rb') as file:
            if file.read() != repo.git('cat-file', 'blob',
                                       f'{commits[-1]}:{name}').encode(
                                           errors='surrogateescape'):
                yield f'{name} differs'
        if os.access(path, os.X_OK) != (mode == '100755'):
            yield f'{name} has another mode'
    for patch in manifest.patches:
        hook, have = manifest.hook(patch), b''
        if os.path.exists(hook):
            with open(hook, 'rb') as file:
                have = file.read()
        if have != collected.hooks[patch.name].encode(
                errors='surrogateescape'):
            yield f'{os.path.relpath(hook)} is not what `make refresh` writes'
    if mf.dump(collected.manifest()) != read(
            f'series/{manifest.name}/series.toml'):
        yield 'series.toml is not what `make refresh` writes'


def command(arguments, cwd, env=None):
    """Run a command; return (good, output)."""
    done = subprocess.run(
        arguments, cwd=cwd, text=True, errors='replace',
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False,
        env=dict(os.environ, LC_ALL='C', GIT_CONFIG_GLOBAL='/dev/null',
                 GIT_CONFIG_NOSYSTEM='1', **(env or {})))
    return done.returncode == 0, done.stdout


def am_gives(copy, patches, want):
    """git am takes the patches on the base, and gives the same tree."""
    # What an am that failed left behind.
    shutil.rmtree(os.path.join(copy.path, '.git', 'rebase-apply'),
                  ignore_errors=True)
    copy.git('checkout', '-q', '-f', 'base')
    who = dict(zip(('GIT_COMMITTER_NAME', 'GIT_COMMITTER_EMAIL'),
                   tree.PLACEHOLDER))
    good, output = command(['git', 'am', '-q', '--whitespace=error',
                            *patches], copy.path, who)
    if not good:
        return [output]
    if copy.rev('HEAD^{tree}') != want:
        return ['git am gives another tree than the series']
    return []


def quilt_gives(copy, folder, want):
    """quilt takes the patches on the base, and gives the same tree."""
    if not shutil.which('quilt'):
        return ['quilt is not installed: scripts/install-deps series']
    copy.git('checkout', '-q', '-f', 'base')
    with tempfile.TemporaryDirectory() as scratch:
        good, output = command(
            ['quilt', '--quiltrc=-', 'push', '-a', '--fuzz=0'], copy.path,
            {'QUILT_PATCHES': folder, 'QUILT_PC': os.path.join(scratch, 'pc')})
    if good:
        copy.git('add', '-A', '-f')
        have = copy.git('write-tree').strip()
    copy.git('reset', '-q', '--hard')
    copy.git('clean', '-fdxq')
    if not good:
        return [output]
    if re.search(r'^Hunk #\d+ succeeded at .*(?:offset|fuzz)', output,
                 re.MULTILINE):
        return [output]
    return [] if have == want else ['quilt gives another tree']


def covered(text, name):
    """Tell whether a MAINTAINERS text has a pattern for a file."""
    for pattern in re.findall(r'^F:\s*(\S+)', text, re.MULTILINE):
        if fnmatch.fnmatchcase(name, pattern) or (
                pattern.endswith('/') and name.startswith(pattern)):
            return True
    return False


def checkpatch(copy, last, patch_file, patch):
    """The base's own style check has nothing to say about a patch.

    Its question whether MAINTAINERS needs an entry for a new file is
    answered here: the file has one at the end of the series, commit `last`.
    """
    good, output = command(['perl', 'scripts/checkpatch.pl', '--no-signoff',
                            '--no-color', patch_file], copy.path)
    text = copy.git('show', f'{last}:MAINTAINERS')
    problems = [f'MAINTAINERS has no entry for {name}'
                for name in patch.files if not covered(text, name)]
    blocks = [block for block in re.split(r'\n\s*\n', output)
              if re.match(r'(ERROR|WARNING): ', block)
              and MAINTAINERS not in block]
    if not good and not blocks and MAINTAINERS not in output:
        blocks = [output]
    return problems + blocks


def targets(files):
    """Return the ninja targets for the new files so far."""
    found = [re.match(r'tests/(?:qtest/[^/]+-test|unit/test-[^/]+)(?=\.c$)',
                      name) for name in files]
    return ['qemu-system-aarch64'] + [match[0] for match in found if match]


def list_devices(copy):
    """Write the devices of the check's build that the tree knows by now.

    Return the list's name as QEMU's configure wants it, without its ending.
    """
    known = set(re.findall(r'^config (\S+)$', copy.git(
        'grep', '-h', '^config ', '--', '*Kconfig*'), re.MULTILINE))
    with open(os.path.join(mf.TOP, 'scripts', 'sanitizer-devices.mak'),
              encoding='utf-8') as file:
        wanted = re.findall(r'^CONFIG_(\S+)=y$', file.read(), re.MULTILINE)
    text = ''.join(f'CONFIG_{name}=y\n' for name in wanted if name in known)
    name = os.path.join(os.path.dirname(copy.path), 'devices')
    if not os.path.exists(name + '.mak') or text != read(name + '.mak'):
        with open(name + '.mak', 'w', encoding='utf-8') as file:
            file.write(text)
    return name


def configured(copy, build, commit):
    """Configure the check's build; save what the real one poisons.

    It has the options of the real build, whose objects the compiler cache has,
    but only the device models of scripts/sanitizer-devices.mak: those that the
    series touches.  A header that QEMU's devices include would else compile
    them all at each prefix that changes it.
    """
    copy.git('checkout', '-q', '-f', commit)
    base = os.path.dirname(os.path.dirname(copy.path))
    if not os.path.exists(os.path.join(build, 'build.ninja')):
        os.makedirs(build, exist_ok=True)
        devices = os.path.relpath(
            list_devices(copy),
            os.path.join(copy.path, 'configs', 'devices', 'aarch64-softmmu'))
        if subprocess.run([STEP, '--cwd', build, 'check-configure',
                           'QEMU\'s configure for the check', '--', 'sh',
                           os.path.join(base, 'qemu-configure'), '../qemu',
                           '--without-default-devices',
                           f'--with-devices-aarch64={devices}'],
                          check=False).returncode:
            return ['QEMU\'s configure failed']
    real = os.path.join(base, 'qemu-build')
    good, output = command(['ninja', '-C', real, 'config-poison.h'],
                           copy.path)
    if not good:
        return [output]
    shutil.copy(os.path.join(real, 'config-poison.h'),
                os.path.dirname(build))
    return []


def compiles(copy, build, commit, files, changed, title):
    """One prefix of the series builds, with no warning in what it changes.

    It starts, and its unit tests pass.

    The list of the CONFIG_ symbols that shared code may not use is that of
    the whole series, which is stricter than the one of a prefix: QEMU has it
    in a header that everything includes, so that each prefix with a symbol
    of its own would compile all of QEMU.
    """
    copy.git('checkout', '-q', '-f', commit)
    poison = os.path.join(os.path.dirname(build), 'config-poison.h')
    with open(os.path.join(copy.path, 'scripts', 'make-config-poison.sh'),
              'w', encoding='utf-8') as script:
        script.write(f'#!/bin/sh\nexec cat {shlex.quote(poison)}\n')
    list_devices(copy)
    # Only targets that meson knows at this prefix: reconfigure first.
    command(['ninja', '-C', build, 'build.ninja'], copy.path)
    known = command(['ninja', '-C', build, '-t', 'targets', 'all'],
                    copy.path)[1]
    wanted = [name for name in targets(files) if f'\n{name}: ' in '\n' + known]
    if subprocess.run([STEP, 'check-build', title, '--', 'ninja', '-C', build,
                       *wanted], check=False).returncode:
        return [f'{commit[:12]} does not build']
    # Classes and their properties are made whatever the machine is.
    good, output = command([os.path.join(build, 'qemu-system-aarch64'),
                            '-device', 'arm-smmuv3,help'], copy.path)
    if not good:
        return [f'{commit[:12]} builds, and does not start: {output}']
    # Those that need no QEMU; the others come with all of the series.
    for name in (name for name in wanted if name.startswith('tests/unit/')):
        good, output = command([os.path.join(build, name)], build)
        if not good:
            return [f'{commit[:12]}: {name} fails: {output}']
    with open(os.path.join(mf.TOP, 'build', 'log', 'check-build.log'),
              encoding='utf-8', errors='replace') as log:
        return [line for line in log if ' warning: ' in line
                and any(name in line for name in changed)]


def prefixes(tap, manifest, copy, commits):
    """Every prefix of the series builds; what built before is not redone."""
    done_name = os.path.join(os.path.dirname(copy.path), 'built')
    compiler = command(['gcc', '--version'], mf.TOP)[1].split('\n')[0]
    try:
        with open(done_name, encoding='utf-8') as file:
            done = set(file.read().splitlines())
    except OSError:
        done = set()
    build = os.path.join(os.path.dirname(copy.path), 'qemu-build')
    files, total, ready = [], len(commits), False
    for number, (patch, commit) in enumerate(
            zip(manifest.patches, commits), 1):
        files += patch.files
        mark = f'{copy.rev(commit + "^{tree}")} {compiler}'
        name = f'prefix {number}/{total} works: {patch.name}'
        changed = [path for _, _, path in tree.changes(copy, commit)]
        if all(path == 'MAINTAINERS' or path.startswith('docs/')
               for path in changed):
            tap.result(name + ' (documentation only)')
            continue
        if mark in done:
            tap.result(name + ' (as before)')
            continue
        problems = [] if ready else configured(copy, build, commits[-1])
        ready = not problems
        problems = problems or compiles(
            copy, build, commit, files, changed,
            f'Prefix {number}/{total}: {patch.subject}')
        tap.result(name, problems)
        if not problems:
            with open(done_name, 'a', encoding='utf-8') as file:
                file.write(mark + '\n')


def alone(manifest, copy, commits, patch):
    """Apply a fix to the base, after no others than it needs.

    With one line of context, as the hooks of the series have: what is beside
    a hook may be another fix.  Yield what is wrong.
    """
    by_name = {p.name: c for p, c in zip(manifest.patches, commits)}
    copy.git('checkout', '-q', '-f', 'base')
    for name in [*patch.needs, patch.name]:
        if name not in by_name:
            yield f'{patch.name} needs {name}, which is no patch'
            return
        commit = by_name[name]
        text = copy.git('diff', '-U1', f'{commit}^', commit)
        try:
            copy.git('apply', '--index', '-C1', '-', stdin=text.encode(
                errors='surrogateescape'))
        except SeriesError as error:
            yield str(error)
            return


def fixes(tap, manifest, copy, commits):
    """Each fix can be taken without the rest of the series."""
    for patch in manifest.patches:
        if patch.group == 'fixes':
            after = f' after {", ".join(patch.needs)}' if patch.needs else ''
            tap.guard(f'fix applies to the base{after}: {patch.name}', alone,
                      manifest, copy, commits, patch)


def spdx():
    """Each source file of ours says its licence."""
    for name in own_files():
        base = os.path.basename(name)
        if base in ('COPYING', 'MAINTAINERS', '.gitignore') or \
                name.endswith(NO_SPDX):
            continue
        if SPDX not in read(name)[:600]:
            yield f'{name} lacks `{SPDX}`'


def unsigned(manifest):
    """Nobody's sign-off is in the series or the files."""
    for patch in manifest.patches:
        if SIGNED.search(patch.message()):
            yield f'the message of {patch.name} has a sign-off'
    for name in own_files():
        if SIGNED.search(read(name)):
            yield f'{name} has a sign-off'


def scripts_of(kind, suffix):
    """Return the files of ours whose name or first line says a language."""
    for name in own_files():
        first = read(name).split('\n', 1)[0]
        if name.endswith(suffix) or re.match(rf'#!.*\b{kind}\d*\b', first):
            yield name


def lint(tap):
    """Shell and Python of ours pass their linters."""
    shell = list(scripts_of('(?:ba|da)?sh', '.sh'))
    python = list(scripts_of('python', '.py'))
    for name, files, arguments in (
            ('shellcheck', shell, ['shellcheck', '-x', '-P',
                                   'SCRIPTDIR']),
            ('pycodestyle', python, ['/usr/bin/python3', '-m',
                                     'pycodestyle']),
            ('pyflakes', python, ['/usr/bin/python3', '-m', 'pyflakes'])):
        good, output = command(arguments + files, mf.TOP)
        if 'No module named' in output or not shutil.which(arguments[0]):
            tap.result(name, skip='not installed: scripts/install-deps series')
        else:
            tap.result(f'{name}: {len(files)} files',
                       [] if good else [output or 'failed'])


def run(base):
    """Run every check; return the exit status."""
    tap, start = Tap(), time.monotonic()
    manifest, repo = mf.load(base), tree.opened(base)
    tap.guard('manifest and folders agree', folders_agree, manifest)
    for line in mf.sizes(manifest):
        print(f'# {line}')
    tap.guard('the patch table in README.md is current', table_agrees,
              manifest)
    tap.guard('the tables of the lab are what lab/tables writes', lab_agrees)
    tap.guard('CHANGELOG.md begins with this version', changes_agree,
              manifest)
    tap.guard('MAINTAINERS is the section that the series adds',
              maintainers_agree, manifest, repo)
    tap.guard('every source file has its SPDX line', spdx)
    tap.guard('no sign-off anywhere', unsigned, manifest)
    lint(tap)
    runner.run(tap)
    if not manifest.patches:
        tap.result('the series', skip='has no patch yet')
        print(f'1..{tap.count}')
        return 1 if tap.failures else 0
    try:
        # With names for the round trip, without for what others get.
        named = tree.build_commits(repo, manifest, date='@0 +0000')
        commits = export.export_commits(manifest, repo)
    except SeriesError as error:
        tap.result('the series applies', [str(error)])
        print(f'1..{tap.count}')
        return 1
    tap.result('the series applies')
    tap.guard('round trip: refresh gives the files as they are',
              hooks_are_canonical, manifest, repo, named)
    copy = checkout(repo, base)
    want = repo.rev(f'{commits[-1]}^{{tree}}')
    with tempfile.TemporaryDirectory() as scratch:
        quilt, mail = (os.path.join(scratch, name) for name in ('q', 'm'))
        os.mkdir(quilt)
        patches = export.format_patch(manifest, copy, mail)
        export.write_quilt(manifest, repo, commits, quilt)
        tap.guard('git am takes it: no fuzz, no whitespace error, same tree',
                  am_gives, copy, patches, want)
        tap.guard('quilt takes it: no fuzz, no offset, same tree',
                  quilt_gives, copy, quilt, want)
        for patch, name in zip(manifest.patches, patches):
            tap.guard(f'checkpatch: {patch.name}', checkpatch, copy,
                      commits[-1], name, patch)
    fixes(tap, manifest, copy, commits)
    prefixes(tap, manifest, copy, commits)
    print(f'1..{tap.count}')
    print(f'# {tap.count - tap.failures} ok, {tap.failures} not ok, in '
          f'{time.monotonic() - start:.0f} s')
    return 1 if tap.failures else 0


def checkout(repo, base):
    """Return a checkout for the checks, which a person's work is not in.

    It lies to its build directory as the applied tree lies to its own, so
    that the compiler cache serves both.
    """
    path = os.path.join(mf.build_dir(base), 'check', 'qemu')
    copy = tree.Repository(path)
    if not copy.exists():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        repo.git('clone', '-q', '--shared', '--no-checkout', repo.path, path)
    copy.git('fetch', '-q', '--force', repo.path, f'{export.REF}:{export.REF}',
             'refs/tags/base:refs/tags/base')
    return copy
