# SPDX-License-Identifier: GPL-2.0-or-later
"""The applied tree: a git repository, base first, then a commit per patch."""

import hashlib
import json
import os
import re
import subprocess
import tempfile

from . import manifest as mf
from .manifest import SeriesError

PLACEHOLDER = ('qemu-vpasid series', 'series@qemu-vpasid.invalid')
TRAILER = 'Patch-name'
SHOWN = 5                   # commits that a message lists
BRANCH = 'vpasid'           # of the applied tree
ROUND_TRIP = 'check-round-trip'     # the branch of a check
# What git has in its directory while something is not finished.
UNFINISHED = {'rebase-merge': 'rebase', 'rebase-apply/applying': 'am',
              'rebase-apply': 'rebase', 'MERGE_HEAD': 'merge',
              'CHERRY_PICK_HEAD': 'cherry-pick', 'REVERT_HEAD': 'revert',
              'sequencer': 'cherry-pick', 'BISECT_LOG': 'bisect'}
# By which git takes another repository, or another part of one, for its own.
FOREIGN = ('GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_COMMON_DIR',
           'GIT_OBJECT_DIRECTORY', 'GIT_ALTERNATE_OBJECT_DIRECTORIES',
           'GIT_NAMESPACE')
# Every option that decides what a stored hook looks like.
DIFF = ('diff', '--no-color', '--no-ext-diff', '--no-textconv', '--no-renames',
        '--diff-algorithm=myers', '--indent-heuristic', '--full-index',
        '--src-prefix=a/', '--dst-prefix=b/')


def run_git(*arguments, cwd=mf.TOP, check=True, stdin=None, env=None,
            private=True):
    """Run git and return its standard output.

    With `private`, the configuration of the user and the system is not read.
    """
    full = dict(os.environ, LC_ALL='C', TZ='UTC')
    for name in FOREIGN:
        full.pop(name, None)
    if private:
        full.update(GIT_CONFIG_GLOBAL='/dev/null', GIT_CONFIG_NOSYSTEM='1')
    full.update(env or {})
    done = subprocess.run(
        ['git', '-c', 'safe.directory=*', '-c', 'core.quotePath=false',
         '-c', 'core.autocrlf=false', '-c', 'gc.auto=0', '-C', cwd,
         *arguments],
        input=stdin if isinstance(stdin, bytes) else (stdin or '').encode(),
        capture_output=True, env=full, check=False)
    if check and done.returncode:
        raise SeriesError(f'git {arguments[0]} in {os.path.relpath(cwd)}: '
                          + done.stderr.decode(errors='replace').strip())
    return done.stdout.decode(errors='surrogateescape')


def identity():
    """Return (name, email) of the user's git configuration, else None."""
    found = tuple(run_git('config', key, check=False, private=False).strip()
                  for key in ('user.name', 'user.email'))
    return found if all(found) else None


class Repository:
    """A git repository at a path."""

    def __init__(self, path):
        self.path = path

    def git(self, *arguments, **options):
        """Run git there; see run_git().

        Where .git is damaged, git would go on with the repository around it,
        which is the one that the clone is.
        """
        env = dict(options.pop('env', None) or {},
                   GIT_CEILING_DIRECTORIES=os.path.dirname(self.path))
        return run_git(*arguments, cwd=self.path, env=env, **options)

    def exists(self):
        """Tell whether the repository is there."""
        return os.path.isdir(os.path.join(self.path, '.git'))

    def rev(self, name):
        """Return the object id of a revision, '' when there is none."""
        return self.git('rev-parse', '-q', '--verify', name,
                        check=False).strip()

    def commit_tree(self, tree, parents, message, who=None, date=None):
        """Write a commit object and return its id."""
        name, email = who or PLACEHOLDER
        env = {f'GIT_{role}_{part}': value for role in ('AUTHOR', 'COMMITTER')
               for part, value in (('NAME', name), ('EMAIL', email))}
        if date:
            env.update(GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
        arguments = [word for parent in parents for word in ('-p', parent)]
        return self.git('commit-tree', tree, *arguments, stdin=message,
                        env=env).strip()

    def commit_index(self, message):
        """Make the index the first commit of the current branch."""
        commit = self.commit_tree(self.git('write-tree').strip(), [],
                                  message + '\n', date='@0 +0000')
        self.git('reset', '-q', '--hard', commit)

    def commits(self):
        """Return the commits from the base on, oldest first."""
        if self.git('rev-list', '--merges', 'base..HEAD').strip():
            raise SeriesError(
                f'{os.path.relpath(self.path)} has merges after the base.\n'
                'What you can do: make it linear, `git rebase base` there')
        if self.git('merge-base', 'base', 'HEAD').strip() != self.rev(
                'base^{commit}'):
            raise SeriesError(
                f'HEAD of {os.path.relpath(self.path)} does not contain the '
                'base.\nWhat you can do: `git checkout vpasid` there')
        return self.git('rev-list', '--reverse', 'base..HEAD').split()

    def uncommitted(self):
        """Return what is in no commit, as git status says it."""
        return self.git('status', '--porcelain').rstrip()

    def unfinished(self):
        """Return what git is in the middle of, such as rebase, else ''."""
        for name, what in UNFINISHED.items():
            if os.path.exists(os.path.join(self.path, '.git', name)):
                return what
        return ''

    def refuse_unfinished(self):
        """Raise while git is in the middle of something."""
        what = self.unfinished()
        if what:
            where = os.path.relpath(self.path)
            ways = ['reset'] if what == 'bisect' else ['--continue', '--abort']
            raise SeriesError(
                f'{where} is in the middle of a git {what}.\nWhat you can '
                'do: end it there first, by '
                + ' or '.join(f'`git {what} {way}`' for way in ways))

    def snapshot(self):
        """Commit all that is in no commit, beside every branch.

        Returns the commit: HEAD when there is nothing.  Neither the index nor
        a file is changed.
        """
        if not self.uncommitted():
            return self.rev('HEAD')
        with tempfile.TemporaryDirectory() as scratch:
            env = {'GIT_INDEX_FILE': os.path.join(scratch, 'index')}
            self.git('read-tree', 'HEAD', env=env)
            self.git('add', '-A', env=env)
            return self.commit_tree(
                self.git('write-tree', env=env).strip(), [self.rev('HEAD')],
                'What was in no commit\n', identity())

    def new_branch(self, name, commit):
        """Make a branch at a commit; return its name, which is a new one."""
        free, number = name, 2
        while self.rev(f'refs/heads/{free}'):
            free, number = f'{name}-{number}', number + 1
        self.git('branch', free, commit)
        return free

    def keep(self, name, known):
        """Make branches of what a reset to other commits would lose.

        Returns their names.  `known` are commits that nobody has to keep.
        """
        tips = [self.snapshot()]
        branch = self.rev(f'refs/heads/{BRANCH}')
        if branch and self.git('rev-list', '-n', '1', branch, f'^{tips[0]}'):
            tips.append(branch)
        return [self.new_branch(name, tip) for tip in tips if tip not in known]


def build_commits(repo, manifest, who=None, trailers=True, date=None):
    """Write the series as commits on the base; return their ids in order.

    Needs no working tree and changes none.
    """
    parent, result = repo.rev('base^{commit}'), []
    with tempfile.TemporaryDirectory() as scratch:
        env = {'GIT_INDEX_FILE': os.path.join(scratch, 'index')}
        repo.git('read-tree', parent, env=env)
        for patch in manifest.patches:
            stage(repo, manifest, patch, env)
            message = patch.message()
            if trailers:
                message += f'\n{TRAILER}: {patch.name}\n'
            tree = repo.git('write-tree', env=env).strip()
            parent = repo.commit_tree(tree, [parent], message, who, date)
            result.append(parent)
    return result


def stage(repo, manifest, patch, env):
    """Add the hook and the new files of a patch to an index."""
    hook = manifest.hook(patch)
    if os.path.exists(hook):
        try:
            repo.git('apply', '--cached', '--whitespace=nowarn', hook,
                     env=env)
        except SeriesError as error:
            raise SeriesError(
                f'the hook {os.path.relpath(hook)} does not apply:\n{error}\n'
                'What you can do: mend its context lines or numbers against '
                'this base; if it was edited by hand, `git checkout` it and '
                'change the commit in the applied tree instead') from None
    elif not patch.files:
        raise SeriesError(
            f'patch {patch.name} has neither {os.path.relpath(hook)} nor '
            'files.\nWhat you can do: restore the file, or drop the entry')
    lines = []
    for name in patch.files:
        path = os.path.join(mf.TOP, name)
        if not os.path.isfile(path):
            raise SeriesError(
                f'{name} of patch {patch.name} is not there.\n'
                'What you can do: restore it, or take it out of `files`')
        blob = repo.git('hash-object', '-w', '--no-filters', path).strip()
        mode = '100755' if os.access(path, os.X_OK) else '100644'
        lines.append(f'{mode} {blob}\t{name}\n')
    repo.git('update-index', '--index-info', stdin=''.join(lines), env=env)


def state(manifest):
    """Return a digest of everything of the series that a tree is made of."""
    digest = hashlib.sha256()

    def add(path):
        try:
            with open(path, 'rb') as file:
                data = file.read()
        except OSError:
            data = b'absent'
        digest.update(b'%d %d ' % (os.access(path, os.X_OK), len(data)))
        digest.update(data)

    for patch in manifest.patches:
        digest.update(json.dumps([patch.name, patch.message(),
                                  patch.files]).encode())
        add(manifest.hook(patch))
        for name in patch.files:
            add(os.path.join(mf.TOP, name))
    return digest.hexdigest()


def read_stamp(base):
    """Return {'head', 'state'} of the last apply or refresh, maybe empty."""
    try:
        with open(os.path.join(mf.build_dir(base), 'applied.json'),
                  encoding='utf-8') as file:
            return dict(json.load(file))
    except (OSError, ValueError, TypeError):
        return {}


def forget_stamp(base):
    """Forget the last apply, since the tree is a new one."""
    path = os.path.join(mf.build_dir(base), 'applied.json')
    if os.path.exists(path):
        os.remove(path)


def write_stamp(manifest, head):
    """Remember that the tree at `head` and the files agree."""
    with open(os.path.join(mf.build_dir(manifest.name), 'applied.json'), 'w',
              encoding='utf-8') as file:
        json.dump({'head': head, 'state': state(manifest)}, file)


def opened(base):
    """Return the repository of the applied tree; raise if there is none."""
    repo = Repository(mf.tree_dir(base))
    if not repo.exists():
        raise SeriesError(f'there is no applied tree {repo.path}.\n'
                          'What you can do: `make tree`')
    return repo


def title(base):
    """Return how the pinned source package of a base is called."""
    return f'QEMU {base["version"]} (Debian {base["debian"]})'


def unpacked(base):
    """Return what the applied tree has as its base, in the same words."""
    repo = Repository(mf.tree_dir(base))
    return repo.git('log', '-1', '--format=%s', 'base').strip().removeprefix(
        'base: ')


def known_head(repo, stamp):
    """Return the commit of the last apply or refresh."""
    return stamp.get('head', repo.rev('base^{commit}'))


def own_work(repo, stamp):
    """Return what the tree has since the last apply or refresh, as lines."""
    known, lines = known_head(repo, stamp), []
    if repo.unfinished():
        lines.append(f'a git {repo.unfinished()} that is not finished')
    if repo.uncommitted():
        lines.append('changes that are in no commit:\n' + repo.uncommitted())
    tips = {repo.rev(f'refs/heads/{BRANCH}'): BRANCH, repo.rev('HEAD'): 'HEAD'}
    for tip, name in tips.items():
        if tip not in ('', known):
            new = repo.git('log', '--format=  %h %s',
                           f'{known}..{tip}').splitlines()
            more = [f'  and {len(new) - SHOWN} more'] * (len(new) > SHOWN)
            lines.append(f'{len(new)} commits in {name}:\n'
                         + '\n'.join(new[:SHOWN] + more) if new
                         else f'fewer commits in {name}')
    return lines


def foreign_tree(base):
    """Return what is in the place of the tree and is not ours, as lines.

    A tree of ours is put there whole, with its repository.
    """
    path = mf.tree_dir(base)
    if Repository(path).exists() or not os.path.lexists(path) or (
            os.path.isdir(path) and not os.listdir(path)):
        return []
    return ['files without a repository of its own']


def unsaved(base):
    """Return what would be lost with the tree, as lines."""
    repo = Repository(mf.tree_dir(base))
    if not repo.exists():
        return foreign_tree(base) if base in mf.bases() else []
    stamp = read_stamp(base)
    lines = own_work(repo, stamp)
    for name in repo.git('for-each-ref', '--format=%(refname)', 'refs/heads',
                         'refs/tags').split():
        if name in (f'refs/heads/{BRANCH}', f'refs/heads/{ROUND_TRIP}',
                    'refs/tags/base'):
            continue
        count = repo.git('rev-list', '--count', name, '^HEAD',
                         '^' + known_head(repo, stamp)).strip()
        if count != '0':
            lines.append(f'{count} commits in {name.split("/", 2)[2]}')
    lines += worktrees(repo, '^' + known_head(repo, stamp))
    stashes = repo.git('stash', 'list').splitlines()
    return lines + [f'a stash: {line}' for line in stashes]


def worktrees(repo, *known):
    """Return the commits that only the HEAD of another worktree has."""
    lines, path = [], ''
    for line in repo.git('worktree', 'list', '--porcelain').splitlines():
        word, _, value = line.partition(' ')
        if word == 'worktree':
            path = value
        elif word == 'HEAD' and set(value) != {'0'}:
            count = repo.git('rev-list', '--count', value, '--not', 'HEAD',
                             '--branches', '--tags', *known).strip()
            if count != '0':
                lines.append(f'{count} commits in the worktree {path}')
    return lines


def refuse_unsaved(base, why='', way_out=''):
    """Raise if removing the tree would lose work; return no lines."""
    lines = unsaved(base)
    if lines:
        where = os.path.relpath(mf.tree_dir(base))
        raise SeriesError(
            f'{why or f"{where} has work that would be lost."} There are '
            + '; '.join(lines) + '\nWhat you can do: '
            + (way_out or f'`make refresh` for what is in {BRANCH}; keep the '
               f'rest elsewhere (git -C {where} bundle create FILE --all); '
               'or say FORCE=1'))
    return []


def refuse_any_unsaved(force):
    """Raise if removing the trees of all bases would lose work."""
    if not force and os.path.isdir(mf.BUILD):
        for base in sorted(os.listdir(mf.BUILD)):
            refuse_unsaved(base)
    return []


def apply(base, force=False):
    """Bring the applied tree to what the files say; return a short text."""
    manifest, repo = mf.load(base), opened(base)
    stamp = read_stamp(base)
    where = os.path.relpath(repo.path)
    if not force and stamp.get('state') == state(manifest):
        return f'{where} is up to date'
    repo.refuse_unfinished()
    own = own_work(repo, stamp)
    if own and not force:
        raise SeriesError(
            f'{where} has changes of its own, and the files of the series '
            f'changed too since the tree was made. There are '
            + '; '.join(own) + '\nWhat you can do: keep the '
            'tree (commit there, `make refresh FORCE=1`, which overwrites '
            'the files), or keep the files (`make tree FORCE=1`; commits and '
            'changes of the tree stay in a branch `before-apply`)')
    return reset_to(repo, manifest, 'before-apply', [known_head(repo, stamp)])


def reset_to(repo, manifest, branch, known):
    """Make the tree's branch the series of the manifest.

    What is neither in it nor in one of the commits `known` is kept in a new
    branch.
    """
    commits = build_commits(repo, manifest, identity(), date='@0 +0000')
    head = commits[-1] if commits else repo.rev('base^{commit}')
    dirty = repo.uncommitted()
    kept = repo.keep(branch, known)
    repo.git('checkout', '-q', '-f', '-B', BRANCH, head)
    if dirty:   # it is in the branch
        repo.git('clean', '-fdq')
    write_stamp(manifest, head)
    return (f'{len(commits)} patches on {unpacked(manifest.name)} in '
            f'{os.path.relpath(repo.path)}' + ''.join(
                f'\nwhat was there before is in its branch {name}'
                for name in kept))


def split_message(message):
    """Return (subject, reason, patch name or '') of a commit message."""
    names = re.findall(rf'^{TRAILER}: *(\S+)$', message, re.MULTILINE)
    message = re.sub(rf'^{TRAILER}:.*\n?', '', message, flags=re.MULTILINE)
    subject, _, reason = message.strip('\n').partition('\n')
    reason = '\n'.join(line.rstrip() for line in reason.split('\n'))
    return subject.strip(), reason.strip('\n'), names[0] if names else ''


def hook_text(repo, commit, paths):
    """Return the stored form of the changes to QEMU's files in a commit.

    One line of context, no index line, nothing after a hunk's numbers.
    """
    if not paths:
        return ''
    text = repo.git(*DIFF, '-U1', f'{commit}^', commit, '--', *paths)
    text = re.sub(r'^index [0-9a-f.]+( [0-7]+)?\n', '', text,
                  flags=re.MULTILINE)
    return re.sub(r'^(@@ -[0-9,]+ \+[0-9,]+ @@).*$', r'\1', text,
                  flags=re.MULTILINE)


def changes(repo, commit):
    """Yield (status, mode, path) of what a commit changes."""
    raw = repo.git('diff-tree', '-r', '-z', '--no-renames', '--no-commit-id',
                   commit).split('\0')
    for meta, path in zip(raw[0::2], raw[1::2]):
        _, mode, _, _, status = meta.split(' ')
        yield status, mode, path
