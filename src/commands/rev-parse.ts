import { repositoryVariables as localVariables } from '../repo/local-environment.js';
import { decodeText } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { wildmatch } from '../base/wildmatch.js';
import { openAncestry } from '../repo/ancestry.js';
import { shortenRef } from '../refs/name.js';
import { approxidate } from '../repo/date-approx.js';
import { readGitFile, isGitDirectory } from '../repo/discover.js';
import { isCommonFile } from '../repo/layout.js';
import { keptRefs } from '../repo/kept-refs.js';
import { isAbsolute, realPathLenient, relativePath, resolvePath } from '../repo/paths.js';
import type { Repository } from '../repo/repository.js';
import type { RevisionOptions } from '../repo/revision.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { findRefs } from '../repo/revision-branch.js';
import { badRevision } from '../repo/revision-error.js';
import { verifyFilename } from '../repo/revision-path.js';
import { abbreviate, disambiguate, MINIMUM_ABBREVIATION } from '../repo/revision-short.js';
import type { CommandContext } from './command.js';
import { defineCommand, renderText } from './command.js';
import { HiddenRefs, namespacePrefix } from '../transport/hidden-refs.js';
import { UsageError } from './options.js';

interface Result {
  readonly text: string;
}

type Output = AsyncGenerator<Result, void>;

/** Which arguments are shown. */
interface Filter {
  flags: boolean;
  nonFlags: boolean;
  revisions: boolean;
  others: boolean;
}

/** Options that rev-list understands: they count as revisions for `--revs-only`. */
const revisionFlags: readonly string[] = [
  '--all',
  '--bisect',
  '--dense',
  '--branches',
  '--branches=',
  '--header',
  '--ignore-missing',
  '--max-age=',
  '--max-count=',
  '--min-age=',
  '--no-merges',
  '--min-parents=',
  '--no-min-parents',
  '--max-parents=',
  '--no-max-parents',
  '--objects',
  '--objects-edge',
  '--parents',
  '--pretty',
  '--remotes',
  '--remotes=',
  '--glob=',
  '--sparse',
  '--tags',
  '--tags=',
  '--topo-order',
  '--date-order',
  '--unpacked',
];

const isRevisionFlag = (word: string): boolean =>
  /^-\d/.test(word) || revisionFlags.some((flag) => (flag.endsWith('=') ? word.startsWith(flag) : word === flag));

export const command = defineCommand({
  name: 'rev-parse',
  summary: 'pick out and massage parameters',
  usage: [
    'rev-parse --parseopt [<options>] -- [<args>...]',
    'rev-parse --sq-quote [<arg>...]',
    'rev-parse [<options>] [<arg>...]\n\n' +
      'Run "git rev-parse --parseopt -h" for more information on the first usage.',
  ],
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<Result, number | void> {
    const { argv } = context;
    if (argv[0] === '--parseopt') {
      const { parseopt } = await import('./parseopt.js');
      const { text, code } = parseopt(context, argv.slice(1));
      yield { text };
      return code;
    }
    if (argv[0] === '--sq-quote') {
      yield {
        text: `${argv
          .slice(1)
          .map((word) => ` ${singleQuote(word)}`)
          .join('')}\n`,
      };
      return;
    }
    if (argv.length === 1 && argv[0] === '-h') throw new UsageError('', { help: true });
    return yield* new RevParse(context).run();
  },
  render: renderText,
});

const singleQuote = (text: string): string => `'${text.replace(/['!]/g, "'\\$&'")}'`;

class NoSingleRevision extends Error {}

/** Options that do not go together: told as an error, with an exit code of its own. */
class Incompatible extends Error {}

class RevParse {
  readonly #context: CommandContext;
  readonly #filter: Filter = { flags: true, nonFlags: true, revisions: true, others: true };
  #negated = false;
  #verify = false;
  #quiet = false;
  #quoted = false;
  #symbolic: 'no' | 'as is' | 'full' = 'no';
  #abbreviateRef: 'no' | 'strict' | 'loose' = 'no';
  #abbreviation: number | undefined;
  #default: string | undefined;
  #pathFormat: 'default' | 'absolute' | 'relative' = 'default';
  #prefix: string | undefined;
  #excluded: string[] = [];
  #hiddenFor: 'fetch' | 'receive' | 'uploadpack' | undefined;
  #kept: { oid: Oid; name: string; negated: boolean }[] = [];

  constructor(context: CommandContext) {
    this.#context = context;
  }

  get #repository(): Repository {
    return this.#context.repository();
  }

  get #revisionOptions(): RevisionOptions {
    return { quiet: this.#quiet, complain: (line) => this.#context.printError(`${line}\n`) };
  }

  async *run(): AsyncGenerator<Result, number | void> {
    try {
      yield* this.#words();
    } catch (error) {
      // A log that does not go back far enough says nothing either, where nothing is to be said.
      if (this.#quiet && isGitError(error, 'REF_MISSING') && error.message.startsWith('log for ')) return 128;
      if (error instanceof Incompatible) {
        this.#context.printError(`error: ${error.message}\n`);
        return 255;
      }
      if (!(error instanceof NoSingleRevision)) throw error;
      if (this.#quiet) return 1;
      throw new GitError('REF_MISSING', 'Needed a single revision');
    }
  }

  async *#words(): Output {
    const { argv } = this.#context;
    const hasDashes = argv.includes('--');
    // Everything but these two asks for a repository, also where nothing is asked.
    if (argv[0] !== '--local-env-vars' && argv[0] !== '--resolve-git-dir') void this.#repository;
    let asIs = 0;
    let endOfOptions = false;
    for (let i = 0; i < argv.length; i++) {
      const word = argv[i]!;
      if (asIs > 0) {
        const shown = yield* this.#showFile(word, true);
        if (shown && asIs < 2) await verifyFilename(this.#repository, word, false);
        continue;
      }
      if (word === '--') {
        asIs = 2;
        if (this.#filter.flags || this.#filter.revisions) yield* this.#showFile(word, false);
        continue;
      }
      if (!endOfOptions && word.startsWith('-')) {
        if (word === '--end-of-options') {
          endOfOptions = true;
          if (this.#filter.flags || this.#filter.revisions) yield* this.#showFile(word, false);
          continue;
        }
        const value = optionValue(word, argv[i + 1]);
        const used = yield* this.#option(word, value, i === 0);
        if (used === 'value') i++;
        if (used !== 'no') continue;
        const shown = yield* this.#showFlag(word);
        if (shown && this.#verify) throw new NoSingleRevision();
        continue;
      }
      if (yield* this.#range(word)) continue;
      if (yield* this.#parents(word)) continue;
      const negated = word.startsWith('^');
      const name = negated ? word.slice(1) : word;
      const oid = await resolveRevision(this.#repository, name, this.#revisionOptions);
      if (oid !== undefined) {
        if (this.#verify) this.#kept.push({ oid, name, negated });
        else yield* this.#showRevision(negated, oid, name);
        continue;
      }
      if (this.#verify) throw new NoSingleRevision();
      if (hasDashes) throw badRevision(word);
      asIs = 1;
      if (!(yield* this.#showFile(word, true))) break;
      await verifyFilename(this.#repository, word, true, (line) => this.#context.printError(`${line}\n`));
    }
    if (!this.#verify) {
      yield* this.#showDefault();
      return;
    }
    if (this.#kept.length === 1) {
      const [{ negated, oid, name }] = this.#kept as [{ oid: Oid; name: string; negated: boolean }];
      yield* this.#showRevision(negated, oid, name);
    } else if (this.#kept.length > 1 || !(yield* this.#showDefault())) throw new NoSingleRevision();
  }

  #line(text: string): Result {
    if (!this.#quoted) return { text: `${text}\n` };
    return { text: `'${text.replaceAll("'", "'\\''")}' ` };
  }

  *#showTyped(negated: boolean, text: string): Generator<Result, void> {
    yield this.#line((negated !== this.#negated ? '^' : '') + text);
  }

  async *#showRevision(negated: boolean, oid: Oid, name: string | undefined): Output {
    if (!this.#filter.revisions) return;
    this.#default = undefined;
    if ((this.#symbolic !== 'no' || this.#abbreviateRef !== 'no') && name !== undefined) {
      if (this.#symbolic !== 'full' && this.#abbreviateRef === 'no') {
        yield* this.#showTyped(negated, name);
        return;
      }
      const found = await findRefs(this.#repository, name, (line) => this.#context.printError(`${line}\n`));
      if (found.length === 0) return;
      if (found.length > 1) {
        this.#context.error(`refname '${name}' is ambiguous`);
        return;
      }
      let full = found[0]!.final;
      if (this.#abbreviateRef !== 'no') {
        full = await shortenRef(
          full,
          this.#abbreviateRef === 'strict',
          async (candidate) => (await this.#repository.refs.readRaw(candidate)) !== undefined,
        );
      }
      yield* this.#showTyped(negated, full);
      return;
    }
    if (this.#abbreviation !== undefined) {
      yield* this.#showTyped(negated, await abbreviate(this.#repository, oid, this.#abbreviation));
    } else yield* this.#showTyped(negated, oid);
  }

  async *#showDefault(): AsyncGenerator<Result, boolean> {
    const name = this.#default;
    if (name === undefined) return false;
    this.#default = undefined;
    const oid = await resolveRevision(this.#repository, name, this.#revisionOptions);
    if (oid === undefined) return false;
    yield* this.#showRevision(false, oid, name);
    return true;
  }

  async *#showFlag(word: string): AsyncGenerator<Result, boolean> {
    if (!this.#filter.flags) return false;
    if (isRevisionFlag(word) ? !this.#filter.revisions : !this.#filter.others) return false;
    yield this.#line(word);
    return true;
  }

  async *#showFile(word: string, withPrefix: boolean): AsyncGenerator<Result, boolean> {
    yield* this.#showDefault();
    if (!this.#filter.nonFlags || !this.#filter.others) return false;
    yield this.#line(withPrefix && this.#prefix !== undefined ? this.#prefixed(word) : word);
    return true;
  }

  #prefixed(word: string): string {
    return isAbsolute(word) || this.#prefix === '' ? word : this.#prefix + word;
  }

  async #committish(text: string): Promise<Oid | undefined> {
    return resolveRevision(this.#repository, text, { ...this.#revisionOptions, hint: 'committish' });
  }

  /** `A..B` and `A...B` */
  async *#range(word: string): AsyncGenerator<Result, boolean> {
    const dots = word.indexOf('..');
    if (dots < 0) return false;
    const symmetric = word[dots + 2] === '.';
    const start = word.slice(0, dots) || 'HEAD';
    const end = word.slice(dots + (symmetric ? 3 : 2)) || 'HEAD';
    // Only `..` is the parent directory.
    if (word === '..') return false;
    const a = await this.#committish(start);
    const b = a === undefined ? undefined : await this.#committish(end);
    if (a === undefined || b === undefined) return false;
    if (!symmetric) {
      yield* this.#showRevision(false, b, end);
      yield* this.#showRevision(true, a, start);
      return true;
    }
    yield* this.#showRevision(false, b, end);
    yield* this.#showRevision(false, a, start);
    const one = await peelTo(this.#repository, a, 'commit');
    const two = await peelTo(this.#repository, b, 'commit');
    if (one === undefined || two === undefined) return false;
    const bases = await openAncestry(this.#repository).mergeBases(one as Oid<'commit'>, [two as Oid<'commit'>]);
    for (const base of bases) yield* this.#showRevision(true, base, undefined);
    return true;
  }

  /** `A^!`, `A^@`, `A^-N` */
  async *#parents(word: string): AsyncGenerator<Result, boolean> {
    const match = /^(.*)\^(!|@|-(\d*))$/s.exec(word);
    if (match === null) return false;
    const [, name, mark, digits] = match;
    const number = digits === undefined || digits === '' ? 1 : Number(digits);
    if (mark!.startsWith('-') && number === 0) return false;
    const oid = await this.#committish(name!);
    const commit = oid === undefined ? undefined : await peelTo(this.#repository, oid, 'commit');
    if (oid === undefined || commit === undefined) return false;
    const parents = (await this.#repository.parentsOf(commit as Oid<'commit'>)) ?? [];
    if (mark!.startsWith('-') && number > parents.length) return false;
    if (mark !== '@') yield* this.#showRevision(false, oid, name);
    for (let i = 0; i < parents.length; i++) {
      if (mark!.startsWith('-') && number !== i + 1) continue;
      const shown = this.#symbolic === 'no' ? undefined : `${name}^${i + 1}`;
      yield* this.#showRevision(mark !== '@', parents[i]!, shown);
    }
    return true;
  }

  /** What became of an option: taken, taken with the next word, or not one of ours. */
  async *#option(
    word: string,
    { stuck, next }: { stuck: string | undefined; next: string | undefined },
    first: boolean,
  ): AsyncGenerator<Result, 'yes' | 'value' | 'no'> {
    const name = stuck === undefined ? word : word.slice(0, word.indexOf('='));
    const needed = (message: string): string => {
      if (next === undefined) throw new GitError('USAGE', message);
      return next;
    };
    const filter = this.#filter;
    if (stuck !== undefined) return yield* this.#optionWithValue(name, stuck);
    switch (name) {
      case '-n':
        if (next === undefined) throw new GitError('USAGE', '-n requires an argument');
        if (filter.flags && filter.revisions) {
          yield this.#line(word);
          yield this.#line(next);
        }
        return 'value';
      case '--git-path':
        yield* this.#showPath(this.#gitPath(needed('--git-path requires an argument')), 'shared');
        return 'value';
      case '--default':
        this.#default = needed('--default requires an argument');
        return 'value';
      case '--prefix':
        this.#prefix = needed('--prefix requires an argument');
        return 'value';
      case '--revs-only':
        filter.others = false;
        return 'yes';
      case '--no-revs':
        filter.revisions = false;
        return 'yes';
      case '--flags':
        filter.nonFlags = false;
        return 'yes';
      case '--no-flags':
        filter.flags = false;
        return 'yes';
      case '--verify':
        filter.flags = false;
        filter.others = false;
        this.#verify = true;
        return 'yes';
      case '-q':
      case '--quiet':
        this.#quiet = true;
        return 'yes';
      case '--short':
        filter.flags = false;
        filter.others = false;
        this.#verify = true;
        this.#abbreviation = 0;
        return 'yes';
      case '--sq':
        this.#quoted = true;
        return 'yes';
      case '--not':
        this.#negated = !this.#negated;
        return 'yes';
      case '--symbolic':
        this.#symbolic = 'as is';
        return 'yes';
      case '--symbolic-full-name':
        this.#symbolic = 'full';
        return 'yes';
      case '--abbrev-ref':
        this.#abbreviateRef = this.#repository.config.getBool('core.warnambiguousrefs', true) ? 'strict' : 'loose';
        return 'yes';
      case '--all':
        yield* this.#refs('refs/', '', undefined);
        return 'yes';
      case '--path-format':
        throw new GitError('USAGE', '--path-format requires an argument');
      case '--bisect': {
        const [bad, good] = bisectTerms(this.#repository);
        yield* this.#refs(`refs/bisect/${bad}`, '', undefined);
        yield* this.#refs(`refs/bisect/${good}`, '', undefined, true);
        return 'yes';
      }
      case '--branches':
        this.#refuseHidden(word);
        yield* this.#refs('refs/heads/', 'refs/heads/', undefined);
        return 'yes';
      case '--tags':
        this.#refuseHidden(word);
        yield* this.#refs('refs/tags/', 'refs/tags/', undefined);
        return 'yes';
      case '--remotes':
        this.#refuseHidden(word);
        yield* this.#refs('refs/remotes/', 'refs/remotes/', undefined);
        return 'yes';
      case '--local-env-vars':
        if (!first) return 'no';
        for (const variable of localVariables) yield { text: `${variable}\n` };
        return 'yes';
      case '--resolve-git-dir': {
        if (!first) return 'no';
        const place = needed('--resolve-git-dir requires an argument');
        const path = resolvePath(this.#context.cwd, place);
        let target: string | undefined;
        try {
          target = readGitFile(this.#context.platform, path, this.#context.env);
        } catch {
          target = undefined;
        }
        if (target === undefined && isGitDirectory(this.#context.platform.fs, path, this.#context.env)) target = place;
        if (target === undefined) throw new GitError('NOT_A_REPOSITORY', `not a gitdir '${place}'`);
        yield { text: `${target}\n` };
        return 'value';
      }
      default:
        return (yield* this.#question(name)) ? 'yes' : 'no';
    }
  }

  async *#optionWithValue(name: string, value: string): AsyncGenerator<Result, 'yes' | 'no'> {
    switch (name) {
      case '--path-format':
        if (value !== 'absolute' && value !== 'relative') {
          throw new GitError('USAGE', `unknown argument to --path-format: ${value}`);
        }
        this.#pathFormat = value;
        return 'yes';
      case '--short': {
        this.#filter.flags = false;
        this.#filter.others = false;
        this.#verify = true;
        const number = Number.parseInt(value, 10);
        const length = Number.isNaN(number) ? 0 : number;
        this.#abbreviation = Math.min(Math.max(length, MINIMUM_ABBREVIATION), 2 * this.#repository.oidLength);
        return 'yes';
      }
      case '--abbrev-ref':
        if (value !== 'strict' && value !== 'loose') {
          throw new GitError('USAGE', `unknown mode for --abbrev-ref: ${value}`);
        }
        this.#abbreviateRef = value;
        return 'yes';
      case '--disambiguate':
        for (const oid of await disambiguate(this.#repository, value)) yield* this.#showRevision(false, oid, undefined);
        return 'yes';
      case '--branches':
        this.#refuseHidden(name);
        yield* this.#refs('refs/heads/', 'refs/heads/', value);
        return 'yes';
      case '--tags':
        this.#refuseHidden(name);
        yield* this.#refs('refs/tags/', 'refs/tags/', value);
        return 'yes';
      case '--remotes':
        this.#refuseHidden(name);
        yield* this.#refs('refs/remotes/', 'refs/remotes/', value);
        return 'yes';
      case '--glob':
        yield* this.#refs('refs/', '', value);
        return 'yes';
      case '--exclude':
        this.#excluded.push(value);
        return 'yes';
      case '--exclude-hidden':
        if (value !== 'fetch' && value !== 'receive' && value !== 'uploadpack') {
          throw new GitError('USAGE', `unsupported section for hidden refs: ${value}`);
        }
        if (this.#hiddenFor !== undefined) throw new GitError('USAGE', '--exclude-hidden= passed more than once');
        this.#hiddenFor = value;
        return 'yes';
      case '--since':
      case '--after':
        yield this.#line(`--max-age=${this.#date(value)}`);
        return 'yes';
      case '--before':
      case '--until':
        yield this.#line(`--min-age=${this.#date(value)}`);
        return 'yes';
      case '--show-object-format':
        yield* this.#objectFormat(value);
        return 'yes';
      default:
        return 'no';
    }
  }

  #refuseHidden(option: string): void {
    if (this.#hiddenFor === undefined) return;
    throw new Incompatible(`options '--exclude-hidden' and '${option}' cannot be used together`);
  }

  #date(text: string): number {
    return approxidate(text, this.#repository.clock).seconds;
  }

  *#objectFormat(which: string): Generator<Result, void> {
    if (which === 'compat') yield { text: `${this.#repository.format.compatObjectFormat ?? ''}\n` };
    else if (which === 'storage' || which === 'input' || which === 'output') {
      yield { text: `${this.#repository.objectFormat}\n` };
    } else throw new GitError('USAGE', `unknown mode for --show-object-format: ${which}`);
  }

  /** The refs below a prefix that match a pattern, without the excluded ones. */
  async *#refs(prefix: string, strip: string, pattern: string | undefined, negated = false): Output {
    const repository = this.#repository;
    let glob: string | undefined;
    if (pattern !== undefined) {
      glob = strip === '' && !pattern.startsWith('refs/') ? `refs/${pattern}` : strip + pattern;
      if (!/[*?[]/.test(pattern)) glob = `${glob.replace(/\/+$/, '')}/*`;
    }
    const excluded = this.#excluded;
    const hidden =
      this.#hiddenFor === undefined ? undefined : HiddenRefs.fromConfig(repository.config, this.#hiddenFor);
    const namespace = namespacePrefix(repository.env['GIT_NAMESPACE']);
    for await (const ref of keptRefs(repository, prefix)) {
      if (glob !== undefined && !wildmatch(glob, ref.name)) continue;
      const shown = ref.name.slice(strip.length);
      if (excluded.some((exclude) => wildmatch(exclude, pattern === undefined || strip !== '' ? shown : ref.name)))
        continue;
      if (hidden?.hides(ref.name, namespace) === true) continue;
      yield* this.#showRevision(negated, ref.oid, strip === '' ? ref.name : shown);
    }
    this.#excluded = [];
    this.#hiddenFor = undefined;
  }

  /** Options that ask something about the repository. */
  async *#question(name: string): AsyncGenerator<Result, boolean> {
    const context = this.#context;
    const yesNo = (answer: boolean): Result => ({ text: `${answer}\n` });
    switch (name) {
      case '--show-toplevel': {
        const { workTree } = this.#repository;
        if (workTree === undefined) throw new GitError('USAGE', 'this operation must be run in a work tree');
        yield* this.#showPath(workTree, 'unmodified');
        return true;
      }
      case '--show-superproject-working-tree': {
        const outer = superproject(context, this.#repository);
        if (outer !== undefined) yield* this.#showPath(outer, 'unmodified');
        return true;
      }
      case '--show-prefix':
        yield { text: `${this.#repository.prefix}\n` };
        return true;
      case '--show-cdup': {
        const { prefix, insideWorkTree, workTree } = this.#repository;
        if (prefix === '') {
          if (!insideWorkTree && workTree !== undefined) yield { text: `${workTree}\n` };
          else if (insideWorkTree) yield { text: '\n' };
        } else yield { text: `${'../'.repeat(prefix.split('/').length - 1)}\n` };
        return true;
      }
      case '--git-dir':
        yield* this.#showPath(this.#gitDir(), 'unmodified');
        return true;
      case '--absolute-git-dir':
        yield { text: `${realPathLenient(context.platform.fs, this.#repository.gitDir)}\n` };
        return true;
      case '--git-common-dir':
        yield* this.#showPath(this.#shownDirectory(true), 'shared');
        return true;
      case '--is-inside-git-dir':
        yield yesNo(insideGitDirectory(context, this.#repository));
        return true;
      case '--is-inside-work-tree':
        yield yesNo(this.#repository.insideWorkTree);
        return true;
      case '--is-bare-repository':
        yield yesNo(this.#repository.bare);
        return true;
      case '--is-shallow-repository':
        yield yesNo((context.platform.fs.readFile(this.#repository.path('shallow'))?.length ?? 0) > 0);
        return true;
      case '--shared-index-path': {
        const shared = await sharedIndex(this.#repository);
        if (shared !== undefined) yield* this.#showPath(this.#gitPath(`sharedindex.${shared}`), 'shared');
        return true;
      }
      case '--show-object-format':
        yield* this.#objectFormat('storage');
        return true;
      case '--show-ref-format':
        yield { text: `${this.#repository.format.refStorage}\n` };
        return true;
      default:
        if (/^-n\d/.test(name)) {
          if (this.#filter.flags && this.#filter.revisions) yield this.#line(name);
          return true;
        }
        return false;
    }
  }

  /** The git directory as it is shown: from a directory below the work tree's root, absolute. */
  #gitDir(): string {
    const { gitDirShown, prefix, cwd, explicit } = this.#repository;
    if (prefix === '' || isAbsolute(gitDirShown) || explicit) return gitDirShown;
    return `${cwd.slice(0, cwd.length - prefix.length) || ''}/${gitDirShown}`;
  }

  /** The git or common directory as git sees it from the root of the work tree. */
  #shownDirectory(common: boolean): string {
    const { gitDirShown, gitDir, commonDir } = this.#repository;
    return common && commonDir !== gitDir ? commonDir : gitDirShown;
  }

  #gitPath(name: string): string {
    const repository = this.#repository;
    const usual = `${isCommonFile(name) ? repository.commonDir : repository.gitDir}/${name}`;
    const actual = repository.path(name);
    if (actual !== usual) {
      // Moved by the environment or configuration: shown as it was given there.
      const { env } = this.#context;
      if (name === 'index') return env['GIT_INDEX_FILE']!;
      if (name === 'info/grafts') return env['GIT_GRAFT_FILE']!;
      if (name.startsWith('objects')) {
        return (env['GIT_OBJECT_DIRECTORY'] ?? repository.objectsDirectory) + name.slice('objects'.length);
      }
      if (name.startsWith('hooks')) return repository.config.getPath('core.hookspath')! + name.slice('hooks'.length);
      return actual;
    }
    const directory = this.#shownDirectory(isCommonFile(name));
    return directory === '.' ? name : `${directory}/${name}`;
  }

  *#showPath(path: string, usual: 'unmodified' | 'shared'): Generator<Result, void> {
    const repository = this.#repository;
    const { fs } = this.#context.platform;
    const top = repository.insideWorkTree ? repository.workTree! : repository.cwd;
    const here = top === repository.workTree ? resolvePath(top, repository.prefix) : repository.cwd;
    const format = this.#pathFormat;
    if (format === 'absolute') yield { text: `${realPathLenient(fs, resolvePath(top, path))}\n` };
    else if (format === 'relative') {
      yield { text: `${relativePath(realPathLenient(fs, here), realPathLenient(fs, resolvePath(top, path)))}\n` };
    } else if (usual === 'unmodified' || repository.prefix === '') yield { text: `${path}\n` };
    else if (isAbsolute(path)) yield { text: `${path}\n` };
    else yield { text: `${relativePath(resolvePath('/', repository.prefix), resolvePath('/', path))}\n` };
  }
}

/** The words for bad and good of the bisection that goes on. */
function bisectTerms(repository: Repository): readonly [string, string] {
  const bytes = repository.platform.fs.readFile(repository.path('BISECT_TERMS'));
  const [bad, good] = bytes === undefined ? [] : decodeText(bytes).split('\n');
  return [bad || 'bad', good || 'good'];
}

/** `--name=value` taken apart; for `--name value` the next word. */
function optionValue(word: string, next: string | undefined): { stuck: string | undefined; next: string | undefined } {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  return { stuck: equals < 0 ? undefined : word.slice(equals + 1), next };
}

function insideGitDirectory(context: CommandContext, repository: Repository): boolean {
  const real = realPathLenient(context.platform.fs, repository.gitDir);
  return context.cwd === real || context.cwd.startsWith(`${real}/`);
}

/** The work tree of the repository that has this one as a submodule. */
function superproject(context: CommandContext, repository: Repository): string | undefined {
  const { workTree } = repository;
  if (workTree === undefined || !repository.insideWorkTree || workTree === '/') return undefined;
  const parent = workTree.slice(0, workTree.lastIndexOf('/')) || '/';
  const env: Record<string, string | undefined> = { ...context.env };
  for (const name of localVariables) delete env[name];
  const { processes } = context.platform;
  const ask = (...args: string[]): string | undefined => {
    const { code, stdout } = processes!.runSync(['git', '-C', parent, ...args], { env, stderr: 'ignore' });
    return code === 0 ? new TextDecoder().decode(stdout) : undefined;
  };
  const listed = ask('ls-files', '-z', '--stage', '--full-name', '--', workTree);
  if (listed === undefined || !listed.startsWith('160000')) return undefined;
  const path = /\t(.*)\0/s.exec(listed)?.[1];
  if (path === undefined || !workTree.endsWith(path)) return undefined;
  return workTree.slice(0, workTree.length - path.length - 1) || '/';
}

async function sharedIndex(repository: Repository): Promise<string | undefined> {
  const { readIndex } = await import('../worktree/index-file.js');
  const index = readIndex({
    platform: repository.platform,
    algorithm: repository.objectFormat,
    path: repository.path('index'),
    directory: repository.gitDir,
  });
  return index.shared?.oid;
}
