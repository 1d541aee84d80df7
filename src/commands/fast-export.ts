import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { compareText, decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { isOid, type Oid, zeroOid } from '../base/oid.js';
import { needsQuoting, quotePath } from '../base/quote.js';
import type { FilePair } from '../diff/pair.js';
import { pairOfChange } from '../diff/pair.js';
import { detectRenames } from '../diff/renames.js';
import { diffTrees, type TreeChange } from '../diff/trees.js';
import { UNINTERESTING } from '../history/flags.js';
import type { CommitNode } from '../history/commit-pool.js';
import { parseHeaders } from '../objects/headers.js';
import { formatMode, isGitlinkMode } from '../objects/mode.js';
import { parseTag } from '../objects/tag.js';
import { pathFilter } from '../porcelain/log-paths.js';
import { parseRevisionRequest } from '../porcelain/log-revisions.js';
import { LogSettings } from '../porcelain/log-settings.js';
import { createLogWalk } from '../porcelain/log-walk.js';
import { dwimRef } from '../refs/dwim.js';
import { resolvePath } from '../repo/paths.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { defineCommand, refuseJson } from './command.js';
import { UsageError } from './options.js';

interface Settings {
  progress: number;
  signedTags: string;
  signedCommits: string;
  filteredTags: string;
  reencode: string;
  exportMarks: string | undefined;
  importMarks: string | undefined;
  importMustExist: boolean;
  fakeTagger: boolean;
  fullTree: boolean;
  useDone: boolean;
  data: boolean;
  referenceExcluded: boolean;
  originalIds: boolean;
  markTags: boolean;
  renames: 'none' | 'renames' | 'copies';
  refspecs: string[];
}

const usage = ['fast-export [<rev-list-opts>]'];

export const command = defineCommand({
  name: 'fast-export',
  summary: 'Git data exporter',
  usage,
  options: {},
  parsing: { none: true },
  // biome-ignore lint/correctness/useYield: the stream is printed as it is made
  async *run(context): AsyncGenerator<{ readonly text: string }, number | undefined> {
    if (context.argv.length === 0) throw new UsageError('', { help: false });
    if (context.argv.length === 1 && context.argv[0] === '-h') throw new UsageError('', { help: true });
    refuseJson(context);
    await exportStream(context);
    return undefined;
  },
  render: ({ text }) => text,
});

function takeOption(settings: Settings, argv: readonly string[], at: number): number {
  const word = argv[at]!;
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const flag = (set: (on: boolean) => void, positive: string): number => {
    if (word === `--${positive}`) set(true);
    else if (word === `--no-${positive}`) set(false);
    else return 0;
    return 1;
  };
  const value = (set: (text: string) => void): number => {
    if (equals >= 0) {
      set(word.slice(equals + 1));
      return 1;
    }
    if (at + 1 >= argv.length) throw new UsageError(`option \`${name.slice(2)}' requires a value`, { quiet: true });
    set(argv[at + 1]!);
    return 2;
  };
  const mode = (allowed: readonly string[], label: string, set: (text: string) => void): number =>
    value((text) => {
      if (!allowed.includes(text)) throw new UsageError(`unknown ${label} mode: ${text}`, { quiet: true });
      set(text);
    });
  switch (name) {
    case '--progress':
      return value((text) => (settings.progress = Number(text)));
    case '--signed-tags':
      return mode(
        ['abort', 'verbatim', 'ignore', 'warn-verbatim', 'warn', 'warn-strip', 'strip'],
        'signed-tags',
        (text) => (settings.signedTags = text),
      );
    case '--signed-commits':
      return mode(
        ['abort', 'verbatim', 'ignore', 'warn-verbatim', 'warn', 'warn-strip', 'strip'],
        'signed-commits',
        (text) => (settings.signedCommits = text),
      );
    case '--tag-of-filtered-object':
      return mode(['abort', 'drop', 'rewrite'], 'tag-of-filtered', (text) => (settings.filteredTags = text));
    case '--reencode':
      return mode(
        ['abort', 'yes', 'no', 'true', 'false', 'on', 'off'],
        'reencode',
        (text) => (settings.reencode = text),
      );
    case '--export-marks':
      return value((text) => (settings.exportMarks = text));
    case '--import-marks':
    case '--import-marks-if-exists':
      return value((text) => {
        if (settings.importMarks !== undefined) {
          throw new GitError('USAGE', 'cannot pass both --import-marks and --import-marks-if-exists');
        }
        settings.importMarks = text;
        settings.importMustExist = name === '--import-marks';
      });
    case '--refspec':
      return value((text) => settings.refspecs.push(text));
    case '-M':
      settings.renames = 'renames';
      return 1;
    case '-C':
      settings.renames = 'copies';
      return 1;
    case '--data':
      settings.data = true;
      return 1;
    case '--no-data':
      settings.data = false;
      return 1;
  }
  return (
    flag((on) => (settings.fakeTagger = on), 'fake-missing-tagger') ||
    flag((on) => (settings.fullTree = on), 'full-tree') ||
    flag((on) => (settings.useDone = on), 'use-done-feature') ||
    flag((on) => (settings.referenceExcluded = on), 'reference-excluded-parents') ||
    flag((on) => (settings.originalIds = on), 'show-original-ids') ||
    flag((on) => (settings.markTags = on), 'mark-tags')
  );
}

/** Paths as the stream has them: quoted where they need it, and where a space would end them. */
const streamPath = (path: string): string =>
  needsQuoting(path) ? quotePath(path) : path.includes(' ') ? `"${path}"` : path;

/** Deeper things first, so that a directory is emptied before a file takes its name; renames last. */
function byDepth(a: FilePair, b: FilePair): number {
  const nameOf = (pair: FilePair): string => (pair.new.mode === 0 ? pair.old.path : pair.new.path);
  const x = nameOf(a);
  const y = nameOf(b);
  const length = Math.min(x.length, y.length);
  const order = compareText(x.slice(0, length), y.slice(0, length));
  if (order !== 0) return order;
  if (x.length !== y.length) return y.length - x.length;
  return (a.status === 'R' ? 1 : 0) - (b.status === 'R' ? 1 : 0);
}

async function exportStream(context: CommandContext): Promise<void> {
  const repository = context.repository();
  const settings: Settings = {
    progress: 0,
    signedTags: 'abort',
    signedCommits: 'abort',
    filteredTags: 'abort',
    reencode: 'abort',
    exportMarks: undefined,
    importMarks: undefined,
    importMustExist: true,
    fakeTagger: false,
    fullTree: false,
    useDone: false,
    data: true,
    referenceExcluded: false,
    originalIds: false,
    markTags: false,
    renames: 'none',
    refspecs: [],
  };
  const log = new LogSettings();
  log.order = 'topo';
  const request = await parseRevisionRequest(context.argv, {
    context: { repository, terminal: () => context.io.stdout.isTerminal },
    settings: log,
    other: (argv, at) => takeOption(settings, argv, at),
    stdin: () => context.io.stdin.lines(),
    complain: (line) => context.printError(`${line}\n`),
  });
  if (request.rest.length > 0) throw new UsageError('');
  log.reverse = true;
  // Parents are rewritten to the nearest exported ones.
  log.rewriteParents = true;
  await new Exporter(context, repository, settings).run(request);
}

class Exporter {
  readonly #context: CommandContext;
  readonly #repository: Repository;
  readonly #settings: Settings;
  readonly #marks = new Map<Oid, number>();
  #last = 0;
  #objects = 0;

  constructor(context: CommandContext, repository: Repository, settings: Settings) {
    this.#context = context;
    this.#repository = repository;
    this.#settings = settings;
  }

  #out(data: string | Bytes): void {
    this.#context.io.stdout.write(data);
  }

  #progress(): void {
    const { progress } = this.#settings;
    this.#objects++;
    if (progress > 0 && this.#objects % progress === 0) this.#out(`progress ${this.#objects} objects\n`);
  }

  #markOf(oid: Oid): number {
    const mark = ++this.#last;
    this.#marks.set(oid, mark);
    return mark;
  }

  async #read(oid: Oid): Promise<{ kind: string; data: Bytes }> {
    const read = this.#repository.objects.read(oid);
    const object = isPromise(read) ? await read : read;
    if (object === undefined) throw new GitError('OBJECT_MISSING', `could not read object ${oid}`, { data: { oid } });
    return object;
  }

  async run(request: Awaited<ReturnType<typeof parseRevisionRequest>>): Promise<void> {
    const { settings } = this;
    this.#importMarks();
    const walk = await createLogWalk(this.#repository, request, { keepData: true, sources: true });
    const filter = pathFilter(walk.pathspec);
    const names = await this.#tips(request.pending);
    if (settings.useDone) this.#out('feature done\n');
    await walk.walk.prepare();
    const nodes: CommitNode[] = [];
    for (let node = await walk.walk.next(); node !== undefined; node = await walk.walk.next()) nodes.push(node);
    /** The commit each ref got last. */
    const last = new Map<string, Oid>();
    for (const node of nodes) {
      if (this.#marks.has(node.oid)) continue;
      const source = walk.sources?.get(node);
      const name = names.full.get(source ?? '') ?? source ?? names.byOid.get(node.oid);
      if (name === undefined) throw new GitError('USAGE', 'could not find a ref for a commit');
      last.set(name, node.oid);
      await this.#commit(node, this.#renamed(name), filter);
    }
    // Refs that no commit of the stream moves: second names of a commit, and what lies at the edge.
    for (let i = names.order.length - 1; i >= 0; i--) {
      const { name, oid, tagged, extra } = names.order[i]!;
      if (tagged !== undefined || last.get(name) === oid) continue;
      if (!extra && ((walk.pool.peek(oid)?.flags ?? 0) & UNINTERESTING) === 0) {
        continue;
      }
      await this.#resetRef(this.#renamed(name), oid);
    }
    for (let i = names.order.length - 1; i >= 0; i--) {
      const { name, tagged } = names.order[i]!;
      if (tagged !== undefined) await this.#tag(name, tagged);
    }
    for (const spec of this.#settings.refspecs) {
      if (spec.startsWith(':')) this.#out(`reset ${spec.slice(1)}\nfrom ${zeroOid(this.#repository.objectFormat)}\n\n`);
    }
    this.#exportMarks();
    if (settings.useDone) this.#out('done\n');
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** A ref's name after `--refspec`. */
  #renamed(name: string): string {
    for (const spec of this.#settings.refspecs) {
      const [from, to] = spec.replace(/^\+/, '').split(':') as [string, string | undefined];
      if (from === '' || to === undefined) continue;
      if (from === name) return to;
      const star = from.indexOf('*');
      if (star < 0) continue;
      const head = from.slice(0, star);
      const tail = from.slice(star + 1);
      if (name.startsWith(head) && name.endsWith(tail) && name.length >= head.length + tail.length) {
        return to.replace('*', () => name.slice(head.length, name.length - tail.length));
      }
    }
    return name;
  }

  /** The refs named, by what they are called on the command line, with what they lead to. */
  async #tips(pending: readonly { readonly oid: Oid; readonly name: string; readonly flags: number }[]) {
    const full = new Map<string, string>();
    const byOid = new Map<Oid, string>();
    const order: { name: string; oid: Oid; tagged: Oid | undefined; extra: boolean }[] = [];
    for (const { oid, name, flags } of pending) {
      if ((flags & UNINTERESTING) !== 0) continue;
      const found = name.startsWith('refs/') ? { name } : await dwimRef(this.#repository.refs, name);
      if (found === undefined || found.name === undefined) continue;
      let at = oid;
      let tagged: Oid | undefined;
      for (;;) {
        const object = await this.#read(at);
        if (object.kind !== 'tag') break;
        tagged ??= at;
        at = parseTag(object.data).target;
      }
      const ref = await this.#repository.refs.resolveFull(found.name);
      const target = found.name === 'HEAD' ? (ref?.name ?? 'HEAD') : found.name;
      full.set(name, target);
      const extra = byOid.has(at);
      if (!extra) byOid.set(at, target);
      const known = order.find((each) => each.name === target);
      if (known === undefined) order.push({ name: target, oid: at, tagged, extra });
      else known.extra ||= extra;
    }
    return { full, byOid, order };
  }

  async #blob(oid: Oid): Promise<void> {
    if (!this.#settings.data || this.#marks.has(oid)) return;
    const { data } = await this.#read(oid);
    const mark = this.#markOf(oid);
    this.#out(`blob\nmark :${mark}\n`);
    if (this.#settings.originalIds) this.#out(`original-oid ${oid}\n`);
    this.#out(`data ${data.length}\n`);
    this.#out(data);
    this.#out('\n');
    this.#progress();
  }

  async #changes(node: CommitNode, filter: Parameters<typeof diffTrees>[4]['filter']): Promise<FilePair[]> {
    const { objects, oidLength } = this.#repository;
    const parent = node.parents[0];
    // Against an excluded parent nothing is known on the other side: it is told as a whole, unless it is referred to.
    const known =
      parent !== undefined &&
      !this.#settings.fullTree &&
      (this.#marks.has(parent.oid) || this.#settings.referenceExcluded);
    let before: Oid | undefined;
    if (known) {
      const { headers } = parseHeaders((await this.#read(parent.oid)).data);
      before = headers[0]!.value as Oid;
    }
    const { headers } = parseHeaders((await this.#read(node.oid)).data);
    const changes: TreeChange[] = [];
    await diffTrees(objects, before, headers[0]!.value as Oid, oidLength, { recursive: true, filter }, (change) => {
      changes.push(change);
    });
    const pairs = changes.map((change) => pairOfChange(objects, change));
    if (this.#settings.renames === 'none') return pairs;
    return (await detectRenames(pairs, { find: this.#settings.renames })).pairs;
  }

  async #commit(node: CommitNode, name: string, filter: Parameters<typeof diffTrees>[4]['filter']): Promise<void> {
    const { settings } = this;
    const { headers, message } = parseHeaders((await this.#read(node.oid)).data);
    const header = (wanted: string): string | undefined => headers.find((each) => each.name === wanted)?.value;
    const pairs = await this.#changes(node, filter);
    for (const { new: side } of pairs) if (side.mode !== 0 && !isGitlinkMode(side.mode)) await this.#blob(side.oid);
    pairs.sort(byDepth);
    const parents = node.parents;
    if (parents.length === 0) this.#out(`reset ${name}\n`);
    const mark = this.#markOf(node.oid);
    this.#out(`commit ${name}\nmark :${mark}\n`);
    if (settings.originalIds) this.#out(`original-oid ${node.oid}\n`);
    this.#out(`author ${header('author')}\ncommitter ${header('committer')}\n`);
    for (const [field, algorithm] of [
      ['gpgsig', 'sha1'],
      ['gpgsig-sha256', 'sha256'],
    ] as const) {
      const signature = header(field);
      if (signature === undefined) continue;
      const how = settings.signedCommits;
      if (how === 'abort') {
        throw new GitError(
          'UNSUPPORTED',
          `encountered signed commit ${node.oid}; use --signed-commits=<mode> to handle it`,
        );
      }
      if (how === 'warn-verbatim' || how === 'warn')
        this.#context.warning(`exporting 1 signature(s) for commit ${node.oid}`);
      if (how === 'warn-strip') this.#context.warning(`stripping signature(s) from commit ${node.oid}`);
      if (how === 'strip' || how === 'warn-strip') continue;
      const kind = signature.startsWith('-----BEGIN PGP')
        ? 'openpgp'
        : signature.startsWith('-----BEGIN SSH')
          ? 'ssh'
          : 'x509';
      this.#out(`gpgsig ${algorithm} ${kind}\ndata ${encodeText(signature).length}\n${signature}`);
      this.#out('\n');
    }
    const encoding = header('encoding');
    let text = encodeText(message);
    if (encoding !== undefined) {
      if (settings.reencode === 'abort') {
        throw new GitError(
          'UNSUPPORTED',
          `encountered commit-specific encoding ${encoding} in commit ${node.oid}; use --reencode=[yes|no] to handle it`,
        );
      }
      const again = ['yes', 'true', 'on'].includes(settings.reencode) ? reencode(text, encoding) : undefined;
      if (again !== undefined) text = again;
      else this.#out(`encoding ${encoding}\n`);
    }
    this.#out(`data ${text.length}\n`);
    this.#out(text);
    let first = true;
    for (const parent of parents) {
      const known = this.#marks.get(parent.oid);
      if (known === undefined && !settings.referenceExcluded) continue;
      this.#out(`${first ? 'from' : 'merge'} ${known === undefined ? parent.oid : `:${known}`}\n`);
      first = false;
    }
    if (settings.fullTree) this.#out('deleteall\n');
    for (const pair of pairs) this.#change(pair);
    this.#out('\n');
    this.#progress();
  }

  #change(pair: FilePair): void {
    const { old, new: side, status } = pair;
    if (side.mode === 0) {
      this.#out(`D ${streamPath(old.path)}\n`);
      return;
    }
    if (status === 'R' || status === 'C') {
      this.#out(`${status} ${streamPath(old.path)} ${streamPath(side.path)}\n`);
      if (old.oid === side.oid && old.mode === side.mode) return;
    }
    const mark = this.#settings.data && !isGitlinkMode(side.mode) ? this.#marks.get(side.oid) : undefined;
    this.#out(`M ${formatMode(side.mode)} ${mark === undefined ? side.oid : `:${mark}`} ${streamPath(side.path)}\n`);
  }

  async #resetRef(name: string, oid: Oid): Promise<void> {
    const mark = this.#marks.get(oid) ?? (await this.#nearestExported(oid));
    const from =
      mark !== undefined ? `:${mark}` : this.#settings.referenceExcluded ? oid : zeroOid(this.#repository.objectFormat);
    this.#out(`reset ${name}\nfrom ${from}\n\n`);
    this.#progress();
  }

  async #tag(name: string, oid: Oid): Promise<void> {
    const { settings } = this;
    const { data } = await this.#read(oid);
    const tag = parseTag(data);
    const { headers } = parseHeaders(data);
    let tagger = headers.find((each) => each.name === 'tagger')?.value;
    let { message } = tag;
    const start = message.search(/^-----BEGIN (?:PGP|SSH|SIGNED) /m);
    if (start >= 0) {
      const how = settings.signedTags;
      if (how === 'abort') {
        throw new GitError('UNSUPPORTED', `encountered signed tag ${oid}; use --signed-tags=<mode> to handle it`);
      }
      if (how === 'warn-verbatim' || how === 'warn') this.#context.warning(`exporting signed tag ${oid}`);
      if (how === 'warn-strip') this.#context.warning(`stripping signature from tag ${oid}`);
      if (how === 'strip' || how === 'warn-strip') message = message.slice(0, start);
    }
    if (tagger === undefined && settings.fakeTagger) tagger = 'Unspecified Tagger <unspecified-tagger> 0 +0000';
    let mark = this.#marks.get(tag.target);
    if (mark === undefined) {
      // What it tags was not exported.
      if (settings.filteredTags === 'drop') return;
      if (settings.filteredTags === 'abort') {
        throw new GitError(
          'UNSUPPORTED',
          `tag ${oid} tags unexported object; use --tag-of-filtered-object=<mode> to handle it`,
        );
      }
      mark = await this.#nearestExported(tag.target);
      if (mark === undefined) {
        this.#out(`reset ${name}\nfrom ${zeroOid(this.#repository.objectFormat)}\n\n`);
        return;
      }
    }
    const short = name.startsWith('refs/tags/') ? name.slice('refs/tags/'.length) : name;
    this.#out(`tag ${short}\n`);
    if (settings.markTags) this.#out(`mark :${this.#markOf(oid)}\n`);
    this.#out(`from :${mark}\n`);
    if (settings.originalIds) this.#out(`original-oid ${oid}\n`);
    const bytes = encodeText(message);
    this.#out(`${tagger === undefined ? '' : `tagger ${tagger}\n`}data ${bytes.length}\n`);
    this.#out(bytes);
    this.#out('\n');
    this.#progress();
  }

  async #nearestExported(oid: Oid): Promise<number | undefined> {
    for (let at: Oid | undefined = oid; at !== undefined; ) {
      const mark = this.#marks.get(at);
      if (mark !== undefined) return mark;
      const object = await this.#read(at);
      if (object.kind === 'tag') at = parseTag(object.data).target;
      else if (object.kind === 'commit') {
        at = parseHeaders(object.data).headers.find((each) => each.name === 'parent')?.value as Oid | undefined;
      } else return undefined;
    }
    return undefined;
  }

  #importMarks(): void {
    const { importMarks, importMustExist } = this.#settings;
    if (importMarks === undefined) return;
    const bytes = this.#context.platform.fs.readFile(resolvePath(this.#context.cwd, importMarks));
    if (bytes === undefined) {
      if (importMustExist) throw new GitError('PATH_MISSING', `cannot read '${importMarks}'`);
      return;
    }
    for (const line of decodeText(bytes).split('\n')) {
      if (line === '') continue;
      const match = /^:(\d+) ([0-9a-f]+)$/.exec(line);
      if (match === null || !isOid(match[2]!)) throw new GitError('PROTOCOL', `corrupt mark line: ${line}`);
      this.#marks.set(match[2]!, Number(match[1]));
      this.#last = Math.max(this.#last, Number(match[1]));
    }
  }

  #exportMarks(): void {
    const { exportMarks } = this.#settings;
    if (exportMarks === undefined) return;
    const lines = [...this.#marks].map(([oid, mark]) => `:${mark} ${oid}\n`);
    this.#context.platform.fs.writeFile(resolvePath(this.#context.cwd, exportMarks), encodeText(lines.join('')));
  }
}

/** The text in UTF-8; `undefined` where the encoding is not known. */
function reencode(text: Bytes, encoding: string): Bytes | undefined {
  try {
    return new TextEncoder().encode(new TextDecoder(encoding).decode(text));
  } catch {
    return undefined;
  }
}
