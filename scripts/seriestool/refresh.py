# SPDX-License-Identifier: GPL-2.0-or-later
"""Turn the commits of the applied tree back into files, hooks, manifest."""

import os

from . import manifest as mf
from . import tree
from .manifest import SeriesError

BEGIN = '<!-- series-table begin -->'
END = '<!-- series-table end -->'


class Collected:
    """What the commits of the tree say, before anything is written."""

    def __init__(self, repo, manifest):
        self.repo, self.old = repo, manifest
        self.patches = []
        self.hooks = {}         # patch name -> text
        self.modes = {}         # new file -> mode
        self.owner = {}         # new file -> commit that adds it
        commits = repo.commits()
        # A commit without a name must not get one that another one has.
        self.named = {tree.split_message(self.message(commit))[2]
                      for commit in commits}
        for commit in commits:
            self.add(commit)

    def title(self, commit):
        """Return a commit as people name it."""
        return self.repo.git('log', '-1', '--format=%h "%s"', commit).strip()

    def message(self, commit):
        """Return the whole message of a commit."""
        return self.repo.git('log', '-1', '--format=%B', commit)

    def add(self, commit):
        """Collect one commit."""
        subject, reason, name = tree.split_message(self.message(commit))
        known = {patch.name: patch for patch in self.old.patches}
        used = {patch.name for patch in self.patches}
        if name in used or not name:
            name = next((patch.name for patch in self.old.patches
                         if patch.subject == subject
                         and patch.name not in used | self.named),
                        mf.slug(subject, used | self.named))
        old = known.get(name, mf.Patch(name, subject, reason))
        # A new one is of the group that it was put into.
        group = old.group or (self.patches[-1].group if self.patches else '')
        patch = mf.Patch(name, subject, reason, old.upstream, old.qemu11,
                         group, old.needs)
        hooks = []
        for status, mode, path in tree.changes(self.repo, commit):
            if self.repo.rev(f'base:{path}'):
                hooks.append(path)
            else:
                self.add_file(patch, commit, status, mode, path)
        self.hooks[name] = tree.hook_text(self.repo, commit, hooks)
        if '\nGIT binary patch' in self.hooks[name] or \
                '\nBinary files' in self.hooks[name]:
            raise SeriesError(f'commit {self.title(commit)} changes a binary '
                              'file of QEMU; the series carries only text')
        if not hooks and not patch.files:
            raise SeriesError(f'commit {self.title(commit)} is empty.\nWhat '
                              'you can do: drop it, `git rebase -i base`')
        self.patches.append(patch)

    def add_file(self, patch, commit, status, mode, path):
        """Collect the change of one file that is not QEMU's."""
        if path in self.owner:
            raise SeriesError(
                f'commit {self.title(commit)} changes {path}, which commit '
                f'{self.title(self.owner[path])} adds; a new file belongs to '
                'one commit.\nWhat you can do: squash that change into it: '
                f'`git commit --fixup={self.owner[path][:12]}` and '
                '`git rebase -i --autosquash base` in '
                f'{os.path.relpath(self.repo.path)}')
        if path.split('/')[0] not in mf.ROOMS:
            raise SeriesError(
                f'commit {self.title(commit)} adds {path}; new files live '
                f'below {", ".join(mf.ROOMS)}.\nWhat you can do: move it')
        if status != 'A' or mode not in ('100644', '100755'):
            raise SeriesError(f'commit {self.title(commit)}: {path} is not '
                              f'a plain new file (status {status}, mode '
                              f'{mode}).\nWhat you can do: make it one')
        data = self.content(path, commit)
        if b'\0' in data:
            raise SeriesError(f'commit {self.title(commit)} adds {path}, '
                              'which is binary; the series carries only text')
        self.owner[path], self.modes[path] = commit, mode
        patch.files.append(path)

    def content(self, path, commit=None):
        """Return the bytes of a new file."""
        return self.repo.git('cat-file', 'blob',
                             f'{commit or self.owner[path]}:{path}').encode(
                                 errors='surrogateescape')

    def manifest(self):
        """Return the manifest that the commits make."""
        return mf.Manifest(self.old.name, self.old.series, self.old.base,
                           self.patches)


def write(path, data, mode='100644'):
    """Write a file only when its bytes or mode change."""
    executable = mode == '100755'
    try:
        with open(path, 'rb') as file:
            same = file.read() == data
        same = same and os.access(path, os.X_OK) == executable
    except OSError:
        same = False
    if same:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    new = f'{path}.new-{os.getpid()}'   # a full disk leaves the old one whole
    try:
        with open(new, 'wb') as file:
            file.write(data)
        os.chmod(new, 0o755 if executable else 0o644)
        os.replace(new, path)
    except OSError as error:    # that of a write names no file
        error.filename = path
        raise
    finally:
        if os.path.exists(new):
            os.remove(new)


def remove(path):
    """Remove a file, and the folders that it leaves empty."""
    if os.path.exists(path):
        os.remove(path)
        try:
            os.removedirs(os.path.dirname(path))
        except OSError:
            pass


def readme_with_table(manifest):
    """Return (text of README.md, text with the table of the manifest).

    (None, None) when there is no README or no place for a table in it.
    """
    try:
        with open(os.path.join(mf.TOP, 'README.md'), encoding='utf-8') as file:
            text = file.read()
    except OSError:
        return None, None
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        return None, None
    return text, f'{head}{BEGIN}\n{mf.table(manifest)}{END}{tail}'


def maintainers(repo):
    """Return the section that the series adds to QEMU's MAINTAINERS."""
    lines = repo.git('diff', '-U0', 'base', 'HEAD', '--', 'MAINTAINERS')
    return ''.join(line[1:] + '\n' for line in lines.split('\n')
                   if line.startswith('+') and not line.startswith('+++')
                   ).strip() + '\n'


def write_out(collected):
    """Write files, hooks, manifest and table; drop what is no longer there."""
    old, new = collected.old, collected.manifest()
    for name in set(old.files()) - set(new.files()):
        remove(os.path.join(mf.TOP, name))
    for name, mode in collected.modes.items():
        write(os.path.join(mf.TOP, name), collected.content(name), mode)
    for patch in old.patches:
        if not collected.hooks.get(patch.name):
            remove(old.hook(patch))
    for patch in new.patches:
        if collected.hooks[patch.name]:
            write(new.hook(patch), collected.hooks[patch.name].encode(
                errors='surrogateescape'))
    write(os.path.join(mf.series_dir(new.name), 'series.toml'),
          mf.dump(new).encode())
    if new.name == mf.bases()[-1]:
        write(os.path.join(mf.TOP, 'MAINTAINERS'),
              maintainers(collected.repo).encode())
        text, with_table = readme_with_table(new)
        if text:
            write(os.path.join(mf.TOP, 'README.md'), with_table.encode())
    return new


def foreign(collected):
    """Return files that would be overwritten though no patch had them."""
    result = []
    for name in set(collected.modes) - set(collected.old.files()):
        path = os.path.join(mf.TOP, name)
        if os.path.exists(path):
            with open(path, 'rb') as file:
                if file.read() != collected.content(name):
                    result.append(name)
    return sorted(result)


def refuse_two_heads(repo, stamp):
    """Raise if the branch of the tree has work, and another is checked out.

    What was refreshed already is such work where what is checked out is no
    more than a part of it, looked at: its other patches would be dropped.
    """
    branch, head = repo.rev(f'refs/heads/{tree.BRANCH}'), repo.rev('HEAD')
    if branch not in ('', head) \
            and (branch != tree.known_head(repo, stamp)
                 or not repo.git('rev-list', '-n', '1', head, f'^{branch}')) \
            and repo.git('rev-list', '-n', '1', branch, '^HEAD'):
        where = os.path.relpath(repo.path)
        raise SeriesError(
            f'the branch {tree.BRANCH} of {where} has commits that what is '
            'checked out there does not have, and would be overwritten.\n'
            f'What you can do: `git checkout {tree.BRANCH}` there, or '
            f'`git branch -m {tree.BRANCH} NAME` to keep it beside')


def refresh(base, force=False):
    """Write the series from the applied tree; return lines to print."""
    manifest, repo = mf.load(base), tree.opened(base)
    where = os.path.relpath(repo.path)
    repo.refuse_unfinished()
    changed = repo.uncommitted()
    if changed:
        raise SeriesError(f'{where} has changes that are in no commit:\n'
                          f'{changed}\nWhat you can do: commit them there, '
                          'or `git stash -u`')
    stamp = tree.read_stamp(base)
    refuse_two_heads(repo, stamp)
    if not force and stamp and stamp['state'] != tree.state(manifest):
        raise SeriesError(
            'the files of the series changed since the tree was made from '
            'them, and would be overwritten.\nWhat you can do: see `git '
            'diff`; `make tree FORCE=1` keeps the files (the commits of the '
            'tree stay in the branch `before-apply`), `make refresh FORCE=1` '
            'keeps the tree')
    collected = Collected(repo, manifest)
    clash = foreign(collected)
    if clash and not force:
        raise SeriesError('not overwritten, since no patch had them before: '
                          + ', '.join(clash) + '\nWhat you can do: move them '
                          'away, or `make refresh FORCE=1`')
    known = [repo.rev('HEAD'), tree.known_head(repo, stamp)]
    try:
        new = write_out(collected)
    except OSError as error:
        raise SeriesError(
            f'{error.strerror}: {error.filename}; not every file of the '
            'series is written.\nWhat you can do: make that possible (is the '
            'disk full?), then `make refresh FORCE=1`') from None
    before = repo.rev('HEAD^{tree}')
    head = repo.rev('HEAD')
    lines = [tree.reset_to(repo, mf.load(base), 'before-refresh', known)]
    if repo.rev('HEAD^{tree}') != before:
        branch = repo.new_branch('before-refresh', head)
        raise SeriesError(
            'the files do not give the same tree again; your commits are in '
            f'the branch `{branch}` of {where}.\nWhat you can do: '
            f'compare, `git diff {branch}` there, and report it')
    for name in (patch.name for patch in new.patches
                 if patch.name not in {p.name for p in manifest.patches}):
        lines.append(f'new: {name}')
    for patch in manifest.patches:
        if patch.name not in collected.hooks:
            lines.append(f'dropped: {patch.name}')
    for key, what in (('upstream', 'how these relate to QEMU\'s own code'),
                      ('qemu11', 'what becomes of these on QEMU 11')):
        silent = [p.name for p in new.patches if not getattr(p, key)]
        if silent:
            lines.append(f'say in series/{base}/series.toml, `{key}`, {what}: '
                         + ', '.join(silent))
    for patch in new.patches:
        if not patch.reason:
            lines.append(f'{patch.name}: the commit message has no body; '
                         'say why the change is made')
    return lines
