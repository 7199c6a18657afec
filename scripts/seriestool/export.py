# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the series for others: `git am` with cover letter, and quilt."""

import os
import shutil
import time

from . import manifest as mf
from . import tree
from .manifest import SeriesError

REF = 'refs/series/export'
COVER = 'cover.md'


def date(manifest):
    """Return the date of exported patches, in seconds since 1970.

    $SOURCE_DATE_EPOCH, else that of the newest commit of this repository, else
    that of the manifest: the same series is written with the same bytes.
    """
    given = os.environ.get('SOURCE_DATE_EPOCH') or tree.run_git(
        'log', '-1', '--format=%ct', check=False).strip()
    if not given:
        path = os.path.join(mf.series_dir(manifest.name), 'series.toml')
        given = str(int(os.path.getmtime(path)))
    if not given.isdigit():
        raise SeriesError(
            f'SOURCE_DATE_EPOCH={given} is not a number of seconds.\n'
            'What you can do: unset it, or set it: date +%s')
    return int(given)


def export_commits(manifest, repo):
    """Write clean commits, no trailers; return their ids in order."""
    commits = tree.build_commits(repo, manifest, manifest.author(),
                                 trailers=False,
                                 date=f'@{date(manifest)} +0000')
    if not commits:
        raise SeriesError(f'series/{manifest.name} has no patch yet')
    repo.git('update-ref', REF, commits[-1])
    return commits


def fresh(folder):
    """Return an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def cover_text(manifest):
    """Return (subject, body) of the cover letter.

    The first line and the rest of series/BASE/cover.md, then how each patch
    relates to upstream.
    """
    path = os.path.join(mf.series_dir(manifest.name), COVER)
    try:
        with open(path, encoding='utf-8') as file:
            text = file.read()
    except OSError:
        raise SeriesError(f'{os.path.relpath(path)} is not there.\nWhat you '
                          'can do: write it; its first line is the subject '
                          'of the cover letter') from None
    subject, _, body = text.strip().partition('\n')
    lines = [body.strip(), '', 'Relation to upstream, patch by patch:', '']
    for number, patch in enumerate(manifest.patches, 1):
        lines += [f'{number:3}. {patch.subject}',
                  f'     {patch.upstream or "(to be said)"}']
    return subject.strip('# '), '\n'.join(lines)


def format_patch(manifest, repo, folder, cover=None):
    """Run git format-patch on the exported commits into a folder."""
    # The cover letter is from the same author as the patches, and as old.
    name, email = manifest.author()
    env = {'GIT_COMMITTER_NAME': name, 'GIT_COMMITTER_EMAIL': email,
           'GIT_COMMITTER_DATE': repo.git('log', '-1', '--format=%cI',
                                          REF).strip()}
    options = ['--cover-letter'] if cover else []
    repo.git('format-patch', '-q', '-U1', '--zero-commit', '--no-signature',
             '--no-renames', '--diff-algorithm=myers', *options,
             '-o', folder, f'base..{REF}', env=env)
    names = sorted(name for name in os.listdir(folder)
                   if name.endswith('.patch'))
    if cover:
        letter = os.path.join(folder, names[0])
        with open(letter, encoding='utf-8') as file:
            text = file.read()
        text = text.replace('*** SUBJECT HERE ***', cover[0]).replace(
            '*** BLURB HERE ***', cover[1])
        with open(letter, 'w', encoding='utf-8') as file:
            file.write(text)
        names = names[1:]
    return [os.path.join(folder, name) for name in names]


def refuse_left_out(repo, base):
    """Raise if the tree has work that the files, and so the export, lack."""
    work = tree.own_work(repo, tree.read_stamp(base))
    if work:
        raise SeriesError(
            f'{os.path.relpath(repo.path)} has work that would be left out. '
            'There are ' + '; '.join(work) + '\nWhat you can do: commit it '
            'there and `make refresh`; or export what the files of the series '
            'say, after `make tree FORCE=1`, which keeps this in a branch')


def series(base):
    """Write build/BASE/series; return lines to print."""
    manifest, repo = mf.load(base), tree.opened(base)
    refuse_left_out(repo, base)
    cover = cover_text(manifest)
    export_commits(manifest, repo)
    folder = fresh(os.path.join(mf.build_dir(base), 'series'))
    names = format_patch(manifest, repo, folder, cover)
    return [f'{len(names)} patches and a cover letter in '
            f'{os.path.relpath(folder)}; on a pristine QEMU '
            f'{manifest.base["version"]}: git am --empty=drop '
            f'{os.path.relpath(folder)}/*.patch']


def dep3(patch, manifest):
    """Return the DEP-3 header of a patch."""
    lines = [f'Description: {patch.subject}']
    lines += [f' {line}' if line.strip() else ' .'
              for line in patch.reason.split('\n') if patch.reason]
    day = time.strftime('%Y-%m-%d', time.gmtime(date(manifest)))
    lines += [f'Author: {manifest.series["author"]}',
              f'Origin: other, qemu-vpasid {manifest.series["version"]} '
              f'for QEMU {manifest.name}',
              'Forwarded: no',
              f'X-Group: {patch.group}',
              f'Last-Update: {day}',
              'X-Relation-To-Upstream: ' + ' '.join(patch.upstream.split()),
              'X-On-QEMU-11: ' + ' '.join(patch.qemu11.split())]
    return '\n'.join(lines) + '\n---\n'


def write_quilt(manifest, repo, commits, folder):
    """Write a quilt series of exported commits into a folder."""
    parent = repo.rev('base^{commit}')
    for patch, commit in zip(manifest.patches, commits):
        text = dep3(patch, manifest) + repo.git(
            *tree.DIFF, '-U1', '--no-full-index', parent, commit)
        with open(os.path.join(folder, f'{patch.name}.patch'), 'w',
                  encoding='utf-8', errors='surrogateescape') as file:
            file.write(text)
        parent = commit
    with open(os.path.join(folder, 'series'), 'w', encoding='utf-8') as file:
        group = None
        for patch in manifest.patches:
            if patch.group != group:
                group = patch.group
                file.write(f'# {group}\n')
            file.write(f'{patch.name}.patch\n')


def deb_patches(base):
    """Write build/BASE/deb-patches; return lines to print."""
    manifest, repo = mf.load(base), tree.opened(base)
    refuse_left_out(repo, base)
    commits = export_commits(manifest, repo)
    folder = fresh(os.path.join(mf.build_dir(base), 'deb-patches'))
    write_quilt(manifest, repo, commits, folder)
    return [f'{len(commits)} patches in {os.path.relpath(folder)}: add them '
            'to debian/patches, and its series file to the end of the one '
            'there']
