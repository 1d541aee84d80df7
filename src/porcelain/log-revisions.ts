import { compareText } from '../base/bytes.js';
import { HiddenRefs, namespacePrefix } from '../transport/hidden-refs.js';
import { GitError } from '../base/errors.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import { wildmatch } from '../base/wildmatch.js';
import { BOTTOM, SYMMETRIC_LEFT, UNINTERESTING } from '../history/flags.js';
import { openAncestry } from '../repo/ancestry.js';
import { keptRefs } from '../repo/kept-refs.js';
import { parseTag } from '../objects/tag.js';
import type { Repository } from '../repo/repository.js';
import { badRevision } from '../repo/revision-error.js';
import { verifyFilename, verifyNotFilename } from '../repo/revision-path.js';
import { parseRevisionArgument } from '../repo/revision-range.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import type { LogSettings, OptionContext } from './log-settings.js';
import { messageFilter } from './log-grep.js';
import { refusal, settleLogSettings, takeLogOption } from './log-settings.js';

/** One object named on the command line. */
export interface PendingObject {
  /** What `--source` calls it, where that is not its name. */
  readonly source?: string | undefined;
  readonly oid: Oid;
  readonly name: string;
  readonly flags: number;
  readonly path?: string | undefined;
  readonly mode?: number | undefined;
  /** Named as a revision itself, not by `--all` and the like. */
  readonly given: boolean;
}

export interface RevisionRequest {
  readonly settings: LogSettings;
  readonly pending: readonly PendingObject[];
  /** Words that limit paths. */
  readonly paths: readonly string[];
  /** `--` stood on the command line. */
  readonly dashDash: boolean;
  /** Options that are not known here, with their values where `other` took them. */
  readonly rest: readonly string[];
  /** Something on the command line named revisions, if only an empty set. */
  readonly revisionsSaid: boolean;
  /** `--stdin` was there. */
  readonly stdinRead: boolean;
}

export interface RevisionRequestOptions {
  readonly context: OptionContext;
  readonly settings: LogSettings;
  /** What is walked where nothing is named; usually `HEAD`. */
  readonly fallback?: string | undefined;
  /** Takes an option that is none of the walk's; answers how many words it used. */
  readonly other?: (argv: readonly string[], at: number) => number;
  /** Told that one of the walk's own options was taken. */
  readonly taken?: () => void;
  /** The same, asked after the walk's own options. */
  readonly late?: (argv: readonly string[], at: number) => number;
  /** Options are looked for first, behind paths too; values of `--glob` and the like must be stuck to them. */
  readonly optionsFirst?: boolean;
  /** Ends the command where an option is refused, instead of its own failure. */
  readonly refused?: (word: string) => never;
  /** Standard input's lines, for `--stdin`. */
  readonly stdin?: () => Iterable<string>;
  /** Told whole lines for standard error. */
  readonly complain?: (line: string) => void;
  /** Blobs and trees may be named too (`git show`). */
  readonly anyObject?: boolean;
}

/** Takes a command line of `git rev-list` or `git log` apart. */
export async function parseRevisionRequest(
  argv: readonly string[],
  options: RevisionRequestOptions,
): Promise<RevisionRequest> {
  const parser = new RequestParser(options);
  await parser.parse(argv);
  return parser.result();
}

class RequestParser {
  readonly #options: RevisionRequestOptions;
  readonly #repository: Repository;
  readonly #settings: LogSettings;
  readonly #pending: PendingObject[] = [];
  readonly #paths: string[] = [];
  readonly #rest: string[] = [];
  #flags = 0;
  #excludes: string[] = [];
  #hidden: HiddenRefs | undefined;
  #singleWorktree = false;
  #dashDash = false;
  #said = false;
  #stdinRead = false;
  #default: string | undefined;

  constructor(options: RevisionRequestOptions) {
    this.#options = options;
    this.#repository = options.context.repository;
    this.#settings = options.settings;
    this.#default = options.fallback;
  }

  result(): RevisionRequest {
    return {
      settings: this.#settings,
      pending: this.#pending,
      paths: this.#paths,
      dashDash: this.#dashDash,
      rest: this.#rest,
      revisionsSaid: this.#said,
      stdinRead: this.#stdinRead,
    };
  }

  async parse(argv: readonly string[]): Promise<void> {
    const end = argv.indexOf('--');
    this.#dashDash = end >= 0;
    const words = end < 0 ? argv : argv.slice(0, end);
    if (end >= 0) this.#paths.push(...argv.slice(end + 1));
    let onlyRevisions = false;
    let inPaths = false;
    const bare: string[] = [];
    for (let i = 0; i < words.length; ) {
      const word = words[i]!;
      if (!onlyRevisions && word.startsWith('-') && word !== '-') {
        if (word === '--end-of-options') {
          onlyRevisions = true;
          i++;
          continue;
        }
        if (word === '--stdin' && this.#options.optionsFirst !== true) {
          if (this.#stdinRead) throw new GitError('USAGE', '--stdin given twice?');
          this.#stdinRead = true;
          await this.#readStdin();
          i++;
          continue;
        }
        await this.#checkAncestryPath(word);
        let used = await this.#revisionOption(words, i);
        if (used === 0) used = this.#options.other?.(words, i) ?? 0;
        if (used === 0) {
          used = this.#walkOption(words, i);
          if (used > 0) this.#options.taken?.();
        }
        if (used === 0) used = this.#options.late?.(words, i) ?? 0;
        if (used === 0) {
          this.#rest.push(word);
          used = 1;
        }
        i += used;
        continue;
      }
      if (!inPaths && (await this.#revision(word))) {
        if (!this.#dashDash) verifyNotFilename(this.#repository, word.replace(/^\^/, ''));
        i++;
        continue;
      }
      if (!inPaths && (this.#dashDash || word.startsWith('^'))) throw badRevision(word);
      if (this.#options.optionsFirst === true) {
        bare.push(word);
        i++;
        inPaths = true;
        continue;
      }
      bare.push(...words.slice(i));
      break;
    }
    for (let j = 0; j < bare.length; j++) await verifyFilename(this.#repository, bare[j]!, j === 0);
    this.#paths.unshift(...bare);
    settleLogSettings(this.#settings, () => void messageFilter(this.#repository, this.#settings, undefined));
    await this.#addDefault();
    if (this.#settings.merge) await this.#addMergeSides();
  }

  #walkOption(words: readonly string[], at: number): number {
    if (words[at] === '--default') {
      const value = words[at + 1];
      if (value === undefined) throw new GitError('USAGE', 'bad --default argument');
      this.#default = value;
      return 2;
    }
    return takeLogOption(this.#settings, words, at, { ...this.#options.context, complain: this.#options.complain });
  }

  async #addDefault(): Promise<void> {
    if (this.#said || this.#pending.length > 0 || this.#default === undefined) return;
    const oid = await this.#resolve(this.#default);
    if (oid === undefined) {
      if (this.#settings.ignoreMissing) return;
      const head = await this.#repository.refs.resolveFull(this.#default);
      if (head?.symbolic === true && head.name.startsWith('refs/heads/')) {
        throw new GitError('REF_MISSING', `your current branch '${head.name.slice(11)}' does not have any commits yet`);
      }
      throw new GitError('REF_MISSING', `bad default revision '${this.#default}'`);
    }
    this.#pending.push({ oid, name: this.#default, flags: 0, given: true });
  }

  #resolve(text: string): Promise<Oid | undefined> {
    return resolveRevision(this.#repository, text, { hint: 'committish', complain: this.#options.complain });
  }

  /** Adds what one word names; `false` where it names nothing. */
  async #revision(word: string): Promise<boolean> {
    const argument = await parseRevisionArgument(this.#repository, word, {
      hint: this.#options.anyObject === true ? undefined : 'committish',
      complain: this.#options.complain,
    });
    if (argument === undefined) {
      if (!this.#settings.ignoreMissing) return false;
      this.#said = true;
      return true;
    }
    this.#said = true;
    for (const item of argument.items) {
      let flags = this.#flags;
      if (item.excluded) flags ^= UNINTERESTING | BOTTOM;
      if (argument.kind === 'symmetric' && item.side === 'left') flags |= SYMMETRIC_LEFT;
      if (!(await this.#exists(item.oid, item.name))) continue;
      this.#add({ oid: item.oid, name: item.name, flags, path: item.path, mode: item.mode, given: true });
    }
    return true;
  }

  /** What is left out makes a range, and a range is walked. */
  #add(pending: PendingObject): void {
    if ((pending.flags & UNINTERESTING) !== 0) this.#settings.noWalk = undefined;
    this.#pending.push(pending);
  }

  async #checkAncestryPath(word: string): Promise<void> {
    if (!word.startsWith('--ancestry-path=')) return;
    const text = word.slice(word.indexOf('=') + 1);
    const oid = await resolveRevision(this.#repository, text, { hint: 'committish', quiet: true });
    if (oid !== undefined && (await peelTo(this.#repository, oid, 'commit')) !== undefined) return;
    const error = refusal(`could not get commit for --ancestry-path argument ${text}`);
    if (this.#options.refused === undefined) throw error;
    this.#options.complain?.(`error: ${error.message}`);
    this.#options.refused(word);
  }

  async #exists(oid: Oid, name: string): Promise<boolean> {
    if ((await this.#repository.objects.readHeader(oid)) !== undefined) return true;
    if (this.#settings.ignoreMissing) return false;
    throw new GitError('OBJECT_MISSING', `bad object ${name}`, { data: { oid } });
  }

  async #readStdin(): Promise<void> {
    const lines = this.#options.stdin?.() ?? [];
    let paths = false;
    let onlyRevisions = false;
    // `--not` does not reach from one side to the other.
    const before = this.#flags;
    this.#flags = 0;
    for (const line of lines) {
      if (paths) {
        this.#paths.push(line);
        continue;
      }
      if (line === '') break;
      if (!onlyRevisions && line.startsWith('-')) {
        if (line === '--') {
          paths = true;
          this.#dashDash = true;
          continue;
        }
        if (line === '--end-of-options') {
          onlyRevisions = true;
          continue;
        }
        if (/^--no-walk=(?!sorted$|unsorted$)/.test(line))
          this.#options.complain?.('error: invalid argument to --no-walk');
        if (/^--(?:no-walk(?:=(?:un)?sorted)?|do-walk)$/.test(line)) {
          this.#walkOption([line], 0);
          continue;
        }
        if ((await this.#revisionOption([line], 0)) === 0) {
          throw new GitError('USAGE', `invalid option '${line}' in --stdin mode`);
        }
        continue;
      }
      this.#said = true;
      if (!(await this.#revision(line))) throw badRevision(line);
    }
    this.#flags = before;
  }

  /** Options that stand for revisions. */
  async #revisionOption(words: readonly string[], at: number): Promise<number> {
    const word = words[at]!;
    if (this.#options.optionsFirst === true && /^--(?:glob|exclude|exclude-hidden|single-worktree)$/.test(word))
      return 0;
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    let value = equals < 0 ? undefined : word.slice(equals + 1);
    switch (name) {
      case '--all':
        if (value !== undefined) return 0;
        this.#said = true;
        await this.#addRefs('refs/', '', undefined);
        await this.#addHead();
        if (!this.#singleWorktree) await this.#addOtherHeads();
        this.#clearExclusions();
        return 1;
      case '--branches':
      case '--tags':
      case '--remotes': {
        if (this.#hidden !== undefined) {
          // Told, and then not known.
          this.#options.complain?.(`error: options '--exclude-hidden' and '${name}' cannot be used together`);
          return 0;
        }
        this.#said = true;
        const prefix = name === '--branches' ? 'refs/heads/' : name === '--tags' ? 'refs/tags/' : 'refs/remotes/';
        await this.#addRefs(prefix, prefix, value === undefined ? undefined : globOf(value, prefix));
        this.#clearExclusions();
        return 1;
      }
      case '--glob': {
        let used = 1;
        if (value === undefined) {
          value = words[at + 1];
          if (value === undefined) throw new GitError('USAGE', "Option '--glob' requires a value");
          used = 2;
        }
        this.#said = true;
        await this.#addRefs('refs/', '', globOf(value, ''));
        this.#clearExclusions();
        return used;
      }
      case '--exclude': {
        let used = 1;
        if (value === undefined) {
          value = words[at + 1];
          if (value === undefined) throw new GitError('USAGE', "Option '--exclude' requires a value");
          used = 2;
        }
        this.#excludes.push(value);
        return used;
      }
      case '--exclude-hidden': {
        let used = 1;
        if (value === undefined) {
          value = words[at + 1];
          if (value === undefined) throw new GitError('USAGE', "Option '--exclude-hidden' requires a value");
          used = 2;
        }
        if (value !== 'fetch' && value !== 'receive' && value !== 'uploadpack') {
          throw new GitError('USAGE', `unsupported section for hidden refs: ${value}`);
        }
        if (this.#hidden !== undefined) {
          throw new GitError('USAGE', '--exclude-hidden= passed more than once');
        }
        this.#hidden = HiddenRefs.fromConfig(this.#repository.config, value);
        return used;
      }
      case '--bisect':
        if (value !== undefined) return 0;
        this.#said = true;
        this.#settings.bisect = true;
        this.#settings.limited = true;
        await this.#addRefs('refs/bisect/', '', (full) => full === `refs/bisect/${this.#bisectTerm('bad')}`);
        this.#flags ^= UNINTERESTING | BOTTOM;
        await this.#addRefs('refs/bisect/', '', (full) => full.startsWith(`refs/bisect/${this.#bisectTerm('good')}-`));
        this.#flags ^= UNINTERESTING | BOTTOM;
        return 1;
      case '--reflog':
        if (value !== undefined) return 0;
        this.#said = true;
        await this.#addReflogs();
        return 1;
      case '--indexed-objects':
        if (value !== undefined) return 0;
        this.#said = true;
        await this.#addIndexes();
        return 1;
      case '--alternate-refs':
        if (value !== undefined) return 0;
        return 1;
      case '--not':
        if (value !== undefined) return 0;
        this.#flags ^= UNINTERESTING | BOTTOM;
        return 1;
      case '--single-worktree':
        if (value !== undefined) return 0;
        this.#singleWorktree = true;
        return 1;
    }
    return 0;
  }

  #bisectTerm(which: 'bad' | 'good'): string {
    const terms = this.#repository.platform.fs.readFile(this.#repository.path('BISECT_TERMS'));
    if (terms === undefined) return which;
    const [bad, good] = new TextDecoder().decode(terms).split('\n');
    return (which === 'bad' ? bad : good) || which;
  }

  #clearExclusions(): void {
    this.#excludes = [];
    this.#hidden = undefined;
  }

  #isExcluded(name: string, full: string): boolean {
    if (this.#excludes.some((pattern) => wildmatch(pattern, name))) return true;
    return this.#hidden?.hides(full, namespacePrefix(this.#repository.env['GIT_NAMESPACE'])) === true;
  }

  async #addRefs(prefix: string, strip: string, wanted: ((full: string) => boolean) | undefined): Promise<void> {
    for await (const ref of keptRefs(this.#repository, prefix)) {
      if (wanted !== undefined && !wanted(ref.name)) continue;
      const name = strip !== '' && ref.name.startsWith(strip) ? ref.name.slice(strip.length) : ref.name;
      if (this.#isExcluded(name, ref.name)) continue;
      if (!(await this.#exists(ref.oid, name))) continue;
      this.#add({ oid: ref.oid, name: ref.name, source: name, flags: this.#flags, given: false });
    }
  }

  async #addHead(): Promise<void> {
    const head = await this.#repository.refs.resolve('HEAD');
    if (head === undefined || this.#isExcluded('HEAD', 'HEAD')) return;
    if (await this.#exists(head, 'HEAD')) {
      this.#add({ oid: head, name: 'HEAD', flags: this.#flags, given: false });
    }
  }

  /** What the indexes of all work trees hold, as `--indexed-objects` names it. */
  async #addIndexes(): Promise<void> {
    const { indexedObjects } = await import('./object-roots.js');
    for (const { oid, path, kind } of indexedObjects(this.#repository, !this.#singleWorktree)) {
      if (kind === 'tree' ? !(await this.#exists(oid, path)) : false) continue;
      this.#pending.push({ oid, name: '', path, flags: this.#flags, given: false });
    }
  }

  /** HEAD of the other work trees. */
  async #addOtherHeads(): Promise<void> {
    const { fs } = this.#repository.platform;
    const { commonDir, gitDir } = this.#repository;
    const names = (fs.readDirectory(`${commonDir}/worktrees`) ?? []).map(({ name }) => name).sort(compareText);
    const heads = names.map((name) => `worktrees/${name}/HEAD`);
    if (gitDir !== commonDir) heads.unshift('main-worktree/HEAD');
    for (const head of heads) {
      if (gitDir === `${commonDir}/${head.slice(0, -5)}`) continue;
      const oid = await this.#repository.refs.resolve(head);
      if (oid === undefined || (await this.#repository.objects.readHeader(oid)) === undefined) continue;
      this.#pending.push({ oid, name: head, flags: this.#flags, given: false });
    }
  }

  async #addReflogs(): Promise<void> {
    const { refs, objects } = this.#repository;
    for (const name of await refs.reflogList()) {
      for (const entry of (await refs.reflog(name)) ?? []) {
        for (const oid of [entry.old, entry.new]) {
          if (/^0+$/.test(oid) || (await objects.readHeader(oid)) === undefined) continue;
          this.#pending.push({ oid, name: '', flags: this.#flags, given: false });
        }
      }
    }
  }

  /** `--merge`: HEAD and the other side of the merge in progress. */
  async #addMergeSides(): Promise<void> {
    const repository = this.#repository;
    const head = await repository.refs.resolve('HEAD');
    if (head === undefined) throw new GitError('REF_MISSING', '--merge without HEAD?');
    let other: Oid | undefined;
    let otherName = '';
    for (const name of ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'REBASE_HEAD']) {
      other = await resolveRevision(repository, name, { quiet: true });
      otherName = name;
      if (other !== undefined) break;
    }
    if (other === undefined) {
      throw new GitError(
        'REF_MISSING',
        '--merge requires one of the pseudorefs MERGE_HEAD, CHERRY_PICK_HEAD, REVERT_HEAD or REBASE_HEAD',
      );
    }
    const bases = await openAncestry(repository).mergeBases(head as Oid<'commit'>, [other as Oid<'commit'>]);
    this.#pending.push({ oid: head, name: 'HEAD', flags: SYMMETRIC_LEFT, given: false });
    this.#pending.push({ oid: other, name: otherName, flags: 0, given: false });
    for (const base of bases) this.#pending.push({ oid: base, name: '', flags: UNINTERESTING | BOTTOM, given: false });
    this.#settings.limited = true;
  }
}

/** A pattern of `--glob`, `--branches=` as a test of full names; one without wildcards means all below. */
function globOf(pattern: string, prefix: string): (full: string) => boolean {
  let full = prefix === '' && !pattern.startsWith('refs/') ? `refs/${pattern}` : prefix + pattern;
  if (!/[*?[\\]/.test(pattern)) full = `${full.replace(/\/$/, '')}/*`;
  return (name) => wildmatch(full, name);
}

/** What a pending object leads to, with the tags on the way. */
export interface PeeledPending {
  readonly tags: readonly { readonly oid: Oid; readonly name: string }[];
  readonly oid: Oid;
  readonly kind: Exclude<ObjectKind, 'tag'>;
}

/** Follows tags. Throws where something is missing; `undefined` where that is to be overlooked. */
export async function peelPending(
  repository: Repository,
  pending: PendingObject,
  overlook: boolean,
): Promise<PeeledPending | undefined> {
  const tags: { oid: Oid; name: string }[] = [];
  let { oid } = pending;
  for (;;) {
    const header = await repository.objects.readHeader(oid);
    if (header === undefined) {
      if (overlook || (pending.flags & UNINTERESTING) !== 0) return undefined;
      throw new GitError('OBJECT_MISSING', `bad object ${oid}`, { data: { oid } });
    }
    if (header.kind !== 'tag') return { tags, oid, kind: header.kind };
    const object = await repository.objects.read(oid);
    const tag = parseTag(object!.data);
    tags.push({ oid, name: tag.name });
    oid = tag.target;
  }
}
