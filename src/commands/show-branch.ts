import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { wildmatch } from '../base/wildmatch.js';
import { type CommitNode, CommitPool } from '../history/commit-pool.js';
import { abbreviate } from '../porcelain/abbreviate.js';
import { readSubject, skipBlankLines, viewCommit } from '../porcelain/pretty-view.js';
import { BranchGraph, type ShownTip } from '../porcelain/show-branch.js';
import { formatDate } from '../repo/dates.js';
import { approxidate } from '../repo/date-approx.js';
import type { Repository } from '../repo/repository.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { type CommandContext, defineCommand, renderText } from './command.js';
import { type OptionSpecs, parseOptions, type ParsedOptions, UsageError } from './options.js';

const options = {
  all: { type: 'flag', short: 'a', help: 'show remote-tracking and local branches' },
  remotes: { type: 'flag', short: 'r', help: 'show remote-tracking branches' },
  color: {
    type: 'optional',
    value: 'when',
    implied: 'always',
    help: "color '*!+-' corresponding to the branch",
  },
  more: {
    type: 'optional',
    value: 'n',
    implied: '1',
    help: 'show <n> more commits after the common ancestor',
  },
  list: { type: 'flag', help: 'synonym to more=-1' },
  'no-name': { type: 'flag', help: 'suppress naming strings' },
  current: { type: 'flag', help: 'include the current branch' },
  'sha1-name': { type: 'flag', help: 'name commits with their object names' },
  'merge-base': { type: 'flag', help: 'show possible merge bases' },
  independent: { type: 'flag', help: 'show refs unreachable from any other ref' },
  'topo-order': { type: 'flag', negatable: false, help: 'show commits in topological order' },
  topics: { type: 'flag', help: 'show only commits not on the first branch' },
  sparse: { type: 'flag', help: 'show merges reachable from only one tip' },
  'date-order': {
    type: 'flag',
    negatable: false,
    help: 'topologically sort, maintaining date order where possible',
  },
  reflog: {
    type: 'optional',
    short: 'g',
    value: 'n>[,<base>',
    implied: '',
    negatable: false,
    help: 'show <n> most recent ref-log entries starting at base',
  },
} as const satisfies OptionSpecs;

/** As many as there are bits for. */
const MOST = 26;

const colors = ['31', '32', '33', '34', '35', '36', '1;31', '1;32', '1;33', '1;34', '1;35', '1;36'];

interface Line {
  readonly text: string;
}

interface Tip extends ShownTip {
  readonly oid: Oid;
  /** What a reflog says about it. */
  readonly note?: string | undefined;
}

export const command = defineCommand({
  name: 'show-branch',
  summary: 'Show branches and their commits',
  usage: [
    'show-branch [-a | --all] [-r | --remotes] [--topo-order | --date-order]\n' +
      '                [--current] [--color[=<when>] | --no-color] [--sparse]\n' +
      '                [--more=<n> | --list | --independent | --merge-base]\n' +
      '                [--no-name | --sha1-name] [--topics]\n' +
      '                [(<rev> | <glob>)...]',
    'show-branch (-g | --reflog)[=<n>[,<base>]] [--list] [<ref>]',
  ],
  options,
  async *run(context, args): AsyncGenerator<Line, number> {
    return yield* new ShowBranch(context, args).run();
  },
  render: renderText,
});

class ShowBranch {
  readonly #context: CommandContext;
  readonly #repository: Repository;
  readonly #pool: CommitPool;
  #args: ParsedOptions<typeof options>;
  readonly #tips: Tip[] = [];

  constructor(context: CommandContext, args: ParsedOptions<typeof options>) {
    this.#context = context;
    this.#repository = context.repository();
    this.#pool = new CommitPool(this.#repository.objects, { keepData: true, grafts: this.#repository.grafts });
    this.#args = args;
  }

  async *run(): AsyncGenerator<Line, number> {
    const repository = this.#repository;
    const defaults = repository.config.getAll('showbranch.default');
    if (this.#context.argv.length === 0 && defaults.length > 0) this.#args = parseOptions(options, defaults, {});
    const { values, rest } = this.#args;
    let more = values.list === true ? -1 : values.more == null ? 0 : Number(values.more);
    const independent = values.independent === true;
    const mergeBase = values['merge-base'] === true;
    const reflog = values.reflog ?? undefined;
    const exclusive = [
      ['--all/--remotes', values.all === true || values.remotes === true],
      ['--independent/--merge-base', independent || mergeBase],
      ['--current', values.current === true],
    ] as const;
    if (reflog !== undefined) {
      for (const [name, used] of exclusive) {
        if (used) throw new GitError('USAGE', `options '--reflog' and '${name}' cannot be used together`);
      }
    }
    if (Number(more !== 0) + Number(independent) + Number(mergeBase) > 1) throw new UsageError('');
    const head = await repository.refs.resolveFull('HEAD');
    if (reflog !== undefined) {
      if (!(await this.#fromReflog(reflog, rest, head?.name))) return 1;
    } else {
      for (const word of rest) await this.#word(word);
      if (values.all === true || values.remotes === true) {
        if (values.all === true) await this.#refs('refs/heads/', '');
        await this.#refs('refs/remotes/', '');
      } else if (rest.length <= (values.topics === true ? 1 : 0)) await this.#refs('refs/heads/', '');
    }
    const branch = head?.symbolic === true ? head.name.replace(/^refs\/heads\//, '') : undefined;
    const isHead = (tip: Tip): boolean =>
      reflog === undefined && branch !== undefined && tip.oid === head?.oid && isNameOf(tip.name, branch);
    if (values.current === true && branch !== undefined && !this.#tips.some(isHead)) await this.#word(branch);
    const tips = this.#tips;
    if (tips.length === 0) {
      if (reflog === undefined) this.#context.printError('No revs to be shown.\n');
      return 0;
    }
    const graph = new BranchGraph(this.#pool, tips);
    await graph.walk(Math.max(0, more));
    if (mergeBase) {
      const bases = graph.mergeBases();
      for (const oid of bases) yield { text: `${oid}\n` };
      return bases.length > 0 ? 0 : 1;
    }
    if (independent) {
      for (const oid of graph.independent()) yield { text: `${oid}\n` };
      return 0;
    }
    const colored = this.#context.wantColor('showbranch', values.color === null ? null : values.color);
    const paint = (i: number, mark: string): string =>
      colored ? `\x1b[${colors[i % colors.length]}m${mark}\x1b[m` : mark;
    for (const [i, tip] of tips.entries()) {
      if (tips.length === 1 && more >= 0) break;
      const here = isHead(tip);
      const mark = more < 0 ? `${here ? '*' : ' '} ` : `${' '.repeat(i)}${paint(i, here ? '*' : '!')} `;
      yield { text: `${mark}[${tip.name}] ${tip.note ?? (await this.#subject(tip.node))}\n` };
    }
    if (more < 0) return 0;
    if (tips.length > 1) yield { text: `${'-'.repeat(tips.length)}\n` };
    const order = await graph.ordered(values['date-order'] === true);
    if (values['sha1-name'] !== true && values['no-name'] !== true) graph.nameAll(order);
    const headAt = tips.findIndex(isHead);
    let shownCommon = false;
    for (const node of order) {
      const bits = graph.reachedFrom(node);
      const common = bits === graph.all;
      shownCommon ||= common;
      let marks = '';
      if (tips.length > 1) {
        const merge = node.parents.length > 1;
        if (values.topics === true && !common && (bits & 1) !== 0) continue;
        if (values.sparse !== true && graph.isInner(node)) continue;
        for (let i = 0; i < tips.length; i++) {
          marks += (bits & (1 << i)) === 0 ? ' ' : paint(i, merge ? '-' : i === headAt ? '*' : '+');
        }
        marks += ' ';
      }
      yield { text: `${marks}${await this.#named(graph, node)}${await this.#subject(node)}\n` };
      if (shownCommon && --more < 0) break;
    }
    return 0;
  }

  async #named(graph: BranchGraph, node: CommitNode): Promise<string> {
    const { values } = this.#args;
    if (values['no-name'] === true) return '';
    return `[${graph.nameOf(node) ?? (await abbreviate(this.#repository, node.oid))}] `;
  }

  async #subject(node: CommitNode): Promise<string> {
    if (!node.loaded) await this.#pool.load(node);
    const view = viewCommit(node.oid, await this.#pool.data(node), 'UTF-8', node);
    const { subject } = readSubject(view.text, skipBlankLines(view.text, view.messageStart), ' ');
    return subject.replace(/^\[PATCH\] /, '');
  }

  async #add(name: string, oid: Oid, note?: string): Promise<void> {
    const commit = await peelTo(this.#repository, oid, 'commit');
    if (commit === undefined || (note === undefined && this.#tips.some((tip) => tip.name === name))) return;
    if (this.#tips.length >= MOST) {
      this.#context.warning(`ignoring ${name}; cannot handle more than ${MOST} refs`);
      return;
    }
    const node = this.#pool.node(commit);
    await this.#pool.load(node);
    this.#tips.push({ name, oid: commit, node, note });
  }

  /** Branches and tags below a prefix, by their short names. */
  async #refs(prefix: string, cut: string): Promise<void> {
    const before = this.#tips.length;
    for await (const ref of this.#repository.refs.list(prefix)) await this.#add(shortName(ref.name, cut), ref.oid);
    const fresh = this.#tips.splice(before);
    this.#tips.push(...sortedNaturally(fresh));
  }

  /** A revision, or a pattern over refs. */
  async #word(word: string): Promise<void> {
    const oid = await resolveRevision(this.#repository, word, { quiet: true });
    if (oid !== undefined) {
      const commit = await peelTo(this.#repository, oid, 'commit');
      if (commit === undefined) throw new GitError('REF_INVALID', `'${word}' is not a valid ref.`);
      return this.#add(word.startsWith('refs/heads/') ? word.slice(11) : word, oid);
    }
    if (/[*?[]/.test(word)) {
      const before = this.#tips.length;
      const slashes = word.split('/').length;
      for await (const ref of this.#repository.refs.list('refs/')) {
        const parts = ref.name.split('/');
        const tail = parts.slice(-slashes).join('/');
        if (parts.length <= slashes || !wildmatch(word, tail)) continue;
        await this.#add(shortName(ref.name, ''), ref.oid);
      }
      if (this.#tips.length > before) {
        this.#tips.push(...sortedNaturally(this.#tips.splice(before)));
        return;
      }
      this.#context.error(`no matching refs with ${word}`);
      return;
    }
    throw new GitError('REF_MISSING', `bad sha1 reference ${word}`);
  }

  /** Entries of a reflog as tips. */
  async #fromReflog(request: string, rest: readonly string[], headName: string | undefined): Promise<boolean> {
    const repository = this.#repository;
    const [countText = '', base] = request.split(/,(.*)/s);
    let count = countText === '' ? 4 : Number(countText);
    if (!Number.isInteger(count)) throw new UsageError(`unrecognized reflog param '${request}'`, { quiet: true });
    if (count <= 0) count = 4;
    if (rest.length > 1) throw new GitError('USAGE', '--reflog option needs one branch name');
    const name = rest[0] ?? headName ?? 'HEAD';
    if (count > MOST) throw new GitError('USAGE', `only ${MOST} entries can be shown at one time.`);
    const names = ['', 'refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/'].map((prefix) => prefix + name);
    let ref: string | undefined;
    for (const candidate of names) {
      if (ref === undefined && (await repository.refs.resolve(candidate)) !== undefined) ref = candidate;
    }
    if (ref === undefined) throw new GitError('REF_MISSING', `no such ref ${name}`);
    const entries = [...((await repository.refs.reflog(ref)) ?? [])].reverse();
    let from = 0;
    if (base !== undefined && base !== '') {
      if (/^\d+$/.test(base)) from = Number(base);
      else {
        const when = approxidate(base, repository.clock).seconds;
        from = Math.max(
          0,
          entries.findIndex((entry) => entry.seconds <= when),
        );
      }
    }
    for (let i = 0; i < count && from + i < entries.length; i++) {
      const entry = entries[from + i]!;
      const ago = formatDate(entry.seconds, entry.zone, { kind: 'relative', local: false }, repository.clock);
      const message = entry.message === '' ? '(none)' : entry.message;
      await this.#add(`${name}@{${from + i}}`, entry.new, `(${ago}) ${message}`);
    }
    return true;
  }
}

/** `refs/heads/x` is `x`, `refs/remotes/o/x` is `o/x`. */
const shortName = (name: string, cut: string): string =>
  name
    .replace(/^refs\/heads\//, '')
    .replace(/^refs\/remotes\//, '')
    .replace(/^refs\//, '')
    .slice(cut.length);

/** The name under which a tip is shown means the branch. */
const isNameOf = (name: string, branch: string): boolean =>
  name === branch || name === `heads/${branch}` || name === `refs/heads/${branch}`;

/** By name, numbers by value. */
function sortedNaturally(tips: readonly Tip[]): Tip[] {
  return [...tips].sort((a, b) => {
    const [one, two] = [a.name.split(/(\d+)/), b.name.split(/(\d+)/)];
    for (let i = 0; i < Math.max(one.length, two.length); i++) {
      const [x = '', y = ''] = [one[i], two[i]];
      if (x === y) continue;
      if (/^\d+$/.test(x) && /^\d+$/.test(y) && Number(x) !== Number(y)) return Number(x) - Number(y);
      return compareText(x, y);
    }
    return 0;
  });
}
