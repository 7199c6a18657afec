# SPDX-License-Identifier: GPL-2.0-or-later
"""The manifest series/BASE/series.toml: the base, and the ordered patches."""

import json
import os
import re
import tomllib
from dataclasses import dataclass, field

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.join(TOP, 'build')
# The folders of this repository that hold new files of the series.
ROOMS = ('backends', 'contrib', 'docs', 'hw', 'include', 'qapi', 'tests')
# Below a room, but only for the top-level meson.build: in no patch.
NATIVE = ('tests/native/',)
# What a distribution takes together, in the order of the series. A fix is of
# use without the rest; core and firmware are what the series is about.
GROUPS = ('fixes', 'core', 'firmware', 'testing', 'maintainers')
AUTHOR = re.compile(r'([^<>]+) <([^<>@ ]+@[^<>@ ]+)>')
HEADER = '''\
# SPDX-License-Identifier: GPL-2.0-or-later
# The QEMU {name} series. `make refresh` writes this file from the commits in
# the applied tree; by hand, edit only [series], [base], `upstream`,
# `qemu11`, `group` and `needs`.
'''


class SeriesError(Exception):
    """Something about the series is wrong; the text says what to do."""


@dataclass
class Patch:
    """One logical change of the series."""

    name: str               # slug: names the hook file, stable over rewording
    subject: str
    reason: str             # body of the commit message, no final newline
    upstream: str = ''      # relation to the QEMU project's own code
    qemu11: str = ''        # what becomes of it on QEMU 11: drop, keep, ...
    group: str = ''         # one of GROUPS
    needs: list = field(default_factory=list)   # a fix: patches it needs
    files: list = field(default_factory=list)   # new files, added whole

    def message(self):
        """Return the commit message, without anything of this project."""
        return f'{self.subject}\n\n{self.reason}\n' if self.reason \
            else f'{self.subject}\n'


@dataclass
class Manifest:
    """What series.toml of one base says."""

    name: str               # of the folder below series/, such as 10.2
    series: dict            # version, and author of what is exported
    base: dict
    patches: list

    def author(self):
        """Return (name, address) of the author of what is exported."""
        return AUTHOR.fullmatch(self.series['author']).groups()

    def hook(self, patch):
        """Return the path of the hook file of a patch; it may not exist."""
        return os.path.join(series_dir(self.name), f'{patch.name}.patch')

    def files(self):
        """Return every new file of the series."""
        return [name for patch in self.patches for name in patch.files]


def bases():
    """Return the names of all bases."""
    folder = os.path.join(TOP, 'series')
    return sorted(name for name in os.listdir(folder)
                  if os.path.exists(os.path.join(folder, name, 'series.toml')))


def series_dir(base):
    """Return the folder with the manifest and the hooks of a base."""
    return os.path.join(TOP, 'series', base)


def build_dir(base):
    """Return the folder below which everything of a base is built."""
    return os.path.join(BUILD, base)


def tree_dir(base):
    """Return the applied tree of a base."""
    return os.path.join(build_dir(base), 'qemu')


def load(base):
    """Read the manifest of a base."""
    path = os.path.join(series_dir(base), 'series.toml')
    try:
        with open(path, 'rb') as file:
            data = tomllib.load(file)
        patches = [Patch(**dict(entry, reason=entry['reason'].strip('\n')))
                   for entry in data.get('patch', [])]
        info = dict(data['base'], name=base)
        for table, keys in (
                ('series', ('version', 'author')),
                ('base', ('version', 'source', 'debian', 'suites', 'sha256'))):
            for key in keys:
                if key not in data[table]:
                    raise KeyError(f'{table}.{key}')
        if not AUTHOR.fullmatch(data['series']['author']):
            raise ValueError('series.author is not "NAME <ADDRESS>"')
        for end in ('.dsc', '.orig.tar.xz'):
            if not any(name.endswith(end) for name in info['sha256'].keys()):
                raise KeyError(f'base.sha256: a file *{end}')
    except FileNotFoundError:
        raise SeriesError(f'there is no base {base}; there are: '
                          f'{", ".join(bases())}') from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SeriesError(f'{path}: {error}\nWhat you can do: mend it, or '
                          f'`git checkout` it') from None
    return Manifest(base, data['series'], info, patches)


def toml_text(value):
    """Return a string as TOML, over several lines when it has several."""
    if '\n' not in value:
        return json.dumps(value, ensure_ascii=False)
    if "'''" in value or re.search(r'[\x00-\x08\x0b-\x1f\x7f]', value):
        return json.dumps(value, ensure_ascii=False)
    return f"'''\n{value}\n'''"


def toml_list(values):
    """Return a list of strings as TOML."""
    if not values:
        return '[]'
    return '[\n' + ''.join(f'    {toml_text(v)},\n' for v in values) + ']'


def dump(manifest):
    """Return the text of series.toml."""
    base = manifest.base
    text = [HEADER.format(name=manifest.name), '[series]']
    text += [f'{key} = {toml_text(manifest.series[key])}'
             for key in ('version', 'author')]
    text += ['', '[base]']
    text += [f'{key} = {toml_text(base[key])}'
             for key in ('version', 'source', 'debian')]
    text.append('suites = [' + ', '.join(map(toml_text, base['suites'])) + ']')
    text += ['', '[base.sha256]']
    text += [f'{toml_text(name)} = {toml_text(pin)}'
             for name, pin in base['sha256'].items()]
    for patch in manifest.patches:
        text += ['', '[[patch]]',
                 f'name = {toml_text(patch.name)}',
                 f'subject = {toml_text(patch.subject)}',
                 f'upstream = {toml_text(patch.upstream)}',
                 f'qemu11 = {toml_text(patch.qemu11)}',
                 f'group = {toml_text(patch.group)}',
                 *([f'needs = {toml_list(patch.needs)}']
                   if patch.needs else []),
                 f'reason = {toml_text(patch.reason)}',
                 f'files = {toml_list(sorted(patch.files))}']
    return '\n'.join(text) + '\n'


def slug(subject, taken):
    """Return a short name for a subject that is not in `taken`."""
    words = re.sub(r'[^a-z0-9]+', '-', subject.lower()).strip('-')
    if len(words) > 48:
        words = words[:49].rsplit('-', 1)[0]
    name, number = words or 'patch', 2
    while name in taken:
        name, number = f'{words}-{number}', number + 1
    return name


def tests(manifest):
    """Return the tests that the series adds, as QEMU's meson names them."""
    result = []
    for name in manifest.files():
        found = re.match(r'tests/(qtest|unit)/([^/]+)\.c$', name)
        if found and found[1] == 'qtest' and name.endswith('-test.c'):
            result.append(f'qtest-aarch64/{found[2]}')
        elif found and found[2].startswith('test-'):
            result.append(found[2])
    return sorted(result)


def hook_lines(manifest, patch):
    """Return how many lines a patch adds to and takes from QEMU's files."""
    if not os.path.exists(manifest.hook(patch)):
        return 0
    with open(manifest.hook(patch), encoding='utf-8') as file:
        return sum(line[0] in '+-' and line[:3] not in ('+++', '---')
                   for line in file)


def code_lines(name):
    """Return the lines of a file of ours in C that are neither comment nor
    empty; 0 of any other file."""
    if not name.endswith(('.c', '.h')):
        return 0
    with open(os.path.join(TOP, name), encoding='utf-8') as file:
        text = re.sub(r'/\*.*?\*/', '', file.read(), flags=re.DOTALL)
    return sum(bool(line.strip()) for line in text.split('\n'))


def sizes(manifest):
    """Return the lines of code and of hooks, by patch and by folder."""
    rows, folders = [], {}
    for patch in manifest.patches:
        code = 0
        for name in patch.files:
            lines = code_lines(name)
            folder = os.path.dirname(name)
            folders[folder] = folders.get(folder, 0) + lines
            code += lines
        rows.append((code, hook_lines(manifest, patch), patch.name))
    rows.append((*(sum(column) for column in list(zip(*rows))[:2]), 'all'))
    return ['lines of C, and of hooks, by patch:'] + [
        f'{code:6} {hook:5} {name}' for code, hook, name in rows] + [
        'lines of C by folder:'] + [
        f'{lines:6} {name}' for name, lines in sorted(folders.items())
        if lines]


def table(manifest):
    """Return the patch table for README.md; why is a first sentence."""
    rows = ['| # | group | patch | why | new files | hook lines | '
            'upstream | on QEMU 11 |',
            '|--:|---|---|---|--:|--:|---|---|']
    for number, patch in enumerate(manifest.patches, 1):
        lines = hook_lines(manifest, patch)
        why = re.split(r'(?<=[.])\s', ' '.join(patch.reason.split()))[0]
        cells = [patch.group, patch.subject, why, str(len(patch.files)),
                 str(lines), patch.upstream or '(to be said)',
                 patch.qemu11 or '(to be said)']
        rows.append(f'| {number} | ' + ' | '.join(
            ' '.join(cell.split()).replace('|', r'\|') for cell in cells)
            + ' |')
    return '\n'.join(rows) + '\n'
