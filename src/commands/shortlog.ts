import { isPromise } from '../base/awaitable.js';
import { compareText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { CommitPool } from '../history/commit-pool.js';
import type { CommitNode } from '../history/commit-pool.js';
import { decoratedBy } from '../porcelain/decorations.js';
import { createPrinter, decorationLoader, mailmapLoader, outputEncodingOf } from '../porcelain/log-context.js';
import { messageFilter } from '../porcelain/log-grep.js';
import type { RevisionRequest } from '../porcelain/log-revisions.js';
import type { Repository } from '../repo/repository.js';
import { parseRevisionRequest } from '../porcelain/log-revisions.js';
import { LogSettings } from '../porcelain/log-settings.js';
import { createLogWalk } from '../porcelain/log-walk.js';
import { Mailmap } from '../porcelain/mailmap.js';
import { ReflogWalk } from '../porcelain/reflog-walk.js';
import { PrettyPrinter } from '../porcelain/pretty.js';
import { userFormat } from '../porcelain/pretty-format.js';
import type { CommitView } from '../porcelain/pretty-view.js';
import { parseIdent, readSubject, viewCommit } from '../porcelain/pretty-view.js';
import { wrapText } from '../porcelain/pretty-wrap.js';
import { parseTrailers } from '../porcelain/trailers.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';

interface Group {
  readonly name: string;
  readonly count: number;
  readonly subjects: readonly string[];
  readonly text: string;
}

type GroupBy =
  | { readonly kind: 'format'; readonly template: string }
  | { readonly kind: 'trailer'; readonly key: string };

interface Words {
  numbered: boolean;
  summary: boolean;
  email: boolean;
  wrap: { width: number; first: number; rest: number } | undefined;
  readonly groups: ({ kind: 'author' } | { kind: 'committer' } | GroupBy)[];
}

export const command = defineCommand({
  name: 'shortlog',
  summary: "Summarize 'git log' output",
  usage: ['shortlog [<options>] [<revision-range>] [[--] <path>...]', 'log --pretty=short | git shortlog [<options>]'],
  options: {
    committer: { type: 'flag', short: 'c', help: 'group by committer rather than author' },
    numbered: { type: 'flag', short: 'n', help: 'sort output according to the number of commits per author' },
    summary: { type: 'flag', short: 's', help: 'suppress commit descriptions, only provides commit count' },
    email: { type: 'flag', short: 'e', help: 'show the email address of each author' },
    w: {
      type: 'optional',
      short: 'w',
      shortOnly: true,
      value: '<w>[,<i1>[,<i2>]]',
      implied: '',
      help: 'linewrap output',
    },
    group: { type: 'list', value: 'field', help: 'group by field' },
  },
  parsing: { none: true },
  async *run(context): AsyncGenerator<Group, number | undefined> {
    if (context.argv.length === 1 && context.argv[0] === '-h') throw new UsageError('', { help: true });
    context.startPager(true);
    yield* shortlog(context);
    return undefined;
  },
  render: (group: Group) => group.text,
});

function takeWord(words: Words, argv: readonly string[], at: number): number {
  const word = argv[at]!;
  switch (word) {
    case '--committer':
      words.groups.push({ kind: 'committer' });
      return 1;
    case '--numbered':
      words.numbered = true;
      return 1;
    case '--summary':
      words.summary = true;
      return 1;
    case '--email':
      words.email = true;
      return 1;
    case '--no-committer':
      words.groups.length = 0;
      return 1;
    case '--no-numbered':
      words.numbered = false;
      return 1;
    case '--no-summary':
      words.summary = false;
      return 1;
    case '--no-email':
      words.email = false;
      return 1;
    case '--no-group':
      words.groups.length = 0;
      return 1;
    case '--group': {
      const value = argv[at + 1];
      if (value === undefined) throw new UsageError("option `group' requires a value", { quiet: true });
      addGroup(words, value);
      return 2;
    }
  }
  const valued = /^--(no-)?(committer|numbered|summary|email)=/.exec(word);
  if (valued !== null) {
    throw new UsageError(`option \`${valued[1] ?? ''}${valued[2]}' takes no value`, { quiet: true });
  }
  if (word.startsWith('--group=')) {
    addGroup(words, word.slice(8));
    return 1;
  }
  if (/^-[cnsew]/.test(word)) {
    for (let i = 1; i < word.length; i++) {
      const letter = word[i];
      if (letter === 'c') words.groups.push({ kind: 'committer' });
      else if (letter === 'n') {
        words.numbered = true;
      } else if (letter === 's') words.summary = true;
      else if (letter === 'e') words.email = true;
      else if (letter === 'w') {
        setWrap(words, word.slice(i + 1));
        return 1;
      } else return 0;
    }
    return 1;
  }
  return 0;
}

/** Words with its own letters in front of others (`-n3`, `-sp`) as two. */
function apart(words: readonly string[]): { argv: string[]; heads: Set<number> } {
  const end = words.indexOf('--');
  const heads = new Set<number>();
  const argv: string[] = [];
  for (const [i, word] of words.entries()) {
    const [, own, rest] = (end < 0 || i < end ? /^-([cnse]+)([^cnsew].*)$/s.exec(word) : undefined) ?? [];
    if (own === undefined) argv.push(word);
    else heads.add(argv.push(`-${own}`, `-${rest}`) - 2);
  }
  return { argv, heads };
}

function setWrap(words: Words, text: string): void {
  const wrap = { width: 76, first: 6, rest: 9 };
  if (text !== '') {
    const match = /^(\d*)(?:,(\d*))?(?:,(\d*))?$/.exec(text);
    if (match === null) throw new UsageError('-w[<width>[,<indent1>[,<indent2>]]]', { quiet: true });
    if (match[1] !== '') wrap.width = Number(match[1]);
    if (match[2] !== undefined && match[2] !== '') wrap.first = Number(match[2]);
    if (match[3] !== undefined && match[3] !== '') wrap.rest = Number(match[3]);
    if (
      wrap.width !== 0 &&
      ((wrap.first !== 0 && wrap.width <= wrap.first) || (wrap.rest !== 0 && wrap.width <= wrap.rest))
    ) {
      throw new UsageError('-w[<width>[,<indent1>[,<indent2>]]]', { quiet: true });
    }
  }
  words.wrap = wrap;
}

function addGroup(words: Words, value: string): void {
  if (value.toLowerCase() === 'author') words.groups.push({ kind: 'author' });
  else if (value.toLowerCase() === 'committer') words.groups.push({ kind: 'committer' });
  else if (value.startsWith('trailer:')) words.groups.push({ kind: 'trailer', key: value.slice(8) });
  else if (value.startsWith('format:')) words.groups.push({ kind: 'format', template: value.slice(7) });
  else if (value.includes('%')) words.groups.push({ kind: 'format', template: value });
  else throw new UsageError(`unknown group type: ${value}`, { quiet: true });
}

async function* shortlog(context: CommandContext): AsyncGenerator<Group> {
  const words: Words = { numbered: false, summary: false, email: false, wrap: undefined, groups: [] };
  const repository = context.maybeRepository();
  const settings = new LogSettings();
  const records = new Map<string, string[]>();
  const add = (name: string, oneline: string): void => {
    let list = records.get(name);
    if (list === undefined) records.set(name, (list = []));
    list.push(words.summary ? '' : cleanSubject(oneline));
  };
  if (repository === undefined) {
    for (let i = 0; i < context.argv.length; ) {
      const used = takeWord(words, context.argv, i);
      if (used === 0) {
        if (context.argv[i]!.startsWith('-')) throw new GitError('USAGE', `unrecognized argument: ${context.argv[i]}`);
        throw new UsageError('too many arguments given outside repository');
      }
      i += used;
    }
    readLog(context, words, new Mailmap(), add);
  } else {
    let refusedPseudo = false;
    let taken = 0;
    const { argv, heads } = apart(context.argv);
    const request = await parseRevisionRequest(argv, {
      context: { repository, terminal: () => context.io.stdout.isTerminal },
      settings,
      optionsFirst: true,
      refused: (word) => {
        throw new UsageError(`unknown option \`${word}'`);
      },
      other: (argv, at) => {
        const used = takeWord(words, argv, at);
        taken += used;
        return used;
      },
      taken: () => taken++,
      late: (argv, at) => {
        if (refusedPseudo) return 0;
        // Behind an option that was taken, git has lost the word by the time it speaks of it.
        const lost = taken > (heads.has(at - 1) ? 1 : 0);
        throw new UsageError(`unknown option \`${lost ? '(null)' : argv[at]}'`);
      },
      complain: (line) => {
        refusedPseudo = line.includes('--exclude-hidden');
        context.printError(`${line}\n`);
      },
      ...(context.io.stdin.isTerminal ? { fallback: 'HEAD' } : {}),
    });
    const [unknown] = request.rest;
    if (unknown !== undefined) throw new UsageError(`unrecognized argument: ${unknown}`);
    const loadMailmap = mailmapLoader(repository);
    const mailmap = await loadMailmap();
    // Commits whose reflogs are walked count for nothing here: what is left then is standard input.
    const onlyReflogs = settings.walkReflogs && request.pending.length > 0 && (await areCommits(repository, request));
    if (onlyReflogs || (request.pending.length === 0 && !request.revisionsSaid)) {
      if (onlyReflogs) {
        const pool = new CommitPool(repository.objects);
        const reflogs = new ReflogWalk(repository, pool, undefined);
        for (const pending of request.pending) await reflogs.add(pending);
      }
      readLog(context, words, mailmap, add);
    } else {
      const encoding = outputEncodingOf(repository, settings.outputEncoding);
      const filter = messageFilter(repository, settings, mailmap);
      const pool = new CommitPool(repository.objects, {
        keepData: true,
        grafts: repository.grafts,
        graph: repository.commitGraph,
      });
      const reflogs = settings.walkReflogs ? new ReflogWalk(repository, pool, settings.dateMode) : undefined;
      if (reflogs !== undefined) for (const pending of request.pending) await reflogs.add(pending);
      const log = await createLogWalk(repository, request, {
        pool,
        keepData: true,
        match: filter === undefined ? undefined : async (node) => filter(await view(node), {}),
        pathSettings: { settings: context.globals.pathspecs },
        decorated: settings.simplifyByDecoration
          ? decoratedBy(
              await decorationLoader(repository, () => ({
                include: [],
                exclude: [],
                configExclude: [],
                usual: false,
              }))(),
            )
          : undefined,
        entries: reflogs,
        plain: reflogs === undefined,
      });
      const view = async (node: CommitNode): Promise<CommitView> => {
        const data = log.pool.data(node);
        return viewCommit(node.oid, isPromise(data) ? await data : data, encoding, node);
      };
      const { printer } = createPrinter({
        repository,
        settings,
        format: settings.pretty?.kind === 'user' ? settings.pretty : userFormat('%s', true),
        color: false,
        decorations: () => Object.assign(new Map(), { head: undefined }),
        fullDecorations: false,
        mailmap,
        loadMailmap,
        terminal: () => context.io.stdout.isTerminal,
      });
      const makeKey = keyMakers(words, printer);
      await log.walk.prepare();
      for (;;) {
        const step = log.walk.next();
        const node = isPromise(step) ? await step : step;
        if (node === undefined) break;
        const one = await view(node);
        const subject = words.summary ? '' : await printer.format(one, {});
        const seen = new Set<string>();
        for (const keys of makeKey) {
          for (const key of await keys(one, mailmap)) {
            if (words.groups.length > 1 || keys.many) {
              if (seen.has(key)) continue;
              seen.add(key);
            }
            add(key, subject === '' ? '<none>' : subject);
          }
        }
        node.data = undefined;
      }
    }
  }
  const sorted = [...records].sort((a, b) => compareText(a[0], b[0]));
  if (words.numbered) sorted.sort((a, b) => b[1].length - a[1].length);
  for (const [name, list] of sorted) {
    const subjects = [...list].reverse();
    let text: string;
    if (words.summary) text = `${String(list.length).padStart(6)}\t${name}\n`;
    else {
      text = `${name} (${list.length}):\n`;
      for (const subject of subjects) {
        if (words.wrap === undefined) text += `      ${subject}\n`;
        else text += `${wrapText(subject, words.wrap.first, words.wrap.rest, words.wrap.width)}\n`;
      }
      text += '\n';
    }
    yield { name, count: list.length, subjects: words.summary ? [] : subjects, text };
  }
}

async function areCommits(repository: Repository, request: RevisionRequest): Promise<boolean> {
  for (const { oid } of request.pending)
    if ((await repository.objects.readHeader(oid))?.kind !== 'commit') return false;
  return true;
}

type KeyMaker = ((view: CommitView, mailmap: Mailmap) => Promise<string[]>) & { many?: boolean };

function keyMakers(words: Words, printer: PrettyPrinter): KeyMaker[] {
  const groups = words.groups.length === 0 ? [{ kind: 'author' as const }] : words.groups;
  return groups.map((group): KeyMaker => {
    if (group.kind === 'trailer') {
      const key = group.key.toLowerCase();
      const maker: KeyMaker = async (view, mailmap) => {
        const found: string[] = [];
        for (const trailer of parseTrailers(view.message, { noDivider: true }).trailers) {
          if (trailer.key?.toLowerCase() !== key) continue;
          found.push(personKey(trailer.value, words.email, mailmap) ?? trailer.value);
        }
        return found;
      };
      maker.many = true;
      return maker;
    }
    const template =
      group.kind === 'format'
        ? group.template
        : `%${group.kind === 'author' ? 'a' : 'c'}N${words.email ? ` <%${group.kind === 'author' ? 'a' : 'c'}E>` : ''}`;
    const keys = new PrettyPrinter({ ...printer.context, format: userFormat(template, true) });
    return async (view) => [await keys.format(view, {})];
  });
}

function personKey(text: string, email: boolean, mailmap: Mailmap): string | undefined {
  const ident = parseIdent(text);
  if (ident === undefined) return undefined;
  const person = mailmap.map(ident);
  return email ? `${person.name} <${person.email}>` : person.name;
}

function cleanSubject(oneline: string): string {
  let text = oneline.replace(/^[ \t\n\r\f\v]+/, '');
  if (text.startsWith('[PATCH')) {
    const close = text.indexOf(']');
    const end = text.indexOf('\n');
    if (close >= 0 && (end < 0 || close < end)) text = text.slice(close + 1);
  }
  text = text.replace(/^[ \t\r\f\v]+/, '');
  return readSubject(text, 0, ' ').subject;
}

/** Reads what `git log` printed. */
function readLog(
  context: CommandContext,
  words: Words,
  mailmap: Mailmap,
  add: (name: string, oneline: string) => void,
): void {
  if (words.groups.length > 1) {
    throw new GitError('USAGE', 'using multiple --group options with stdin is not supported');
  }
  const group = words.groups[0]?.kind ?? 'author';
  if (group === 'trailer') throw new GitError('USAGE', 'using --group=trailer with stdin is not supported');
  if (group === 'format') throw new GitError('USAGE', 'using --group=format with stdin is not supported');
  if (context.io.stdin.isTerminal) context.printError('(reading log message from standard input)\n');
  const prefixes = group === 'author' ? ['Author: ', 'author '] : ['Commit: ', 'committer '];
  const lines = context.io.stdin.lines();
  const next = (): string | undefined => {
    const step = lines.next();
    return step.done === true ? undefined : step.value;
  };
  for (let line = next(); line !== undefined; line = next()) {
    const prefix = prefixes.find((one) => line!.startsWith(one));
    if (prefix === undefined) continue;
    const ident = line.slice(prefix.length);
    let oneline = next();
    while (oneline !== undefined && oneline !== '') oneline = next();
    while (oneline !== undefined && oneline === '') oneline = next();
    const key = personKey(ident, words.email, mailmap);
    if (key !== undefined) add(key, oneline ?? '');
  }
}
