import { systemMessage } from '../platform/system-message.js';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { RESET, parseColor } from '../base/color.js';
import { GitError, noAnswer } from '../base/errors.js';
import { zeroOid } from '../base/oid.js';
import type { ObjectKind, Oid } from '../base/oid.js';
import type { RegexKind } from '../base/posix-regex.js';
import { quotePath } from '../base/quote.js';
import { looksBinary } from '../diff/binary.js';
import type { FunctionFinder } from '../diff/hunks.js';
import { plainFunctionLine } from '../diff/hunks.js';
import { splitLines } from '../diff/lines.js';
import { isGitlinkMode, isRegularMode, isTreeMode } from '../objects/mode.js';
import { checkTreeDepth, parseTree } from '../objects/tree.js';
import { GrepExpression } from '../porcelain/grep-pattern.js';
import type { GrepToken } from '../porcelain/grep-pattern.js';
import { checkGrepSettings } from '../repo/config-check.js';
import type { Pathspec } from '../repo/pathspec.js';
import { parsePathspec } from '../repo/pathspec.js';
import type { Repository } from '../repo/repository.js';
import { lastMatchingRule, parseIgnoreFile } from '../repo/ignore-rules.js';
import type { IgnoreList } from '../repo/ignore-rules.js';
import { readUserConfig } from '../repo/repository.js';
import { verifyFilename } from '../repo/revision-path.js';
import { resolveWithContext } from '../repo/revision.js';
import { AttributeReader } from '../worktree/attributes-reader.js';
import { Ignores } from '../worktree/ignore.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { DiffDrivers } from './diff-drivers.js';
import type { OptionEvent, ParsedOptions } from './options.js';
import { pagerCommand } from './pager.js';
import { parseNumber, UsageError } from './options.js';
import { openWorkTree } from './work-tree.js';

interface Hit {
  readonly path: string;
  readonly line?: number;
  readonly text: string;
}

const options = {
  cached: { type: 'flag', help: 'search in index instead of in the work tree' },
  'no-index': { type: 'flag', help: 'find in contents not managed by git' },
  untracked: { type: 'flag', help: 'search in both tracked and untracked files' },
  'exclude-standard': { type: 'flag', help: "ignore files specified via '.gitignore'" },
  'recurse-submodules': { type: 'flag', help: 'recursively search in each submodule' },
  'invert-match': { type: 'flag', short: 'v', help: 'show non-matching lines' },
  'ignore-case': { type: 'flag', short: 'i', help: 'case insensitive matching' },
  'word-regexp': { type: 'flag', short: 'w', help: 'match patterns only at word boundaries' },
  text: { type: 'flag', short: 'a', help: 'process binary files as text' },
  I: { type: 'flag', short: 'I', shortOnly: true, help: "don't match patterns in binary files" },
  textconv: { type: 'flag', help: 'process binary files with textconv filters' },
  recursive: { type: 'flag', short: 'r', help: 'search in subdirectories (default)' },
  'max-depth': { type: 'string', value: 'n', negatable: false, help: 'descend at most <n> levels' },
  'extended-regexp': { type: 'flag', short: 'E', help: 'use extended POSIX regular expressions' },
  'basic-regexp': { type: 'flag', short: 'G', help: 'use basic POSIX regular expressions (default)' },
  'fixed-strings': { type: 'flag', short: 'F', help: 'interpret patterns as fixed strings' },
  'perl-regexp': { type: 'flag', short: 'P', help: 'use Perl-compatible regular expressions' },
  'line-number': { type: 'flag', short: 'n', help: 'show line numbers' },
  column: { type: 'flag', help: 'show column number of first match' },
  h: { type: 'flag', short: 'h', shortOnly: true, help: "don't show filenames" },
  H: { type: 'flag', short: 'H', shortOnly: true, help: 'show filenames' },
  'full-name': { type: 'flag', help: 'show filenames relative to top directory' },
  'files-with-matches': {
    type: 'flag',
    short: 'l',
    aliases: ['name-only'],
    help: 'show only filenames instead of matching lines',
  },
  'files-without-match': { type: 'flag', short: 'L', help: 'show only the names of files without match' },
  null: { rarelyMeant: true, type: 'flag', short: 'z', help: 'print NUL after filenames' },
  'only-matching': { type: 'flag', short: 'o', help: 'show only matching parts of a line' },
  count: { type: 'flag', short: 'c', help: 'show the number of matches instead of matching lines' },
  color: { type: 'optional', value: 'when', implied: 'always', help: 'highlight matches' },
  break: { type: 'flag', help: 'print empty line between matches from different files' },
  heading: { type: 'flag', help: 'show filename only once above matches from same file' },
  context: { type: 'string', short: 'C', value: 'n', help: 'show <n> context lines before and after matches' },
  'before-context': {
    type: 'string',
    negatable: false,
    short: 'B',
    value: 'n',
    help: 'show <n> context lines before matches',
  },
  'after-context': {
    type: 'string',
    negatable: false,
    short: 'A',
    value: 'n',
    help: 'show <n> context lines after matches',
  },
  threads: { type: 'string', value: 'n', help: 'use <n> worker threads' },
  digits: { type: 'digits', help: 'shortcut for -C NUM' },
  'show-function': { type: 'flag', short: 'p', help: 'show a line with the function name before matches' },
  'function-context': { type: 'flag', short: 'W', help: 'show the surrounding function' },
  f: { type: 'list', short: 'f', shortOnly: true, value: 'file', help: 'read patterns from file' },
  e: { type: 'list', short: 'e', shortOnly: true, value: 'pattern', help: 'match <pattern>' },
  and: { type: 'flag', negatable: false, help: 'combine patterns specified with -e' },
  or: { type: 'flag', negatable: false },
  not: { type: 'flag', negatable: false },
  quiet: { type: 'flag', short: 'q', help: 'indicate hit with exit status without output' },
  'all-match': { type: 'flag', help: 'show only matches from files that match all patterns' },
  'open-files-in-pager': {
    rarelyMeant: true,
    type: 'optional',
    short: 'O',
    value: 'pager',
    implied: '',
    help: 'show matching files in the pager',
  },
  'ext-grep': { rarelyMeant: true, type: 'flag', help: 'allow calling of grep(1) (ignored by this build)' },
  'max-count': { type: 'string', short: 'm', value: 'n', help: 'maximum number of results per file' },
} as const;

type Options = ParsedOptions<typeof options>;

export const command = defineCommand({
  name: 'grep',
  summary: 'Print lines matching a pattern',
  usage: ['grep [<options>] [-e] <pattern> [<rev>...] [[--] <path>...]'],
  options,
  parsing: { noHelp: true, keepDashDash: true },
  async *run(context, args): AsyncGenerator<Hit, number> {
    if (context.argv.length === 1 && context.argv[0] === '-h') throw new UsageError('', { help: true });
    return yield* new Grep(context, args).run();
  },
  render: (hit: Hit) => hit.text,
});

interface Source {
  /** As shown in front of lines. */
  readonly name: string;
  /** From the top: what attributes are asked about. */
  readonly path: string;
  read(): Promise<Bytes | undefined>;
}

interface Colors {
  readonly filename: string;
  readonly function: string;
  readonly lineNumber: string;
  readonly column: string;
  readonly context: string;
  readonly selected: string;
  readonly matchContext: string;
  readonly matchSelected: string;
  readonly separator: string;
}

class Grep {
  readonly #context: CommandContext;
  readonly #args: Options;
  readonly #repository: Repository | undefined;
  #expression!: GrepExpression;
  #pathspec!: Pathspec;
  #colors: Colors | undefined;
  #before = 0;
  #after = 0;
  #lineNumber = false;
  #column = false;
  #fullName = false;
  #kind: RegexKind = 'basic';
  #hit = false;
  #shownAny = false;
  #limit = -1;
  #attributes: AttributeReader | undefined;
  #drivers: DiffDrivers | undefined;
  #heading = false;
  #break = false;

  /** Files are opened in a program instead of being shown. */
  #paging = false;

  constructor(context: CommandContext, args: Options) {
    this.#context = context;
    this.#args = args;
    this.#repository = context.maybeRepository();
  }

  #configure(): void {
    const { values } = this.#args;
    const config = this.#repository?.config;
    if (config !== undefined) checkGrepSettings(config);
    const threads = config?.getInt('grep.threads');
    if (threads !== undefined && threads < 0)
      throw new GitError('CONFIG', `invalid number of threads specified (${threads}) for grep.threads`);
    this.#lineNumber = values['line-number'] ?? config?.getBool('grep.linenumber') === true;
    this.#column = values.column ?? config?.getBool('grep.column') === true;
    this.#fullName = values['full-name'] ?? config?.getBool('grep.fullname') === true;
    const type = config?.get('grep.patterntype');
    if (type === 'extended' || type === 'basic' || type === 'fixed' || type === 'perl') this.#kind = type;
    else if (config?.getBool('grep.extendedregexp') === true) this.#kind = 'extended';
    for (const event of this.#args.events) {
      if (event.key === 'max-count') this.#limit = event.value === null ? 0 : wholeNumber(event);
      else if (event.key === 'max-depth' || event.key === 'threads') {
        if (event.value !== null) wholeNumber(event);
      } else if (event.key === 'color') checkColor(event);
      if (event.key === 'extended-regexp') this.#kind = event.negated ? 'basic' : 'extended';
      else if (event.key === 'basic-regexp') this.#kind = 'basic';
      else if (event.key === 'fixed-strings') this.#kind = event.negated ? 'basic' : 'fixed';
      else if (event.key === 'perl-regexp') this.#kind = event.negated ? 'basic' : 'perl';
      else if (event.key === 'context') [this.#before, this.#after] = contextLines(event);
      else if (event.key === 'digits') this.#before = this.#after = Number(event.value);
      else if (event.key === 'before-context') this.#before = contextNumber(event);
      else if (event.key === 'after-context') this.#after = contextNumber(event);
    }
    this.#heading = values.heading === true;
    this.#break = values.break === true;
    if (this.#context.wantColor('grep', values.color)) this.#colors = this.#readColors();
  }

  #readColors(): Colors {
    const config = this.#repository?.config;
    const slot = (name: string, fallback: string): string => {
      const value = config?.get(`color.grep.${name}`);
      return value === undefined ? fallback : parseColor(value);
    };
    // `match` says both, and whatever comes later counts.
    const matches = { matchcontext: '\x1b[1;31m', matchselected: '\x1b[1;31m' };
    for (const { key, value } of config?.entries() ?? []) {
      if (value === undefined) continue;
      if (key === 'color.grep.match') matches.matchcontext = matches.matchselected = parseColor(value);
      else if (key === 'color.grep.matchcontext') matches.matchcontext = parseColor(value);
      else if (key === 'color.grep.matchselected') matches.matchselected = parseColor(value);
    }
    return {
      filename: slot('filename', '\x1b[35m'),
      function: slot('function', ''),
      lineNumber: slot('linenumber', '\x1b[32m'),
      column: slot('column', '\x1b[32m'),
      context: slot('context', ''),
      selected: slot('selected', ''),
      matchContext: matches.matchcontext,
      matchSelected: matches.matchselected,
      separator: slot('separator', '\x1b[36m'),
    };
  }

  /** Patterns with their operators, as they came; and the words that are left. */
  #tokens(): { tokens: GrepToken[]; rest: string[]; dashDash: boolean } {
    const tokens: GrepToken[] = [];
    const events: OptionEvent[] = [...this.#args.events];
    let rest: string[] = [...this.#args.rest];
    // Patterns beside each other are alternatives anyway.
    const operators = new Set(['and', 'not']);
    if (this.#context.argv.some((word) => word === '(' || word === ')')) {
      // Parentheses are words of their own: order matters, so the words are read again.
      const again = orderedTokens(this.#context.argv);
      if (again === undefined) throw new GitError('USAGE', 'no pattern given');
      for (const token of again.tokens) {
        if (token.kind === 'file') this.#patternFile(tokens, token.text);
        else if (token.kind === 'pattern') tokens.push({ kind: 'pattern', text: token.text, where: '-e option' });
        else if (token.kind !== 'or') tokens.push({ kind: token.kind });
      }
      rest = rest.filter((word) => word !== '(' && word !== ')');
    } else {
      for (const event of events) {
        if (event.key === 'e') tokens.push({ kind: 'pattern', text: event.value!, where: '-e option' });
        else if (event.key === 'f') this.#patternFile(tokens, event.value!);
        else if (operators.has(event.key)) tokens.push({ kind: event.key as 'and' });
      }
    }
    const dash = rest.indexOf('--');
    if (tokens.length === 0) {
      const at = dash === 0 ? 1 : 0;
      const pattern = rest[at];
      if (pattern === undefined) throw new GitError('USAGE', 'no pattern given');
      rest.splice(0, at + 1);
      tokens.push({ kind: 'pattern', text: pattern, where: 'command line' });
    }
    const end = rest.indexOf('--');
    return { tokens, rest, dashDash: end >= 0 };
  }

  #patternFile(tokens: GrepToken[], file: string): void {
    let data: Bytes;
    try {
      data = file === '-' ? this.#context.io.stdin.readAll() : readFileSync(resolve(this.#context.cwd, file));
    } catch (error) {
      throw new GitError('USAGE', `cannot open '${file}': ${systemMessage(error)}`);
    }
    const lines = decodeText(data).split('\n');
    lines.forEach((text, i) => {
      if (text === '') return;
      tokens.push({ kind: 'pattern', text, where: `In '${file}' at ${i + 1}` });
    });
  }

  async *run(): AsyncGenerator<Hit, number> {
    const context = this.#context;
    const { values } = this.#args;
    this.#configure();
    let noIndex = values['no-index'] === true;
    if (!noIndex && this.#repository === undefined) {
      if (context.env['GIT_CONFIG_COUNT'] === undefined && values.cached === true) context.repository();
      if (fallsBack(context)) noIndex = true;
      else context.repository();
    }
    const { tokens, rest } = this.#tokens();
    const { revisions, paths } = noIndex ? { revisions: [], paths: plainPaths(rest) } : await this.#split(rest);
    this.#expression = new GrepExpression(tokens, {
      kind: this.#kind,
      ignoreCase: values['ignore-case'] === true,
      word: values['word-regexp'] === true,
      invert: values['invert-match'] === true,
      allMatch: values['all-match'] === true,
    });
    if (Number(values.threads ?? 0) < 0)
      throw new GitError('USAGE', `invalid number of threads specified (${values.threads})`);
    const prefix = noIndex ? '' : (this.#repository?.prefix ?? '');
    if (this.#repository !== undefined && !noIndex) {
      this.#attributes = new AttributeReader(this.#repository, {});
      this.#drivers = new DiffDrivers(context, this.#repository, (path) => this.#attributes!.of(path));
    }
    this.#pathspec = parsePathspec(paths, {
      prefix,
      workTree: this.#repository?.workTree,
      settings: context.globals.pathspecs,
      whenEmpty: 'cwd',
      attributesOf: (path) => this.#attributes?.of(path) ?? new Map(),
    });
    if (values['exclude-standard'] !== undefined && !noIndex && values.untracked !== true) {
      throw new GitError('USAGE', '--[no-]exclude-standard cannot be used for tracked contents');
    }
    if (noIndex && values.cached === true) {
      throw new GitError('USAGE', "options '--no-index' and '--cached' cannot be used together");
    }
    if (values.untracked === true && values.cached === true) {
      throw new GitError('USAGE', "options '--untracked' and '--cached' cannot be used together");
    }
    if ((noIndex || values.untracked === true) && revisions.length > 0) {
      throw new GitError('USAGE', '--no-index or --untracked cannot be used with revs');
    }
    if (revisions.length > 0 && values.cached === true) {
      throw new GitError('USAGE', 'both --cached and trees are given');
    }
    if (this.#limit === 0) return 1;
    const pagerFiles: string[] = [];
    const asked = values['open-files-in-pager'] ?? undefined;
    const pager = asked === '' ? pagerCommand(context) : asked;
    if (pager !== undefined && (revisions.length > 0 || values.cached === true))
      throw new GitError('USAGE', '--open-files-in-pager only works on the worktree');
    this.#paging = pager !== undefined;
    if (pager === undefined) context.startPager(true);
    const sources =
      revisions.length > 0
        ? this.#trees(revisions)
        : noIndex
          ? this.#plainFiles()
          : values.untracked === true
            ? this.#untracked()
            : this.#indexed(values.cached === true);
    for await (const source of sources) {
      const text = await this.#search(source);
      if (text === undefined) continue;
      if (values.quiet === true) return 0;
      if (pager !== undefined) {
        pagerFiles.push(this.#plainName(source.path));
        continue;
      }
      if (text !== '') yield { path: source.name, text };
    }
    if (pager !== undefined && this.#hit) await this.#openPager(pager, pagerFiles, tokens);
    return this.#hit ? 0 : 1;
  }

  async #openPager(command: string, files: readonly string[], tokens: readonly GrepToken[]): Promise<void> {
    const context = this.#context;
    const args: string[] = [];
    const base = command.split('/').pop()!;
    const patterns = tokens.filter((token) => token.kind === 'pattern');
    if ((base === 'less' || base === 'vi') && patterns.length === 1) {
      if (base === 'less' && this.#args.values['ignore-case'] === true) args.push('-I');
      const [only] = patterns;
      args.push(`+/${base === 'less' ? '*' : ''}${(only as { text: string }).text}`);
    }
    const processes = context.platform.processes!;
    const argv = processes.shell(command, [...args, ...files]);
    await processes.run(argv, {
      cwd: context.cwd,
      env: context.env,
      stdin: 'inherit',
      stdout: 'inherit',
      stderr: 'inherit',
    });
  }

  /** Revisions come first; what is none begins the paths. */
  async #split(
    words: readonly string[],
  ): Promise<{ revisions: { name: string; oid: Oid; path: string | undefined }[]; paths: string[] }> {
    const repository = this.#repository!;
    const end = words.indexOf('--');
    const before = end < 0 ? words : words.slice(0, end);
    const revisions: { name: string; oid: Oid; path: string | undefined }[] = [];
    let at = 0;
    for (; at < before.length; at++) {
      const word = before[at]!;
      const found = await resolveWithContext(repository, word, { quiet: true }).catch(noAnswer);
      if (found === undefined) {
        if (end >= 0) throw new GitError('REF_MISSING', `unable to resolve revision: ${word}`);
        break;
      }
      if (end < 0) {
        const { verifyNotFilename } = await import('../repo/revision-path.js');
        verifyNotFilename(repository, word);
      }
      revisions.push({ name: word, oid: found.oid, path: found.path });
    }
    const paths = [...before.slice(at), ...(end < 0 ? [] : words.slice(end + 1))];
    if (end < 0) {
      for (const path of before.slice(at))
        await verifyFilename(repository, path, path === before[at] && revisions.length === 0);
    }
    return { revisions, paths };
  }

  #plainName(path: string): string {
    return this.#fullName ? path : relativeTo(this.#repository?.prefix ?? '', path);
  }

  #shownName(path: string): string {
    const name = this.#plainName(path);
    return this.#args.values.null === true
      ? name
      : quotePath(name, this.#repository?.config.getBool('core.quotepath', true) ?? true);
  }

  #tooDeep(path: string): boolean {
    const { values } = this.#args;
    let depth = -1;
    if (values.recursive === false) depth = 0;
    const said = values['max-depth'];
    if (said !== undefined && said !== null) depth = Number(said);
    if (depth < 0) return false;
    const inside = (base: string): boolean => {
      const rest =
        base === '' ? path : path === base ? '' : path.startsWith(`${base}/`) ? path.slice(base.length + 1) : undefined;
      return rest !== undefined && rest.split('/').length - 1 <= depth;
    };
    // What a pattern matches may lie at any depth.
    if (this.#pathspec.items.some((item) => item.wildcards && !item.exclude && item.matches(path))) return false;
    const bases = this.#pathspec.isEmpty
      ? ['']
      : this.#pathspec.items
          .filter((item) => !item.exclude && !item.wildcards)
          .map((item) => item.match.replace(/\/$/, ''));
    return !bases.some(inside);
  }

  async *#indexed(cached: boolean): AsyncGenerator<Source> {
    const tree = openWorkTree(this.#context, !cached ? undefined : undefined);
    const repository = this.#repository!;
    if (!cached && repository.workTree === undefined) {
      throw new GitError('UNSUPPORTED', 'this operation must be run in a work tree');
    }
    let last = '';
    for (const entry of tree.index.entries) {
      const { path, mode } = entry;
      if (!isRegularMode(mode)) continue;
      if (path === last) continue;
      if (!this.#pathspec.matches(path) || this.#tooDeep(path)) continue;
      const blob = async (): Promise<Bytes | undefined> => (await repository.objects.read(entry.oid))?.data;
      const inIndex = cached || entry.assumeValid || entry.skipWorktree;
      if (inIndex && (entry.stage > 0 || entry.intentToAdd)) continue;
      if (!cached && entry.skipWorktree) continue;
      last = path;
      yield {
        name: this.#shownName(path),
        path,
        read: inIndex ? blob : () => this.#readFile(`${repository.workTree}/${path}`, path),
      };
    }
  }

  async #readFile(file: string, shown: string): Promise<Bytes | undefined> {
    const { fs } = this.#context.platform;
    const stat = fs.lstat(file);
    if (stat === undefined) return undefined;
    if (stat.kind !== 'file') return undefined;
    try {
      return fs.readFile(file);
    } catch (error) {
      this.#context.error(`failed to open '${shown}': ${(error as Error).message}`);
      return undefined;
    }
  }

  async *#untracked(): AsyncGenerator<Source> {
    const repository = this.#repository!;
    const tree = openWorkTree(this.#context);
    const exclude = this.#args.values['exclude-standard'] !== false;
    const { findUntracked } = await import('../worktree/untracked.js');
    const found = findUntracked(tree, {
      pathspec: this.#pathspec,
      ignores: exclude ? new Ignores(repository, { index: () => tree.index }) : undefined,
      collapse: false,
      hideEmpty: true,
      ignored: 'no',
    });
    const paths = new Set<string>(found.untracked.filter((path) => !path.endsWith('/')));
    for (const entry of tree.index.entries) {
      if (isGitlinkMode(entry.mode) || !this.#pathspec.matches(entry.path)) continue;
      paths.add(entry.path);
    }
    const { compareText } = await import('../base/bytes.js');
    for (const path of [...paths].sort(compareText)) {
      if (!this.#pathspec.matches(path) || this.#tooDeep(path)) continue;
      yield { name: this.#shownName(path), path, read: () => this.#readFile(`${repository.workTree}/${path}`, path) };
    }
  }

  /** `--no-index`: whatever lies below the current directory. */
  async *#plainFiles(): AsyncGenerator<Source> {
    const { fs } = this.#context.platform;
    const { cwd } = this.#context;
    const { compareText } = await import('../base/bytes.js');
    const ignores =
      this.#args.values['exclude-standard'] !== true
        ? undefined
        : this.#repository === undefined
          ? new PlainIgnores(this.#context)
          : new Ignores(this.#repository, {});
    const prefix = this.#repository?.prefix ?? '';
    const files: string[] = [];
    const walk = (directory: string): void => {
      for (const { name, kind } of fs.readDirectory(directory === '' ? cwd : `${cwd}/${directory}`) ?? []) {
        if (name === '.git') continue;
        const path = directory === '' ? name : `${directory}/${name}`;
        if (ignores?.isIgnored(prefix + path, kind === 'directory') === true) continue;
        if (kind === 'directory') {
          if (this.#pathspec.mayMatchBelow(path) || this.#pathspec.matches(path, true)) walk(path);
        } else if (kind === 'file') files.push(path);
      }
    };
    for (const item of this.#pathspec.items) {
      if (item.match.startsWith('../') || item.match.startsWith('/')) {
        const target = resolve(cwd, item.match);
        if (fs.lstat(target)?.kind === 'file') files.push(item.match);
      }
    }
    walk('');
    for (const path of files.sort(compareText)) {
      if (!path.startsWith('../') && !path.startsWith('/') && (!this.#pathspec.matches(path) || this.#tooDeep(path)))
        continue;
      const file = path.startsWith('/') ? path : `${cwd}/${path}`;
      const name = this.#args.values.null === true ? path : quotePath(path, true);
      yield { name, path, read: () => this.#readFile(file, path) };
    }
  }

  async *#trees(revisions: readonly { name: string; oid: Oid; path: string | undefined }[]): AsyncGenerator<Source> {
    const repository = this.#repository!;
    const { peelTo } = await import('../repo/revision.js');
    for (const revision of revisions) {
      let { oid } = revision;
      let object = await repository.objects.read(oid);
      while (object !== undefined && (object.kind === 'tag' || object.kind === 'commit')) {
        const next = await peelTo(repository, oid, object.kind === 'tag' ? 'any' : 'tree');
        if (next === undefined) break;
        oid = next;
        object = await repository.objects.read(oid);
      }
      if (object === undefined) throw new GitError('OBJECT_MISSING', `unable to read tree (${oid})`);
      const kind: ObjectKind = object.kind;
      if (kind === 'blob') {
        const data = object.data;
        const name = this.#args.values.null === true ? revision.name : quotePath(revision.name, true);
        yield { name, path: revision.path ?? revision.name, read: async () => data };
        continue;
      }
      const base = revision.path === undefined || revision.path === '' ? '' : `${revision.path}/`;
      const colon = revision.name.includes(':')
        ? revision.name.endsWith(':') || revision.name.endsWith('/')
          ? ''
          : '/'
        : ':';
      yield* this.#tree(object.data, '', `${revision.name}${colon}`, base);
    }
  }

  async *#tree(data: Bytes, directory: string, label: string, base: string, depth = 0): AsyncGenerator<Source> {
    checkTreeDepth(depth);
    const repository = this.#repository!;
    for (const entry of parseTree(data, repository.oidLength)) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (isTreeMode(entry.mode)) {
        if (!this.#pathspec.mayMatchBelow(path) && !this.#pathspec.matches(path, true)) continue;
        const below = await repository.objects.read(entry.oid);
        if (below === undefined) throw new GitError('OBJECT_MISSING', `unable to read tree (${entry.oid})`);
        yield* this.#tree(below.data, path, label, base, depth + 1);
      } else if (isRegularMode(entry.mode)) {
        if (!this.#pathspec.matches(path) || this.#tooDeep(path)) continue;
        const shown = this.#fullName || base !== '' ? path : relativeTo(repository.prefix, path);
        const name =
          this.#args.values.null === true
            ? label + shown
            : label + quotePath(shown, repository.config.getBool('core.quotepath', true) ?? true);
        yield { name, path: base + path, read: async () => (await repository.objects.read(entry.oid))?.data };
      }
    }
  }

  /** Searches one file; `undefined`: no hit. */
  async #search(source: Source): Promise<string | undefined> {
    const { values } = this.#args;
    let data = await source.read();
    if (data === undefined) return undefined;
    const driver = this.#drivers?.of(source.path);
    let converted = false;
    if (values.textconv === true && driver?.textconv !== undefined) {
      const content = data;
      const made = driver.textconv({
        path: source.path,
        mode: 0o100644,
        oid: zeroOid(this.#repository!.objectFormat),
        read: () => content,
      });
      data = isPromise(made) ? await made : made;
      converted = true;
    }
    const binary = values.text !== true && !converted && (driver?.binary ?? looksBinary(data));
    if (binary && values.I === true) return undefined;
    const text = decodeText(data);
    return new FileSearch(this.#plan(source, driver?.findFunction, binary), text, data).run();
  }

  #plan(source: Source, findFunction: FunctionFinder | undefined, binary: boolean): Plan {
    const { values } = this.#args;
    return {
      expression: this.#expression,
      name: source.name,
      showName: values.h !== true || this.#isLast('H'),
      values: {
        invert: values['invert-match'] === true,
        withMatches: values['files-with-matches'] === true,
        withoutMatch: values['files-without-match'] === true,
        count: values.count === true,
        quiet: values.quiet === true || this.#paging,
        onlyMatching: values['only-matching'] === true,
        nul: values.null === true,
        showFunction: values['show-function'] === true,
        functionContext: values['function-context'] === true,
      },
      heading: this.#heading,
      break: this.#break,
      lineNumber: this.#lineNumber,
      column: this.#column,
      before: this.#before,
      after: this.#after,
      limit: this.#limit,
      colors: this.#colors,
      binary,
      findFunction: findFunction ?? plainFunctionLine,
      shownAny: () => this.#shownAny,
      markShown: () => {
        this.#shownAny = true;
      },
      markHit: () => {
        this.#hit = true;
      },
    };
  }

  #isLast(key: 'h' | 'H'): boolean {
    let last: string | undefined;
    for (const event of this.#args.events) if (event.key === 'h' || event.key === 'H') last = event.key;
    return last === key;
  }
}

interface Plan {
  readonly expression: GrepExpression;
  readonly name: string;
  readonly showName: boolean;
  readonly values: {
    readonly invert: boolean;
    readonly withMatches: boolean;
    readonly withoutMatch: boolean;
    readonly count: boolean;
    readonly quiet: boolean;
    readonly onlyMatching: boolean;
    readonly nul: boolean;
    readonly showFunction: boolean;
    readonly functionContext: boolean;
  };
  readonly heading: boolean;
  readonly break: boolean;
  readonly lineNumber: boolean;
  readonly column: boolean;
  readonly before: number;
  readonly after: number;
  readonly limit: number;
  readonly colors: Colors | undefined;
  readonly binary: boolean;
  readonly findFunction: FunctionFinder;
  readonly shownAny: () => boolean;
  readonly markShown: () => void;
  readonly markHit: () => void;
}

/** The search of one file and what it prints. */
class FileSearch {
  readonly #plan: Plan;
  readonly #text: string;
  readonly #data: Bytes;
  readonly #starts: number[] = [0];
  #lines: ReturnType<typeof splitLines> | undefined;
  #out = '';
  #lastShown = 0;
  #headed = false;
  readonly #marks: boolean;

  constructor(plan: Plan, text: string, data: Bytes) {
    this.#plan = plan;
    this.#text = text;
    this.#data = data;
    this.#marks = plan.before > 0 || plan.after > 0 || plan.values.functionContext;
  }

  #line(index: number): string {
    const end = index + 1 < this.#starts.length ? this.#starts[index + 1]! - 1 : this.#text.length;
    const text = this.#text.slice(this.#starts[index]!, end);
    return index + 1 === this.#starts.length && text.endsWith('\n') ? text.slice(0, -1) : text;
  }

  #isFunction(index: number): boolean {
    this.#lines ??= splitLines(this.#data);
    return index >= 0 && index < this.#lines.count && this.#plan.findFunction(this.#lines, index) !== undefined;
  }

  run(): string | undefined {
    const plan = this.#plan;
    const { expression, values } = plan;
    const text = this.#text;
    if (!expression.allIn(text)) return values.withoutMatch ? this.#withoutMatch() : undefined;
    for (let at = text.indexOf('\n'); at >= 0 && at + 1 < text.length; at = text.indexOf('\n', at + 1)) {
      this.#starts.push(at + 1);
    }
    const count = text === '' ? 0 : this.#starts.length;
    let hits = 0;
    let shownUntil = 0;
    let after = 0;
    let functionEnd = -1;
    for (let index = 0; index < count; index++) {
      if (plan.limit >= 0 && hits >= plan.limit && after <= 0 && index > functionEnd) break;
      // Lines that cannot match are passed over where nothing else has to be shown of them.
      if (after <= 0 && index > functionEnd && !values.invert) {
        const next = expression.nextCandidate(text, this.#starts[index]!);
        if (next < 0) break;
        if (next > this.#starts[index]!) index = Math.max(index, this.#lineAt(next, index));
      }
      const line = this.#line(index);
      const hit = (plan.limit < 0 || hits < plan.limit) && expression.selects(line);
      if (!hit) {
        if (index <= functionEnd || after > 0) {
          if (index > functionEnd) after--;
          this.#show(index, '-');
          shownUntil = index + 1;
        }
        continue;
      }
      hits++;
      if (values.quiet) {
        plan.markHit();
        return '';
      }
      if (values.withMatches) {
        plan.markHit();
        return this.#nameLine();
      }
      if (values.withoutMatch) return undefined;
      if (values.count) continue;
      if (plan.binary) {
        plan.markHit();
        plan.markShown();
        return `Binary file ${paint(plan.colors?.filename, plan.name)} matches\n`;
      }
      plan.markHit();
      if (!values.onlyMatching) {
        if (values.functionContext) {
          const { from, header } = this.#functionStart(index, shownUntil);
          for (let i = from; i < index; i++) this.#show(i, i === header ? '=' : '-');
          functionEnd = index;
          while (functionEnd + 1 < count && !this.#isFunction(functionEnd + 1)) functionEnd++;
          while (functionEnd > index && this.#line(functionEnd).trim() === '') functionEnd--;
        } else {
          if (values.showFunction) this.#showFunctionBefore(index, shownUntil);
          for (let i = Math.max(shownUntil, index - plan.before); i < index; i++) {
            this.#show(i, values.showFunction && this.#isFunction(i) ? '=' : '-');
          }
        }
      }
      this.#show(index, ':');
      shownUntil = index + 1;
      after = plan.after;
    }
    if (values.withoutMatch) return this.#withoutMatch();
    if (values.count && hits > 0) {
      plan.markHit();
      const { colors } = plan;
      const number = hits;
      if (!plan.showName) return `${number}\n`;
      const separator = values.nul ? '\0' : paint(colors?.separator, ':');
      return `${paint(colors?.filename, plan.name)}${separator}${number}\n`;
    }
    return hits > 0 ? this.#out : undefined;
  }

  #lineAt(offset: number, from: number): number {
    let low = from;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #withoutMatch(): string {
    this.#plan.markHit();
    return this.#nameLine();
  }

  #nameLine(): string {
    const { colors, name, values } = this.#plan;
    return paint(colors?.filename, name) + (values.nul ? '\0' : '\n');
  }

  /** Where the function around a line begins: its own line, and the comment right above it. */
  #functionStart(index: number, shownUntil: number): { from: number; header: number } {
    const least = Math.max(shownUntil, index - this.#plan.before);
    let commentWanted = this.#isFunction(index);
    let functionWanted = !commentWanted;
    let header = -1;
    let from = index;
    while (from > shownUntil) {
      const above = from - 1;
      if (commentWanted && (this.#line(above).trim() === '' || this.#isFunction(above))) {
        commentWanted = false;
        if (above < least) break;
      }
      if (functionWanted && this.#isFunction(above)) {
        header = above;
        functionWanted = false;
        commentWanted = true;
      }
      from = above;
      if (!commentWanted && !functionWanted && from <= least) break;
    }
    return { from, header };
  }

  /** The nearest function line above, if it is not shown otherwise. */
  #showFunctionBefore(index: number, shownUntil: number): void {
    const first = Math.max(shownUntil, index - this.#plan.before);
    for (let i = first - 1; i >= shownUntil; i--) {
      if (!this.#isFunction(i)) continue;
      this.#show(i, '=');
      return;
    }
  }

  #show(index: number, sign: ':' | '-' | '='): void {
    const plan = this.#plan;
    const { colors, values } = plan;
    const number = index + 1;
    if (this.#lastShown === 0) {
      if (plan.break && plan.shownAny() && !this.#marks) this.#out += '\n';
      else if (plan.shownAny() && this.#marks) {
        if (plan.break) this.#out += '\n';
        else this.#out += `${paint(colors?.separator, '--')}\n`;
      }
    } else if (this.#marks && number > this.#lastShown + 1) {
      this.#out += `${paint(colors?.separator, '--')}\n`;
    }
    if (plan.heading && !this.#headed && plan.showName) {
      this.#out += paint(colors?.filename, plan.name) + (values.nul ? '\0' : '\n');
      this.#headed = true;
    }
    plan.markShown();
    this.#lastShown = number;
    const line = this.#line(index);
    if (!values.onlyMatching) {
      const column = plan.column && sign === ':' ? plan.expression.column(line) + 1 : 0;
      this.#out += this.#lineHead(number, column, sign);
    }
    if (values.onlyMatching) {
      if (sign !== ':') return;
      for (const { start, end } of plan.values.invert ? [] : plan.expression.matches(line)) {
        this.#out += this.#lineHead(number, plan.column ? byteColumn(line, start) + 1 : 0, sign);
        this.#out += `${paint(colors?.matchSelected, line.slice(start, end))}\n`;
      }
      return;
    }
    this.#out += `${this.#colored(line, sign)}\n`;
  }

  #lineHead(number: number, column: number, sign: string): string {
    const plan = this.#plan;
    const { colors, values } = plan;
    const separator = values.nul ? '\0' : paint(colors?.separator, sign);
    let out = '';
    if (!plan.heading && plan.showName) {
      out += paint(colors?.filename, plan.name) + separator;
    }
    if (plan.lineNumber) out += paint(colors?.lineNumber, String(number)) + separator;
    if (plan.column && column > 0) out += paint(colors?.column, String(column)) + separator;
    return out;
  }

  #colored(line: string, sign: string): string {
    const { colors, expression, values } = this.#plan;
    if (colors === undefined) return line;
    const lineColor = sign === ':' ? colors.selected : sign === '=' ? colors.function : colors.context;
    const matchColor = sign === ':' ? colors.matchSelected : colors.matchContext;
    const highlight = sign === ':' ? !values.invert : values.invert;
    // Lines, and what stands around matches, are painted even where they are nothing.
    const around = (text: string): string => (lineColor === '' ? text : `${lineColor}${text}${RESET}`);
    if (!highlight) return around(line);
    let out = '';
    let at = 0;
    for (const { start, end } of expression.matches(line)) {
      out += around(line.slice(at, start)) + paint(matchColor, line.slice(start, end));
      at = end;
    }
    return out + around(line.slice(at));
  }
}

const byteColumn = (line: string, index: number): number => encodeText(line.slice(0, index)).length;

const paint = (color: string | undefined, text: string): string =>
  color === undefined || color === '' || text === '' ? text : `${color}${text}${RESET}`;

const spelledOption = ({ spelled }: OptionEvent): string =>
  spelled.startsWith('--') ? `option \`${spelled.slice(2)}'` : `switch \`${spelled.slice(1)}'`;

/** A whole number with an optional k, m or g; throws in git's words. */
function wholeNumber(event: OptionEvent, kind = 'an integer value'): number {
  if (event.value === '') throw new UsageError(`${spelledOption(event)} expects a numerical value`, { quiet: true });
  const number = parseNumber(event.value ?? '');
  if (number === undefined || (kind !== 'an integer value' && number < 0))
    throw new UsageError(`${spelledOption(event)} expects ${kind} with an optional k/m/g suffix`, { quiet: true });
  return number;
}

function contextNumber(event: OptionEvent): number {
  if (event.value === null) return 0;
  if (event.key !== 'context') return wholeNumber(event, 'a non-negative integer value');
  if (event.value === '') return 0;
  if (!/^[+-]?\d+$/.test(event.value)) throw new UsageError("switch `C' expects a numerical value", { quiet: true });
  return Number(event.value);
}

/** Lines before and behind. Less than nothing is very much, but behind the last of them there is nothing more. */
function contextLines(event: OptionEvent): [number, number] {
  const lines = contextNumber(event);
  return lines < 0 ? [1 << 30, 0] : [lines, lines];
}

function checkColor({ value }: OptionEvent): void {
  if (value !== null && !/^(?:always|never|auto)$/.test(value))
    throw new UsageError('option `color\' expects "always", "auto", or "never"', { quiet: true });
}

/** `--no-index` takes only paths. */
function plainPaths(rest: readonly string[]): string[] {
  if (rest.indexOf('--') > 0) throw new GitError('USAGE', '--no-index or --untracked cannot be used with revs');
  return rest.filter((word) => word !== '--');
}

function relativeTo(prefix: string, path: string): string {
  if (prefix === '') return path;
  const from = prefix.replace(/\/$/, '').split('/');
  const to = path.split('/');
  let same = 0;
  while (same < from.length && same < to.length - 1 && from[same] === to[same]) same++;
  return [...from.slice(same).map(() => '..'), ...to.slice(same)].join('/');
}

type RawToken =
  | { readonly kind: 'pattern' | 'file'; readonly text: string }
  | { readonly kind: 'and' | 'or' | 'not' | 'open' | 'close' };

/** Reads pattern words in order, parentheses among them. */
function orderedTokens(argv: readonly string[]): { tokens: RawToken[] } | undefined {
  const tokens: RawToken[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') break;
    if (word === '(') tokens.push({ kind: 'open' });
    else if (word === ')') tokens.push({ kind: 'close' });
    else if (word === '--and' || word === '--or' || word === '--not') tokens.push({ kind: word.slice(2) as 'and' });
    else if (word === '-e' || word === '-f') {
      i++;
      tokens.push({ kind: word === '-e' ? 'pattern' : 'file', text: argv[i] ?? '' });
    } else if (/^-[a-zA-Z]*e./.test(word) && word.startsWith('-e')) {
      tokens.push({ kind: 'pattern', text: word.slice(2) });
    } else if (/^-[a-df-zA-Z]*e$/.test(word)) {
      i++;
      tokens.push({ kind: 'pattern', text: argv[i] ?? '' });
    }
  }
  return tokens.some((token) => token.kind === 'pattern') ? { tokens } : undefined;
}

/** Outside of a repository `grep.fallbackToNoIndex` may be set in the user's configuration. */
function fallsBack(context: CommandContext): boolean {
  const config = readUserConfig({ platform: context.platform, env: context.env, cwd: context.cwd });
  return config.getBool('grep.fallbacktonoindex') === true;
}

/** The rules of `.gitignore` files below the current directory, where there is no repository. */
class PlainIgnores {
  readonly #context: CommandContext;
  readonly #lists = new Map<string, IgnoreList | undefined>();

  constructor(context: CommandContext) {
    this.#context = context;
  }

  isIgnored(path: string, isDirectory: boolean): boolean {
    for (let directory = path; directory !== ''; ) {
      directory = directory.slice(0, Math.max(0, directory.lastIndexOf('/')));
      const list = this.#list(directory);
      const rule = list === undefined ? undefined : lastMatchingRule(list, path, () => isDirectory);
      if (rule !== undefined) return !rule.negative;
    }
    return false;
  }

  #list(directory: string): IgnoreList | undefined {
    if (!this.#lists.has(directory)) {
      const base = directory === '' ? '' : `${directory}/`;
      const data = this.#context.platform.fs.readFile(`${this.#context.cwd}/${base}.gitignore`);
      this.#lists.set(directory, data === undefined ? undefined : parseIgnoreFile(data, `${base}.gitignore`, base));
    }
    return this.#lists.get(directory);
  }
}
