import { isPromise } from '../base/awaitable.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import { hexLength } from '../base/oid.js';
import { GitError, isGitError } from '../base/errors.js';
import { parseCommit } from '../objects/commit.js';
import { parseTag } from '../objects/tag.js';
import { formatDate } from './date-format.js';
import type { Repository } from './repository.js';

/** What an abbreviated id is expected to name, where several objects share it. */
export type ObjectHint = 'commit' | 'committish' | 'tree' | 'treeish' | 'blob';

export const MINIMUM_ABBREVIATION = 4;
const DEFAULT_ABBREVIATION = 7;

export type ShortIdAnswer =
  | { readonly kind: 'found'; readonly oid: Oid }
  | { readonly kind: 'missing' }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly Oid[] };

/** Looks an abbreviated id up. The answer "ambiguous" comes with the ids that fit the hint, or all if none does. */
export async function lookUpShortId(
  repository: Repository,
  text: string,
  hint: ObjectHint | undefined,
): Promise<ShortIdAnswer> {
  if (text.length < MINIMUM_ABBREVIATION || text.length > hexLength(repository.objectFormat))
    return { kind: 'missing' };
  if (!/^[0-9a-fA-F]+$/.test(text)) return { kind: 'missing' };
  const prefix = text.toLowerCase();
  let all = await repository.objects.findPrefix(prefix);
  if (all.length === 0) {
    repository.objects.refresh();
    all = await repository.objects.findPrefix(prefix);
  }
  if (all.length === 0) return { kind: 'missing' };
  if (all.length === 1) return { kind: 'found', oid: all[0]! };
  const wanted = hint ?? configuredHint(repository);
  if (wanted === undefined) return { kind: 'ambiguous', candidates: all };
  const fitting: Oid[] = [];
  for (const oid of all) if (await fits(repository, oid, wanted)) fitting.push(oid);
  if (fitting.length === 1) return { kind: 'found', oid: fitting[0]! };
  return { kind: 'ambiguous', candidates: fitting.length === 0 ? all : fitting };
}

function configuredHint(repository: Repository): ObjectHint | undefined {
  const value = repository.config.get('core.disambiguate')?.toLowerCase();
  switch (value) {
    case undefined:
    case 'none':
      return undefined;
    case 'commit':
    case 'committish':
    case 'tree':
    case 'treeish':
    case 'blob':
      return value;
    default:
      throw new GitError('CONFIG', `unknown hint type for 'core.disambiguate': ${value}`);
  }
}

async function fits(repository: Repository, oid: Oid, hint: ObjectHint): Promise<boolean> {
  let kind: ObjectKind | undefined;
  try {
    kind = (await repository.objects.readHeader(oid))?.kind;
  } catch {
    return false;
  }
  if (kind === undefined) return false;
  if (kind === hint) return true;
  if (hint === 'committish' && kind === 'commit') return true;
  if (hint === 'treeish' && (kind === 'tree' || kind === 'commit')) return true;
  if (kind !== 'tag' || (hint !== 'committish' && hint !== 'treeish')) return false;
  const target = await peelTagKind(repository, oid);
  return target === 'commit' || (hint === 'treeish' && target === 'tree');
}

async function peelTagKind(repository: Repository, oid: Oid): Promise<ObjectKind | undefined> {
  let current = oid;
  for (;;) {
    const object = await repository.objects.read(current);
    if (object === undefined) return undefined;
    if (object.kind !== 'tag') return object.kind;
    try {
      current = parseTag(object.data).target;
    } catch {
      return undefined;
    }
  }
}

const kindOrder: readonly (ObjectKind | undefined)[] = [undefined, 'tag', 'commit', 'tree', 'blob'];

/** The lines git prints about an ambiguous id, the first one `error: …`. */
export async function describeAmbiguity(
  repository: Repository,
  text: string,
  candidates: readonly Oid[],
): Promise<string[]> {
  const rows: { kind: ObjectKind | undefined; oid: Oid; line: string }[] = [];
  const damage: string[] = [];
  for (const oid of candidates) {
    const short = await abbreviate(repository, oid);
    let line = `${short} [bad object]`;
    let kind: ObjectKind | undefined;
    try {
      const object = await repository.objects.read(oid);
      kind = object?.kind;
      if (object?.kind === 'commit') {
        const commit = parseCommit(object.data);
        const date = formatDate(
          commit.author.seconds,
          commit.author.zone,
          { kind: 'short', local: false },
          repository.clock,
        );
        line = `${short} commit ${date} - ${subjectOf(commit.message)}`;
      } else if (object?.kind === 'tag') {
        line = `${short} tag ${tagText(object.data, repository)}`;
      } else if (object !== undefined) line = `${short} ${object.kind}`;
    } catch (error) {
      if (!isGitError(error, 'OBJECT_CORRUPT') || error.message === 'invalid object type') throw error;
      // A damaged candidate is still listed, after git has said twice what is wrong with it.
      const why = error.cause instanceof Error ? error.cause.message : 'incorrect header check';
      for (let i = 0; i < 2; i++) {
        damage.push(`error: inflate: data stream error (${why})`, `error: unable to unpack ${oid} header`);
      }
    }
    rows.push({ kind, oid, line });
  }
  rows.sort((a, b) => kindOrder.indexOf(a.kind) - kindOrder.indexOf(b.kind) || (a.oid < b.oid ? -1 : 1));
  return [
    `error: short object ID ${text.toLowerCase()} is ambiguous`,
    ...damage,
    'hint: The candidates are:',
    ...rows.map(({ line }) => `hint:   ${line}`),
  ];
}

function tagText(data: Uint8Array, repository: Repository): string {
  try {
    const tag = parseTag(data);
    const seconds = tag.tagger?.seconds ?? 0;
    const date = formatDate(seconds, tag.tagger?.zone ?? '+0000', { kind: 'short', local: false }, repository.clock);
    return `${date} - ${tag.name}`;
  } catch {
    return `[bad tag, could not parse it]`;
  }
}

/** The first paragraph of a message as one line. */
function subjectOf(message: string): string {
  const body = message.replace(/^(?:[ \t]*\n)+/, '');
  const end = body.search(/\n[ \t]*(?:\n|$)/);
  return (end < 0 ? body : body.slice(0, end))
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();
}

/**
 * `core.abbrev`: a length, or `undefined` for one that fits the number of objects; the full length for `no`. Throws
 * `CONFIG`.
 */
export function configuredAbbreviation(repository: Repository): number | undefined {
  const entry = repository.config.last('core.abbrev');
  if (entry === undefined) return undefined;
  const full = hexLength(repository.objectFormat);
  const value = entry.value?.toLowerCase();
  if (value === undefined) throw new GitError('CONFIG', "missing value for 'core.abbrev'");
  if (value === 'auto') return undefined;
  if (value === '' || value === 'no' || value === 'off' || value === 'false') return full;
  const number = repository.config.getInt('core.abbrev', 0);
  if (number < MINIMUM_ABBREVIATION) throw new GitError('CONFIG', `abbrev length out of range: ${number}`);
  return Math.min(number, full);
}

const usualLengths = new WeakMap<Repository, number>();

/** The usual length of an abbreviated id: seven digits, more where there are many objects. */
export function usualAbbreviation(repository: Repository): number {
  let length = usualLengths.get(repository);
  if (length === undefined) {
    length = chooseAbbreviation(repository);
    usualLengths.set(repository, length);
  }
  return length;
}

function chooseAbbreviation(repository: Repository): number {
  const configured = configuredAbbreviation(repository);
  if (configured !== undefined) return configured;
  const count = approximateObjectCount(repository);
  // With 2^(2n) objects about one id in two shares n digits with another; two digits make a byte.
  const bits = count === 0 ? 0 : Math.floor(Math.log2(count)) + 1;
  return Math.max(Math.floor((bits + 1) / 2), DEFAULT_ABBREVIATION);
}

/** Objects in packs, and an estimate of loose ones: what the length of abbreviations is chosen by. */
function approximateObjectCount(repository: Repository): number {
  let count = 0;
  for (const { packs } of repository.objectDirectories) count += packs.objectCount;
  return count;
}

/**
 * An id shortened to at least `length` digits (0 or less: the usual length) that nothing else in the repository starts
 * with.
 */
export async function abbreviate(repository: Repository, oid: Oid, length = 0): Promise<string> {
  const full = oid.length;
  let wanted = length > 0 ? length : usualAbbreviation(repository);
  if (wanted >= full) return oid;
  wanted = Math.max(wanted, MINIMUM_ABBREVIATION);
  const shared = repository.objects.longestShared(oid, wanted);
  return oid.slice(0, (isPromise(shared) ? await shared : shared) + 1);
}

/** Every object whose id starts with the digits, in order. Throws where the text is too short or no hex. */
export async function disambiguate(repository: Repository, text: string): Promise<readonly Oid[]> {
  if (text.length < MINIMUM_ABBREVIATION || !/^[0-9a-fA-F]+$/.test(text)) return [];
  return repository.objects.findPrefix(text.toLowerCase());
}

export const isFullHex = (text: string, algorithm: HashAlgorithm): boolean =>
  text.length === hexLength(algorithm) && /^[0-9a-fA-F]+$/.test(text);
