import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { openAncestry } from './ancestry.js';
import type { Repository } from './repository.js';
import type { RevisionOptions } from './revision.js';
import { peelTo, resolveWithContext } from './revision.js';

/** One object that a revision argument stands for. */
export interface RevisionItem {
  readonly oid: Oid;
  /** It and what it reaches are left out (`^A`). */
  readonly excluded: boolean;
  /** The part of the argument it came from. */
  readonly name: string;
  readonly side?: 'left' | 'right' | 'bottom' | undefined;
  readonly path?: string | undefined;
  readonly mode?: number | undefined;
}

export interface RevisionArgument {
  readonly text: string;
  readonly kind: 'single' | 'range' | 'symmetric' | 'parents';
  readonly items: readonly RevisionItem[];
}

/**
 * One word of a command line that may name several commits: `A`, `^A`, `A..B`, `A...B`, `A^@`, `A^!`, `A^-N`.
 * `undefined` where it names nothing.
 */
export async function parseRevisionArgument(
  repository: Repository,
  text: string,
  options: RevisionOptions = {},
): Promise<RevisionArgument | undefined> {
  if (text === '..') return undefined;
  const dots = text.indexOf('..');
  if (dots >= 0) {
    const range = await parseRange(repository, text, dots, options);
    if (range !== undefined) return range;
  }
  const parents = await parseParents(repository, text, options);
  if (parents !== undefined) return parents;
  const excluded = text.startsWith('^');
  const name = excluded ? text.slice(1) : text;
  const found = await resolveWithContext(repository, name, options);
  if (found === undefined) return undefined;
  return {
    text,
    kind: 'single',
    items: [{ oid: found.oid, excluded, name, path: found.path, mode: found.mode }],
  };
}

async function parseRange(
  repository: Repository,
  text: string,
  dots: number,
  options: RevisionOptions,
): Promise<RevisionArgument | undefined> {
  const symmetric = text[dots + 2] === '.';
  const left = text.slice(0, dots) || 'HEAD';
  const right = text.slice(dots + (symmetric ? 3 : 2)) || 'HEAD';
  const ask: RevisionOptions = { ...options, hint: 'committish' };
  const a = await resolveWithContext(repository, left, ask);
  const b = a === undefined ? undefined : await resolveWithContext(repository, right, ask);
  if (a === undefined || b === undefined) return undefined;
  if (!symmetric) {
    return {
      text,
      kind: 'range',
      items: [
        { oid: a.oid, excluded: true, name: left, side: 'left', path: a.path, mode: a.mode },
        { oid: b.oid, excluded: false, name: right, side: 'right', path: b.path, mode: b.mode },
      ],
    };
  }
  const first = await peelTo(repository, a.oid, 'commit');
  const second = await peelTo(repository, b.oid, 'commit');
  if (first === undefined || second === undefined) {
    throw new GitError('REF_MISSING', `Invalid symmetric difference expression ${text}`);
  }
  const bases = await openAncestry(repository).mergeBases(first as Oid<'commit'>, [second as Oid<'commit'>]);
  return {
    text,
    kind: 'symmetric',
    items: [
      ...bases.map((oid): RevisionItem => ({ oid, excluded: true, name: text, side: 'bottom' })),
      { oid: first, excluded: false, name: left, side: 'left' },
      { oid: second, excluded: false, name: right, side: 'right' },
    ],
  };
}

/** `A^@`: all parents; `A^!`: itself without its parents; `A^-N`: itself without one parent. */
async function parseParents(
  repository: Repository,
  text: string,
  options: RevisionOptions,
): Promise<RevisionArgument | undefined> {
  const match = /^(.+)\^(@|!|-(\d*))$/s.exec(text);
  if (match === null) return undefined;
  const [, name, mark, digits] = match;
  const negated = name!.startsWith('^');
  const plain = negated ? name!.slice(1) : name!;
  const number = digits === undefined || digits === '' ? 1 : Number(digits);
  if (mark!.startsWith('-') && (number <= 0 || (digits !== '' && !/^\d+$/.test(digits!)))) return undefined;
  const found = await resolveWithContext(repository, plain, { ...options, hint: 'committish' });
  const commit = found === undefined ? undefined : await peelTo(repository, found.oid, 'commit');
  if (commit === undefined) return undefined;
  const parents = (await repository.parentsOf(commit as Oid<'commit'>)) ?? [];
  if (mark!.startsWith('-') && number > parents.length) return undefined;
  const chosen = mark!.startsWith('-') ? [parents[number - 1]!] : parents;
  const items = chosen.map(
    (oid): RevisionItem => ({
      oid,
      excluded: mark === '@' ? negated : !negated,
      name: plain,
      side: undefined,
    }),
  );
  if (mark !== '@') items.push({ oid: found!.oid, excluded: negated, name: plain, side: undefined });
  return { text, kind: 'parents', items };
}
