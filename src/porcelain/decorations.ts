import type { Oid } from '../base/oid.js';
import { wildmatch } from '../base/wildmatch.js';
import { parseTag } from '../objects/tag.js';
import type { Repository } from '../repo/repository.js';

export type DecorationKind = 'branch' | 'remoteBranch' | 'tag' | 'stash' | 'HEAD' | 'grafted' | 'none';

export interface Decoration {
  readonly kind: DecorationKind;
  /** Full name. */
  readonly name: string;
}

/** Which refs are shown: patterns of `--decorate-refs`, `--decorate-refs-exclude` and configuration. */
export interface DecorationFilter {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly configExclude: readonly string[];
  /** Nothing is said: only what lies in the usual places. */
  readonly usual: boolean;
}

/** Names of commits, by id. */
export type Decorations = ReadonlyMap<string, readonly Decoration[]> & {
  /** The branch HEAD is on, full name. */
  readonly head?: string | undefined;
};

function kindOfRef(name: string): DecorationKind {
  if (name.startsWith('refs/heads/')) return 'branch';
  if (name.startsWith('refs/remotes/')) return 'remoteBranch';
  if (name.startsWith('refs/tags/')) return 'tag';
  if (name === 'refs/stash') return 'stash';
  if (name === 'HEAD') return 'HEAD';
  return 'none';
}

/** A pattern without wildcards means the ref and what lies below it. */
function refPatternMatches(pattern: string, name: string): boolean {
  if (!/[*?[\\]/.test(pattern)) {
    const base = pattern.replace(/\/+$/, '');
    return name === base || name.startsWith(`${base}/`);
  }
  return wildmatch(pattern, name);
}

const short = (name: string): string =>
  name.startsWith('refs/heads/')
    ? name.slice(11)
    : name.startsWith('refs/tags/')
      ? name.slice(10)
      : name.startsWith('refs/remotes/')
        ? name.slice(13)
        : name;

function matchesFilter(filter: DecorationFilter, name: string): boolean {
  const matches = (pattern: string): boolean => refPatternMatches(normalPattern(pattern), name);
  if (filter.exclude.some(matches)) return false;
  if (filter.include.some(matches)) return true;
  if (filter.configExclude.some(matches)) return false;
  if (filter.include.length > 0) return false;
  return !filter.usual || kindOfRef(name) !== 'none' || name.startsWith('refs/replace/');
}

/** Patterns are below `refs/` unless they say so themselves. */
function normalPattern(pattern: string): string {
  const full = pattern.startsWith('refs/') || pattern === 'HEAD' ? pattern : `refs/${pattern}`;
  return full.replace(/\/$/, '');
}

/** Reads all refs and says which commits (and tags on the way) they name. */
export async function loadDecorations(
  repository: Repository,
  filter: DecorationFilter,
  grafted: Iterable<string> = [],
): Promise<Decorations> {
  const found = new Map<string, Decoration[]>();
  const add = (oid: string, decoration: Decoration): void => {
    const there = found.get(oid);
    if (there === undefined) found.set(oid, [decoration]);
    else there.unshift(decoration);
  };
  const addRef = async (name: string, oid: Oid): Promise<void> => {
    if (!matchesFilter(filter, name)) return;
    if (name.startsWith('refs/replace/')) {
      const original = name.slice('refs/replace/'.length);
      if (repository.env['GIT_NO_REPLACE_OBJECTS'] === undefined) add(original, { kind: 'grafted', name: 'replaced' });
      return;
    }
    let header = await repository.objects.readHeader(oid);
    if (header === undefined) return;
    add(oid, { kind: kindOfRef(name), name });
    let current = oid;
    while (header !== undefined && header.kind === 'tag') {
      const object = await repository.objects.read(current);
      if (object === undefined || object.kind !== 'tag') break;
      current = parseTag(object.data).target;
      header = await repository.objects.readHeader(current);
      add(current, { kind: 'tag', name });
    }
  };
  for await (const ref of repository.refs.list()) await addRef(ref.name, ref.oid);
  const head = await repository.refs.resolveFull('HEAD');
  if (head?.oid !== undefined) await addRef('HEAD', head.oid);
  for (const oid of grafted) add(oid, { kind: 'grafted', name: 'grafted' });
  return Object.assign(found, { head: head?.symbolic === true ? head.name : undefined });
}

export interface DecorationStyle {
  readonly prefix: string;
  readonly suffix: string;
  readonly separator: string;
  readonly pointer: string;
  readonly tag: string;
}

export const plainStyle: DecorationStyle = {
  prefix: ' (',
  suffix: ')',
  separator: ', ',
  pointer: ' -> ',
  tag: 'tag: ',
};

/** Escape sequences for parts of a decoration; all '' without colours. */
export interface DecorationColors {
  readonly commit: string;
  readonly reset: string;
  readonly kinds: Readonly<Record<DecorationKind, string>>;
}

export const noDecorationColors: DecorationColors = {
  commit: '',
  reset: '',
  kinds: { branch: '', remoteBranch: '', tag: '', stash: '', HEAD: '', grafted: '', none: '' },
};

/** The names of one commit as text, `''` where it has none. */
export function formatDecorations(
  decorations: Decorations | undefined,
  oid: string,
  colors: DecorationColors,
  full: boolean,
  style: DecorationStyle = plainStyle,
): string {
  const list = decorations?.get(oid);
  if (list === undefined) return '';
  const { commit, reset, kinds } = colors;
  const hasHead = list.some((one) => one.kind === 'HEAD');
  const current = hasHead ? list.find((one) => one.kind === 'branch' && one.name === decorations!.head) : undefined;
  const shown = (one: Decoration): string => (full ? one.name : short(one.name));
  let out = '';
  let prefix = style.prefix;
  for (const one of list) {
    // Where HEAD is on a branch that is here too, the branch is shown where HEAD is.
    if (one === current) continue;
    const color = kinds[one.kind];
    if (prefix !== '') out += commit + prefix + reset;
    if (style.tag !== '' && one.kind === 'tag') out += color + style.tag + reset;
    out += color + shown(one) + reset;
    if (current !== undefined && one.kind === 'HEAD') {
      if (style.pointer !== '') out += commit + style.pointer + reset;
      out += kinds[current.kind] + shown(current) + reset;
    }
    prefix = style.separator;
  }
  if (style.suffix !== '') out += commit + style.suffix + reset;
  return out;
}

/** Which commits count for `--simplify-by-decoration`. */
export const decoratedBy =
  (decorations: Decorations): ((node: { readonly oid: string }) => boolean) =>
  (node) =>
    decorations.has(node.oid);
