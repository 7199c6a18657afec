#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands in for apt-get and apt-cache, as far as the scripts use them.

$FAKE_APT is a JSON file: `archives` has for each URI its `keyring`, `origin`
and `suites`, each with `packages` {name: file or files}, and maybe `expired`;
`offline` is the reason why nothing can be reached; `locked` the number of
times that a lock is held; `log` a file that every command line is added to.

As apt, `update` succeeds when an index could not be fetched, unless it is told
that this is an error, and keeps the indexes that it has.
"""

import json
import os
import shutil
import sys


def options(argv):
    """Return ({option: value}, other words)."""
    values, words = {}, []
    argv = iter(argv)
    for word in argv:
        if word == '-o':
            key, _, value = next(argv).partition('=')
            values[key] = value
        elif word == '--format':
            next(argv)
        elif not word.startswith('-'):
            words.append(word)
    return values, words


def stanzas(path):
    """Yield (URI, suite, keyring) of a deb822 list."""
    with open(path, encoding='utf-8') as file:
        for text in file.read().split('\n\n'):
            fields = dict(line.split(': ', 1) for line in text.splitlines())
            for suite in fields['Suites'].split():
                yield (fields['URIs'], suite,
                       os.path.basename(fields.get('Signed-By', 'any')))


def refused(config, archive, suite, keyring, values):
    """Return why an index is not taken, '' if it is."""
    if config.get('offline'):
        return config['offline']
    if suite not in archive.get('suites', {}):
        return '404  Not Found'
    if keyring not in ('any', *archive['keyring']):
        return 'The repository is not signed.'
    if archive['suites'][suite].get('expired') and values.get(
            'Acquire::Check-Valid-Until') != 'false':
        return 'Release file is expired'
    return ''


def update(config, values):
    """Fetch the indexes; return the status."""
    errors = 0
    have = load(values)
    for uri, suite, keyring in stanzas(values['Dir::Etc::sourcelist']):
        archive = config['archives'].get(uri, {})
        why = refused(config, archive, suite, keyring, values)
        if why:
            errors += 1
            print(f'W: Failed to fetch {uri}/dists/{suite}/InRelease  {why}',
                  file=sys.stderr)
        else:
            have[f'{uri} {suite}'] = dict(archive['suites'][suite],
                                          origin=archive['origin'])
    with open(values['Dir::State::lists'] + '/fake', 'w',
              encoding='utf-8') as file:
        json.dump(have, file)
    return 100 if errors and \
        values.get('APT::Update::Error-Mode') == 'any' else 0


def load(values):
    """Return the indexes that were fetched."""
    try:
        with open(values['Dir::State::lists'] + '/fake',
                  encoding='utf-8') as file:
            return json.load(file)
    except OSError:
        return {}


def indexes(values):
    """Yield (suite, index) of what is in the list and was fetched."""
    have = load(values)
    for uri, suite, _ in stanzas(values['Dir::Etc::sourcelist']):
        if f'{uri} {suite}' in have:
            yield suite, have[f'{uri} {suite}']


def bring(values, names):
    """Put the files of packages into the current folder."""
    for name in names:
        for _, index in indexes(values):
            paths = index['packages'].get(name.partition('=')[0])
            if paths:
                for path in [paths] if isinstance(paths, str) else paths:
                    shutil.copy(path, '.')
                break
        else:
            print(f'E: Unable to locate package {name}', file=sys.stderr)
            return 100
    return 0


def locked(config):
    """Complain of a lock, as often as the configuration says."""
    count = config['log'] + '.locks'
    with open(count, 'a+', encoding='utf-8') as file:
        file.write('.')
        file.seek(0)
        if len(file.read()) > config.get('locked', 0):
            return False
    print('E: Could not get lock /var/lib/apt/lists/lock. It is held by '
          'process 77 (packagekitd)', file=sys.stderr)
    return True


def main(argv):
    """Do what apt would do."""
    with open(os.environ['FAKE_APT'], encoding='utf-8') as file:
        config = json.load(file)
    with open(config['log'], 'a', encoding='utf-8') as file:
        file.write(' '.join(argv) + '\n')
    values, words = options(argv[1:])
    verb = words[0]
    if 'Dir::Etc::sourcelist' not in values:    # the machine's own
        if verb in ('update', 'install') and locked(config):
            return 100
        if verb == 'update' and config.get('offline'):
            print(f'W: Failed to fetch a list  {config["offline"]}',
                  file=sys.stderr)
            return 100 if 'APT::Update::Error-Mode' in values else 0
        if verb == 'install' and config.get('installed'):
            with open(config['installed'], 'a', encoding='utf-8') as file:
                file.writelines(f'{word}\n' for word in words[1:])
        return 0
    if verb == 'update':
        return update(config, values)
    if verb == 'indextargets':
        for suite, index in indexes(values):
            print(f'{suite}|{index["origin"]}')
    elif verb in ('pkgnames', 'search'):
        for _, index in indexes(values):
            for name in index['packages']:
                print(name if verb == 'pkgnames' else f'{name} - a package')
    elif verb in ('download', 'source'):
        return bring(values, words[1:])
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
