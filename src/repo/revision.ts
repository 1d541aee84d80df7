import { GitError, isGitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { parseCommitLinks } from '../objects/commit.js';
import type { RawObject } from '../objects/source.js';
import { parseTag } from '../objects/tag.js';
import { findInTree } from '../objects/tree.js';
import type { ReflogEntry } from '../refs/store.js';
import { approxidate } from './date-approx.js';
import { formatDate } from './date-format.js';
import type { Repository } from './repository.js';
import type { FoundRef } from './revision-branch.js';
import { findLogs, findRefs, priorCheckout } from './revision-branch.js';
import type { ObjectHint } from './revision-short.js';
import { describeAmbiguity, isFullHex, lookUpShortId } from './revision-short.js';

export interface RevisionOptions {
  /** What the object should be, to choose between objects that share an abbreviated id. */
  readonly hint?: ObjectHint | undefined;
  /** Say nothing about ambiguity. */
  readonly quiet?: boolean | undefined;
  /** Told whole lines for standard error: `warning: …`, `error: …`, `hint: …`. */
  readonly complain?: ((line: string) => void) | undefined;
  /** The value is used as a path too: remember it (`rev:path`). */
  readonly followSymlinks?: boolean | undefined;
}

export interface ResolvedRevision {
  readonly oid: Oid;
  /** For `rev:path` and `:path`. */
  readonly path?: string | undefined;
  readonly mode?: number | undefined;
  /** The tree that `rev:path` looked into. */
  readonly tree?: Oid | undefined;
  /** A symbolic link on the way leads out of the tree. */
  readonly outside?: string | undefined;
}

/** An object by any of git's ways to name one (gitrevisions). `undefined` where there is none. */
export async function resolveRevision(
  repository: Repository,
  text: string,
  options: RevisionOptions = {},
): Promise<Oid | undefined> {
  return (await resolveWithContext(repository, text, options))?.oid;
}

/** The same, and where the name led. */
export async function resolveWithContext(
  repository: Repository,
  text: string,
  options: RevisionOptions = {},
): Promise<ResolvedRevision | undefined> {
  return new Resolver(repository, options).withContext(text);
}

/** Resolves and insists on a commit (annotated tags are followed). Throws `REF_MISSING`, in git's words. */
export async function resolveCommit(
  repository: Repository,
  text: string,
  options: RevisionOptions = {},
): Promise<Oid<'commit'>> {
  const oid = await resolveRevision(repository, text, { hint: 'committish', ...options });
  if (oid === undefined) throw new GitError('REF_MISSING', `bad revision '${text}'`, { data: { revision: text } });
  const commit = await peelTo(repository, oid, 'commit');
  if (commit === undefined) throw new GitError('REF_MISSING', `bad revision '${text}'`, { data: { revision: text } });
  return commit as Oid<'commit'>;
}

/**
 * The commit or tree that a word names, tags followed; `undefined` where there is none. Unlike `word^{tree}` it takes
 * every word, `:/text` too.
 */
export async function resolveKind<K extends 'commit' | 'tree'>(
  repository: Repository,
  text: string,
  kind: K,
  options: RevisionOptions = {},
): Promise<Oid<K> | undefined> {
  const oid = await resolveRevision(repository, text, { hint: kind === 'tree' ? 'treeish' : 'committish', ...options });
  return oid === undefined ? undefined : ((await peelTo(repository, oid, kind)) as Oid<K> | undefined);
}

/**
 * Follows tags (and, for a tree, a commit) to an object of that kind; 'any' only follows tags. `undefined` where an
 * object on the way is missing or leads elsewhere.
 */
export async function peelTo(
  repository: Repository,
  oid: Oid,
  kind: ObjectKind | 'any',
  onMismatch?: (actual: ObjectKind) => void,
): Promise<Oid | undefined> {
  let current = oid;
  let object = await readQuietly(repository, current);
  for (;;) {
    if (object === undefined) return undefined;
    if (object.kind === kind) return current;
    if (object.kind === 'tag') {
      const next = tagTarget(object);
      if (next === undefined) return undefined;
      current = next;
      object = await readQuietly(repository, current);
    } else if (kind === 'any') return current;
    else if (object.kind === 'commit' && kind === 'tree') {
      current = parseCommitLinks(object.data).tree;
      object = await readQuietly(repository, current);
    } else {
      onMismatch?.(object.kind);
      return undefined;
    }
  }
}

function tagTarget(object: RawObject): Oid | undefined {
  try {
    return parseTag(object.data).target;
  } catch {
    return undefined;
  }
}

async function readQuietly(repository: Repository, oid: Oid): Promise<RawObject | undefined> {
  try {
    return await repository.objects.read(oid);
  } catch (error) {
    if (isGitError(error, 'OBJECT_CORRUPT')) return undefined;
    throw error;
  }
}

/** Where the colon of `rev:path` is: the first one outside of braces. */
export function pathColon(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if ((char === '@' || char === '^') && text[i + 1] === '{') {
      depth++;
      i++;
    } else if (char === '}' && depth > 0) depth--;
    else if (char === ':' && depth === 0) return i;
  }
  return -1;
}

/** What cannot be a ref's name, whatever refs there are: `a/./b`, `/a`, `a//b`, `.a`. */
function neverARef(text: string): boolean {
  let slash = true;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '/') {
      if (slash) return true;
      slash = true;
    } else if (char === '.') {
      if (slash) return true;
      slash = false;
    } else slash = false;
  }
  return slash && text.length > 0;
}

class Resolver {
  readonly #repository: Repository;
  readonly #options: RevisionOptions;

  constructor(repository: Repository, options: RevisionOptions) {
    this.#repository = repository;
    this.#options = options;
  }

  #complain(line: string): void {
    if (this.#options.quiet !== true) this.#options.complain?.(line);
  }

  async withContext(text: string): Promise<ResolvedRevision | undefined> {
    const whole = await this.#object(text, this.#options.hint);
    if (whole !== undefined) return { oid: whole };
    if (text.startsWith(':')) return this.#fromIndex(text);
    const colon = pathColon(text);
    if (colon < 0) return undefined;
    const treeish = await this.#object(text.slice(0, colon), 'treeish');
    if (treeish === undefined) return undefined;
    return this.#fromTree(treeish, text.slice(colon + 1));
  }

  async #fromTree(treeish: Oid, path: string): Promise<ResolvedRevision | undefined> {
    const relative = this.relativePath(path);
    const tree = await peelTo(this.#repository, treeish, 'tree');
    if (tree === undefined) return undefined;
    if (this.#options.followSymlinks === true) {
      const { followInTree } = await import('./revision-path.js');
      return followInTree(this.#repository, tree, relative);
    }
    const entry = await findPath(this.#repository, tree, relative);
    return entry === undefined ? undefined : { oid: entry.oid, path: relative, mode: entry.mode, tree };
  }

  /** `./x` and `../x` count from the current directory. */
  relativePath(path: string): string {
    if (!/^\.\.?(?:\/|$)/.test(path)) return path;
    if (!this.#repository.insideWorkTree) {
      throw new GitError('USAGE', "relative path syntax can't be used outside working tree");
    }
    const parts: string[] = this.#repository.prefix.split('/').filter((part) => part !== '');
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue;
      if (part !== '..') parts.push(part);
      else if (parts.pop() === undefined) {
        throw new GitError('PATH_MISSING', `'${path}' is outside repository at '${this.#repository.workTree}'`);
      }
    }
    return parts.join('/') + (path.endsWith('/') && parts.length > 0 ? '/' : '');
  }

  async #fromIndex(text: string): Promise<ResolvedRevision | undefined> {
    if (text.startsWith(':/') && text.length > 2) {
      const { newestMatching } = await import('./revision-search.js');
      const oid = await newestMatching(this.#repository, text.slice(2), undefined);
      return oid === undefined ? undefined : { oid };
    }
    const staged = /^:([0-3]):/.exec(text);
    const stage = staged === null ? 0 : Number(staged[1]);
    const path = this.relativePath(text.slice(staged === null ? 1 : 3));
    const entry = await this.#repository.indexEntry(path, stage);
    return entry === undefined ? undefined : { oid: entry.oid, path, mode: entry.mode };
  }

  async #object(text: string, hint: ObjectHint | undefined): Promise<Oid | undefined> {
    const suffix = /([~^])(\d*)$/.exec(text);
    if (suffix !== null) {
      const before = text.slice(0, suffix.index);
      const number = suffix[2] === '' ? 1 : Number(suffix[2]);
      if (number > 0x7fffffff) return undefined;
      return suffix[1] === '^' ? this.#parent(before, number) : this.#ancestor(before, number);
    }
    const peeled = await this.#peeled(text);
    if (peeled !== undefined) return peeled;
    const basic = await this.#basic(text);
    if (basic !== undefined) return basic;
    const described = await this.#described(text);
    if (described !== undefined) return described;
    return this.#short(text, hint);
  }

  async #commit(text: string): Promise<Oid<'commit'> | undefined> {
    const oid = await this.#object(text, 'committish');
    if (oid === undefined) return undefined;
    return (await peelTo(this.#repository, oid, 'commit', (actual) =>
      this.#complain(`error: object ${oid} is a ${actual}, not a commit`),
    )) as Oid<'commit'> | undefined;
  }

  async #parent(text: string, number: number): Promise<Oid | undefined> {
    const commit = await this.#commit(text);
    if (commit === undefined || number === 0) return commit;
    const parents = await this.#repository.parentsOf(commit);
    return parents?.[number - 1];
  }

  async #ancestor(text: string, number: number): Promise<Oid | undefined> {
    let commit: Oid | undefined = await this.#commit(text);
    for (let left = number; left > 0 && commit !== undefined; left--) {
      const parents: readonly Oid<'commit'>[] | undefined = await this.#repository.parentsOf(commit as Oid<'commit'>);
      commit = parents?.[0];
    }
    return commit;
  }

  /** `rev^{…}` */
  async #peeled(text: string): Promise<Oid | undefined> {
    if (!text.endsWith('}')) return undefined;
    const open = text.lastIndexOf('^{');
    if (open < 0) return undefined;
    const before = text.slice(0, open);
    const what = text.slice(open + 2, -1);
    const hint = what === 'commit' || what.startsWith('/') ? 'committish' : what === 'tree' ? 'treeish' : undefined;
    const known = what === '' || what === 'object' || what.startsWith('/') || isKind(what);
    if (!known) return undefined;
    const outer = await this.#object(before, hint);
    if (outer === undefined) return undefined;
    if (what === 'object') return (await readQuietly(this.#repository, outer)) === undefined ? undefined : outer;
    if (what === '') return peelTo(this.#repository, outer, 'any');
    if (what.startsWith('/')) {
      if (what === '/') return outer;
      const start = await peelTo(this.#repository, outer, 'commit');
      if (start === undefined) return undefined;
      const { newestMatching } = await import('./revision-search.js');
      return newestMatching(this.#repository, what.slice(1), start as Oid<'commit'>);
    }
    return peelTo(this.#repository, outer, what as ObjectKind, (actual) =>
      this.#complain(`error: ${text}: expected ${what} type, but the object dereferences to ${actual} type`),
    );
  }

  /** Full ids, refs, and refs with `@{…}`. */
  async #basic(text: string): Promise<Oid | undefined> {
    if (isFullHex(text, this.#repository.objectFormat)) {
      const oid = text.toLowerCase() as Oid;
      await this.#warnRefLikeId(text);
      return oid;
    }
    let name = text;
    let selector: string | undefined;
    if (text.endsWith('}')) {
      for (let at = text.length - 4; at >= 0; at--) {
        if (text[at] !== '@' || text[at + 1] !== '{') continue;
        if (text[at + 2] === '-') {
          if (at !== 0) return undefined;
          const prior = await this.#prior(text);
          if (prior !== undefined) return prior;
          continue;
        }
        const inner = text.slice(at + 2, -1);
        if (!/^(?:u|upstream|push)(?:\}|$)/i.test(inner)) {
          selector = inner;
          name = text.slice(0, at);
        }
        break;
      }
    }
    if (name !== '' && neverARef(name)) return undefined;
    if (selector === undefined) {
      const refs = await findRefs(this.#repository, name, (line) => this.#complain(line));
      await this.#warnAmbiguous(name, refs);
      return refs[0]?.oid;
    }
    return this.#logged(name, selector);
  }

  async #prior(text: string): Promise<Oid | undefined> {
    const match = /^@\{-(\d+)\}$/.exec(text);
    if (match === null || Number(match[1]) === 0) return undefined;
    const name = await priorCheckout(this.#repository, Number(match[1]));
    if (name === undefined) return undefined;
    return this.#object(name, 'committish');
  }

  async #warnRefLikeId(text: string): Promise<void> {
    if (this.#options.complain === undefined || this.#options.quiet === true) return;
    if (!this.#repository.config.getBool('core.warnambiguousrefs', true)) return;
    const refs = await findRefs(this.#repository, text);
    if (refs.length === 0) return;
    this.#complain(`warning: refname '${text}' is ambiguous.`);
    if (!this.#repository.config.getBool('advice.objectnamewarning', true)) return;
    for (const line of refLikeIdAdvice) this.#complain(line);
  }

  async #warnAmbiguous(name: string, refs: readonly FoundRef[]): Promise<void> {
    if (refs.length === 0 || this.#options.quiet === true) return;
    if (!this.#repository.config.getBool('core.warnambiguousrefs', true)) return;
    const ambiguous = refs.length > 1 || (await lookUpShortId(this.#repository, name, undefined)).kind === 'found';
    // Every command says so, whether or not it has more to say.
    const complain = this.#options.complain ?? ((line) => this.#repository.complain(line));
    if (ambiguous) complain(`warning: refname '${name}' is ambiguous.`);
  }

  /** `ref@{3}`, `ref@{yesterday}`. */
  async #logged(name: string, selector: string): Promise<Oid | undefined> {
    const repository = this.#repository;
    let found: readonly FoundRef[];
    if (name === '') {
      const head = await repository.refs.resolveFull('HEAD');
      if (head?.oid === undefined) return undefined;
      found = [{ name: head.name, final: head.name, oid: head.oid }];
    } else found = await findLogs(repository, name);
    const ref = found[0];
    if (ref === undefined) return undefined;
    await this.#warnAmbiguous(name, found);
    const digits = /^\d+$/.test(selector) ? Number(selector) : undefined;
    const log = (await repository.refs.reflog(ref.name)) ?? [];
    if (digits !== undefined && digits < 100000000) return this.#byNumber(name, ref, log, digits);
    let seconds = digits;
    if (seconds === undefined) {
      const approximate = approxidate(selector, repository.clock);
      if (!approximate.understood) return undefined;
      ({ seconds } = approximate);
    }
    return this.#byTime(name, ref, log, seconds);
  }

  #byNumber(name: string, ref: FoundRef, log: readonly ReflogEntry[], number: number): Oid {
    const shown = name === '' ? ref.name.replace(/^refs\/heads\//, '') : name;
    if (log.length === 0) {
      if (number === 0) return ref.oid;
      throw new GitError('REF_MISSING', `log for ${ref.name} is empty`);
    }
    if (number < log.length) return log[log.length - 1 - number]!.new;
    // One more than there are entries: what was there before the first one.
    if (number === log.length && !/^0+$/.test(log[0]!.old)) return log[0]!.old;
    throw new GitError('REF_MISSING', `log for '${shown}' only has ${log.length} entries`);
  }

  #byTime(name: string, ref: FoundRef, log: readonly ReflogEntry[], seconds: number): Oid {
    const shown = name === '' ? ref.name.replace(/^refs\/heads\//, '') : name;
    if (log.length === 0) throw new GitError('REF_MISSING', `log for ${ref.name} is empty`);
    for (let i = log.length - 1; i >= 0; i--) {
      const entry = log[i]!;
      if (entry.seconds > seconds) continue;
      const newer = log[i + 1];
      if (newer === undefined) {
        // What the newest entry does not tell of, the ref itself does; but that entry's own second is known.
        if (entry.seconds === seconds || entry.new === ref.oid) return entry.new;
        this.#gap(ref, entry, undefined);
        return ref.oid;
      } else if (newer.old !== entry.new) this.#gap(ref, entry, newer);
      return entry.new;
    }
    const oldest = log[0]!;
    const when = formatDate(oldest.seconds, oldest.zone, { kind: 'rfc', local: false }, this.#repository.clock);
    this.#complain(`warning: log for '${shown}' only goes back to ${when}`);
    return /^0+$/.test(oldest.old) ? oldest.new : oldest.old;
  }

  #gap(ref: FoundRef, entry: ReflogEntry, newer: ReflogEntry | undefined): void {
    const when = formatDate(entry.seconds, entry.zone, { kind: 'rfc', local: false }, this.#repository.clock);
    this.#complain(
      newer === undefined
        ? `warning: log for ref ${ref.name} unexpectedly ended on ${when}`
        : `warning: log for ref ${ref.name} has gap after ${when}`,
    );
  }

  /** `v1.0-3-gabcdef`, as `describe` writes it. */
  async #described(text: string): Promise<Oid | undefined> {
    const match = /^(.*)-g([0-9a-fA-F]+)$/s.exec(text);
    if (match === null) return undefined;
    if (match[1]!.includes('{') && !/\^\{/.test(match[1]!)) return undefined;
    return this.#short(match[2]!, 'commit');
  }

  async #short(text: string, hint: ObjectHint | undefined): Promise<Oid | undefined> {
    const answer = await lookUpShortId(this.#repository, text, hint);
    if (answer.kind === 'found') return answer.oid;
    if (answer.kind === 'ambiguous' && this.#options.quiet !== true && this.#options.complain !== undefined) {
      for (const line of await describeAmbiguity(this.#repository, text, answer.candidates)) this.#complain(line);
    }
    return undefined;
  }
}

const isKind = (text: string): text is ObjectKind =>
  text === 'commit' || text === 'tree' || text === 'blob' || text === 'tag';

const refLikeIdAdvice: readonly string[] = [
  'Git normally never creates a ref that ends with 40 hex characters',
  'because it will be ignored when you just specify 40-hex. These refs',
  'may be created by mistake. For example,',
  '',
  '  git switch -c $br $(git rev-parse ...)',
  '',
  'where "$br" is somehow empty and a 40-hex ref is created. Please',
  'examine these refs and maybe delete them. Turn this message off by',
  'running "git config set advice.objectNameWarning false"',
];

/** The entry at a path of a tree; the tree itself for ''. */
export async function findPath(
  repository: Repository,
  tree: Oid,
  path: string,
): Promise<{ oid: Oid; mode: number } | undefined> {
  let current: { oid: Oid; mode: number } = { oid: tree, mode: 0o040000 };
  const parts = path.split('/');
  if (path.endsWith('/')) parts.pop();
  if (path === '') return current;
  for (const part of parts) {
    if ((current.mode & 0o170000) !== 0o040000) return undefined;
    const object = await readQuietly(repository, current.oid);
    if (object === undefined || object.kind !== 'tree') return undefined;
    const entry = findInTree(object.data, repository.oidLength, part);
    if (entry === undefined) return undefined;
    current = { oid: entry.oid, mode: entry.mode };
  }
  if (path.endsWith('/') && (current.mode & 0o170000) !== 0o040000) return undefined;
  return current;
}
