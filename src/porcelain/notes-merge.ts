import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { isOid, type Oid } from '../base/oid.js';
import { mergeText } from '../merge/text.js';
import { parseCommit } from '../objects/commit.js';
import { readKind } from '../objects/database.js';
import { checkRefFormat } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { openAncestry } from '../repo/ancestry.js';
import { writeCommit } from './commit.js';
import { combineNotes, moveNotesRef, NotesEdit } from './notes-edit.js';
import { listWorktrees } from './worktree-list.js';

export const notesStrategies = ['manual', 'ours', 'theirs', 'union', 'cat_sort_uniq'] as const;
export type NotesStrategy = (typeof notesStrategies)[number];

export interface NotesMergeRequest {
  /** Full name of the ref that is merged into. */
  readonly local: string;
  readonly remote: string;
  readonly strategy: NotesStrategy;
  /** 2 by default; more tells more. */
  readonly verbosity: number;
  readonly say: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** The folder where conflicting notes wait to be settled. */
const conflictFolder = (repository: Repository): string => repository.path('NOTES_MERGE_WORKTREE');

/** Merges the notes of one ref into another. Answers whether nothing is left to be settled by hand. */
export async function mergeNotes(repository: Repository, request: NotesMergeRequest): Promise<boolean> {
  const merge = new NotesMerge(repository, request);
  return merge.run();
}

class NotesMerge {
  readonly #repository: Repository;
  readonly #request: NotesMergeRequest;
  readonly #conflicts: Oid[] = [];

  constructor(repository: Repository, request: NotesMergeRequest) {
    this.#repository = repository;
    this.#request = request;
  }

  #say(level: number, text: string): void {
    if (this.#request.verbosity >= level) this.#request.say(`${text}\n`);
  }

  async #commit(oid: Oid, what: 'local' | 'remote', name: string): Promise<Oid<'commit'>> {
    const commit = await peelTo(this.#repository, oid, 'commit');
    if (commit === undefined) throw new GitError('REF_INVALID', `Could not parse ${what} commit ${oid} (${name})`);
    return commit as Oid<'commit'>;
  }

  async run(): Promise<boolean> {
    const repository = this.#repository;
    const { local: localRef, remote: remoteRef } = this.#request;
    const message = `notes: Merged notes from ${remoteRef} into ${localRef}`;
    const localOid = await repository.refs.resolve(localRef);
    const remoteOid = await resolveRevision(repository, remoteRef, { quiet: true });
    const local = localOid === undefined ? undefined : await this.#commit(localOid, 'local', localRef);
    if (remoteOid === undefined && !checkRefFormat(remoteRef)) {
      throw new GitError('REF_MISSING', `Failed to resolve remote notes ref '${remoteRef}'`);
    }
    const remote = remoteOid === undefined ? undefined : await this.#commit(remoteOid, 'remote', remoteRef);
    if (local === undefined || remote === undefined) {
      const only = local ?? remote;
      if (only === undefined) {
        throw new GitError(
          'REF_MISSING',
          `Cannot merge empty notes ref (${remoteRef}) into empty notes ref (${localRef})`,
        );
      }
      await moveNotesRef(repository, localRef, only, message);
      return true;
    }
    const bases = await openAncestry(repository).mergeBases(local, [remote]);
    const base = bases[0];
    if (base === remote) {
      this.#say(2, 'Already up to date.');
      await moveNotesRef(repository, localRef, local, message);
      return true;
    }
    if (base === local) {
      this.#say(2, 'Fast-forward');
      await moveNotesRef(repository, localRef, remote, message);
      return true;
    }
    const notes = await this.#mergeTrees(base, local, remote);
    let text = message.slice('notes: '.length);
    if (this.#conflicts.length > 0) text += `\n\nConflicts:\n${this.#conflicts.map((oid) => `\t${oid}\n`).join('')}`;
    const made = await notes.commit(text, [local, remote]);
    if (this.#conflicts.length === 0) {
      await moveNotesRef(repository, localRef, made, message);
      return true;
    }
    await this.#leave(made, message);
    return false;
  }

  async #notesOf(commit: Oid<'commit'> | undefined): Promise<NotesEdit> {
    return NotesEdit.ofTree(
      this.#repository,
      commit === undefined ? undefined : await peelTo(this.#repository, commit, 'tree'),
    );
  }

  async #mergeTrees(
    baseCommit: Oid<'commit'> | undefined,
    localCommit: Oid<'commit'>,
    remoteCommit: Oid<'commit'>,
  ): Promise<NotesEdit> {
    const base = await this.#notesOf(baseCommit);
    const remote = await this.#notesOf(remoteCommit);
    const notes = await this.#notesOf(localCommit);
    const targets = new Set([...base.entries(), ...remote.entries()].map(([target]) => target));
    for (const target of [...targets].sort()) {
      const [before, theirs, ours] = [base.get(target), remote.get(target), notes.get(target)];
      if (theirs === before || theirs === ours) continue;
      if (ours === before) {
        if (theirs === undefined) notes.remove(target);
        else await notes.add(target, theirs, combineNotes['overwrite']!);
      } else await this.#settle(notes, target, before, ours, theirs);
    }
    return notes;
  }

  /** Both sides changed the note. */
  async #settle(
    notes: NotesEdit,
    target: Oid,
    before: Oid | undefined,
    ours: Oid | undefined,
    theirs: Oid | undefined,
  ): Promise<void> {
    const take = async (note: Oid | undefined, combine: string): Promise<void> => {
      if (note !== undefined) await notes.add(target, note, combineNotes[combine]!);
      else if (combine === 'overwrite') notes.remove(target);
    };
    switch (this.#request.strategy) {
      case 'ours':
        this.#say(2, `Using local notes for ${target}`);
        return;
      case 'theirs':
        this.#say(2, `Using remote notes for ${target}`);
        return take(theirs, 'overwrite');
      case 'union':
        this.#say(2, `Concatenating local and remote notes for ${target}`);
        return take(theirs, 'concatenate');
      case 'cat_sort_uniq':
        this.#say(2, `Concatenating unique lines in local and remote notes for ${target}`);
        return take(theirs, 'cat_sort_uniq');
      case 'manual':
        return this.#manual(notes, target, before, ours, theirs);
    }
  }

  async #manual(
    notes: NotesEdit,
    target: Oid,
    before: Oid | undefined,
    ours: Oid | undefined,
    theirs: Oid | undefined,
  ): Promise<void> {
    const repository = this.#repository;
    const { local, remote } = this.#request;
    if (this.#conflicts.length === 0) this.#prepareFolder();
    this.#conflicts.push(target);
    notes.remove(target);
    const read = async (oid: Oid | undefined): Promise<Uint8Array> =>
      oid === undefined ? new Uint8Array(0) : readKind(repository.objects, oid, 'blob');
    const file = `${conflictFolder(repository)}/${target}`;
    const { fs } = repository.platform;
    if (ours === undefined || theirs === undefined) {
      const [gone, kept] = ours === undefined ? [local, remote] : [remote, local];
      this.#say(
        1,
        `CONFLICT (delete/modify): Notes for object ${target} deleted in ${gone} and modified in ${kept}. Version from ${kept} left in tree.`,
      );
      fs.writeFile(file, await read(ours ?? theirs));
      return;
    }
    this.#say(2, `Auto-merging notes for ${target}`);
    const reason = before === undefined ? 'add/add' : 'content';
    this.#say(1, `CONFLICT (${reason}): Merge conflict in notes for object ${target}`);
    const merged = mergeText(await read(before), await read(ours), await read(theirs), {
      labels: { ours: local, theirs: remote },
    });
    fs.writeFile(file, merged.bytes);
  }

  #prepareFolder(): void {
    const repository = this.#repository;
    const { fs } = repository.platform;
    const folder = conflictFolder(repository);
    if ((fs.readDirectory(folder) ?? []).length > 0) {
      throw new GitError(
        'ABORTED',
        adviceOn(repository)
          ? "You have not concluded your previous notes merge (.git/NOTES_MERGE_* exists).\nPlease, use 'git notes merge --commit' or 'git notes merge --abort' to commit/abort the previous merge before you start a new notes merge."
          : 'You have not concluded your notes merge (.git/NOTES_MERGE_* exists).',
      );
    }
    fs.makeDirectory(folder, { recursive: true });
  }

  /** Conflicts are left for the user; the refs say what they belong to. */
  async #leave(partial: Oid<'commit'>, message: string): Promise<void> {
    const repository = this.#repository;
    const { local } = this.#request;
    const set = async (name: string, to: Oid | { symbolic: string }): Promise<void> => {
      const result = await repository.refs.update([{ name, to, noDeref: true, reason: message, noReflog: true }]);
      if (!result.ok) throw new GitError('REF_CHANGED', `failed to store link to current notes ref (${local})`);
    };
    await set('NOTES_MERGE_PARTIAL', partial);
    for (const worktree of listWorktrees(repository)) {
      const text = repository.platform.fs.readFile(`${worktree.gitDir}/NOTES_MERGE_REF`);
      if (text !== undefined && decodeText(text).trim() === `ref: ${local}`) {
        throw new GitError('ABORTED', `a notes merge into ${local} is already in-progress at ${worktree.path}`);
      }
    }
    await set('NOTES_MERGE_REF', { symbolic: local });
    this.#request.warn(
      `Automatic notes merge failed. Fix conflicts in ${shownFolder(repository)} and commit the result with 'git notes merge --commit', or abort the merge with 'git notes merge --abort'.\n`,
    );
  }
}

function adviceOn(repository: Repository): boolean {
  return repository.config.getBool('advice.resolveconflict', true);
}

/** As a path from where the user is, where that is the top. */
function shownFolder(repository: Repository): string {
  const folder = conflictFolder(repository);
  const { workTree } = repository;
  return workTree !== undefined && folder.startsWith(`${workTree}/`) ? folder.slice(workTree.length + 1) : folder;
}

/** `git notes merge --commit`: what was settled by hand goes into the merge that was begun. */
export async function commitNotesMerge(repository: Repository): Promise<void> {
  const { fs } = repository.platform;
  const partial = await repository.refs.resolve('NOTES_MERGE_PARTIAL');
  if (partial === undefined) throw new GitError('REF_MISSING', 'failed to read ref NOTES_MERGE_PARTIAL');
  const object = await repository.objects.read(partial);
  if (object?.kind !== 'commit') throw new GitError('REF_INVALID', 'could not find commit from NOTES_MERGE_PARTIAL.');
  const commit = parseCommit(object.data);
  const notes = await NotesEdit.ofTree(repository, commit.tree);
  const target = await repository.refs.readRaw('NOTES_MERGE_REF');
  if (target?.kind !== 'symbolic') throw new GitError('REF_MISSING', 'failed to resolve NOTES_MERGE_REF');
  const folder = conflictFolder(repository);
  for (const entry of fs.readDirectory(folder) ?? []) {
    if (!isOid(entry.name)) continue;
    const data = fs.readFile(`${folder}/${entry.name}`);
    if (data === undefined) continue;
    await notes.add(entry.name, await repository.objects.write('blob', data), combineNotes['overwrite']!);
  }
  const made = await writeCommit(repository, {
    tree: await notes.write(),
    parents: commit.parents,
    author: repository.identity('author'),
    committer: repository.identity('committer'),
    message: commit.message,
  });
  const subject = commit.message.replace(/^\n+/, '').split('\n', 1)[0]!;
  const result = await repository.refs.update([
    { name: target.target, to: made, expect: commit.parents[0] ?? 'absent', reason: `notes: ${subject}` },
  ]);
  if (!result.ok) throw new GitError('REF_CHANGED', result.message);
  await abortNotesMerge(repository);
}

/** Forgets a merge that was begun. */
export async function abortNotesMerge(repository: Repository): Promise<void> {
  for (const name of ['NOTES_MERGE_PARTIAL', 'NOTES_MERGE_REF']) {
    if ((await repository.refs.readRaw(name)) === undefined) continue;
    const result = await repository.refs.update([{ name, to: 'deleted', noDeref: true, noReflog: true }]);
    if (!result.ok) throw new GitError('REF_CHANGED', `failed to delete ref ${name}`);
  }
  const { fs } = repository.platform;
  const folder = conflictFolder(repository);
  for (const entry of fs.readDirectory(folder) ?? []) fs.removeRecursive(`${folder}/${entry.name}`);
}
