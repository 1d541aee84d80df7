import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { wildmatch } from '../base/wildmatch.js';
import type { Repository } from '../repo/repository.js';
import { combineNotes, NotesEdit, type CombineNotes } from './notes-edit.js';

/** Carries notes from commits to those that replace them, as `notes.rewrite*` asks for. */
export class NotesRewriter {
  readonly #combine: CombineNotes;
  readonly #trees: { readonly ref: string; readonly notes: NotesEdit }[];

  private constructor(combine: CombineNotes, trees: { readonly ref: string; readonly notes: NotesEdit }[]) {
    this.#combine = combine;
    this.#trees = trees;
  }

  /** For a command that rewrites (`amend`, `rebase`); `undefined` where nothing is to be carried. */
  static async open(
    repository: Repository,
    command: string,
    warn: (message: string) => void,
  ): Promise<NotesRewriter | undefined> {
    const { config, env } = repository;
    const modeText = env['GIT_NOTES_REWRITE_MODE'] ?? config.get('notes.rewritemode');
    const combine = combineNotes[(modeText ?? 'concatenate').toLowerCase()];
    if (combine === undefined) {
      throw new GitError(
        'CONFIG',
        `Bad ${env['GIT_NOTES_REWRITE_MODE'] === undefined ? 'notes.rewriteMode' : 'GIT_NOTES_REWRITE_MODE'} value: '${modeText}'`,
      );
    }
    if (!config.getBool(`notes.rewrite.${command}`, true)) return undefined;
    const fromEnvironment = env['GIT_NOTES_REWRITE_REF'];
    const words =
      fromEnvironment === undefined
        ? config.getAll('notes.rewriteref')
        : fromEnvironment.split(':').filter((word) => word !== '');
    const refs: string[] = [];
    for (const word of words) {
      if (fromEnvironment === undefined && !word.startsWith('refs/notes/')) {
        warn(`Refusing to rewrite notes in ${word} (outside of refs/notes/)`);
        continue;
      }
      if (!/[*?[]/.test(word)) refs.push(word);
      else for await (const ref of repository.refs.list('refs/')) if (wildmatch(word, ref.name)) refs.push(ref.name);
    }
    if (refs.length === 0) return undefined;
    const trees = [];
    for (const ref of new Set(refs)) trees.push({ ref, notes: await NotesEdit.open(repository, ref, true) });
    return new NotesRewriter(combine, trees);
  }

  async copy(from: Oid, to: Oid): Promise<void> {
    for (const { notes } of this.#trees) {
      const note = notes.get(from);
      if (note !== undefined) await notes.add(to, note, this.#combine);
    }
  }

  async finish(message: string): Promise<void> {
    for (const { ref, notes } of this.#trees) await notes.save(ref, message);
  }
}
