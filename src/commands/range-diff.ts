import { concatBytes, decodeText, encodeText, type Bytes } from '../base/bytes.js';
import { GitError, isGitError } from '../base/errors.js';
import { zeroOid, type Oid } from '../base/oid.js';
import type { DiffColors } from '../diff/colors.js';
import { noDiffColors } from '../diff/colors.js';
import type { FilePair } from '../diff/pair.js';
import { MODE_FILE } from '../objects/mode.js';
import { viewCommit } from '../porcelain/pretty-view.js';
import type { SeriesPatch } from '../porcelain/range-diff.js';
import { matchSeries, parseSeries, rangeSteps, samePatch, sectionFinder } from '../porcelain/range-diff.js';
import type { Repository } from '../repo/repository.js';
import { parseRevisionArgument } from '../repo/revision-range.js';
import { abbreviate } from '../repo/revision-short.js';
import { peelTo, resolveRevision } from '../repo/revision.js';
import { defineCommand, renderText, type CommandContext } from './command.js';
import { DiffArguments } from './diff-options.js';
import { setUpDiff, type DiffTask } from './diff-setup.js';
import { runInner } from './inner.js';
import { command as log } from './log.js';
import { type OptionEvent, parseNumber, UsageError } from './options.js';

/** A commit of the comparison: where it stands in its series, from 1. */
interface Numbered {
  readonly number: number;
  readonly commit: string;
}

interface Step {
  /** `=` the same, `!` changed, `<` only in the old series, `>` only in the new one. */
  readonly status: '=' | '!' | '<' | '>';
  readonly old?: Numbered;
  readonly new?: Numbered;
  readonly subject: string;
  /** The line as it is printed, and the difference of the patches. */
  readonly text: string | Bytes;
}

export const command = defineCommand({
  name: 'range-diff',
  summary: 'Compare two commit ranges (e.g. two versions of a branch)',
  usage: [
    'range-diff [<options>] <old-base>..<old-tip> <new-base>..<new-tip>',
    'range-diff [<options>] <old-tip>...<new-tip>',
    'range-diff [<options>] <base> <old-tip> <new-tip>',
  ],
  options: {
    'creation-factor': { type: 'number', value: 'n', help: 'how many percent of its size a new commit costs (60)' },
    'dual-color': { type: 'flag', help: 'lines keep the colours of their patch (the default)' },
    notes: { type: 'optional', value: 'notes', implied: '', help: 'which notes are compared' },
    'diff-merges': { type: 'string', value: 'style', help: 'compare merges too, shown in this way' },
    'max-memory': { type: 'string', value: 'size', help: 'memory that the table of costs may take (4g)' },
    'remerge-diff': { type: 'flag', help: 'compare merges too, by what they add to the merge made anew' },
    'left-only': { type: 'flag', help: 'leave out what only the second range has' },
    'right-only': { type: 'flag', help: 'leave out what only the first range has' },
  },
  parsing: { keepUnknown: true, keepDashDash: true },
  async *run(context, args): AsyncGenerator<Step, number> {
    const { values, events } = args;
    const diff = new DiffArguments();
    const words = takeDiffWords(args.rest, diff);
    const maxMemory = values['max-memory'] == null ? 4 * 2 ** 30 : memoryOf(values['max-memory']);
    if (values['left-only'] === true && values['right-only'] === true) {
      context.error("options '--left-only' and '--right-only' cannot be used together");
      return 255;
    }
    const repository = context.repository();
    const { ranges, rest } = await rangesOf(repository, words);
    // Which side is the old one is said by the ranges.
    diff.words.reverse = false;
    const task = await setUpDiff(context, diff, { ui: true, defaultForm: 'patch' });
    context.startPager(true);
    const merges = events.some(({ key, negated }) => (key === 'diff-merges' || key === 'remerge-diff') && !negated);
    const logWords = [...logOptions, ...(merges ? [] : ['--no-merges']), ...events.flatMap(logWordOf)];
    const series: SeriesPatch[][] = [];
    for (const range of ranges) {
      const read = await seriesOf(context, [...logWords, range, ...rest]);
      if (typeof read === 'string') {
        context.printError(`fatal: ${read}\n`);
        context.error(`could not parse log for '${range}'`);
        return 255;
      }
      series.push(read);
    }
    const [old, fresh] = series as [SeriesPatch[], SeriesPatch[]];
    matchSeries(old, fresh, { creationFactor: values['creation-factor'] ?? 60, maxMemory });
    const printer = new Printer(repository, task, values['dual-color'] !== false, diff.words.abbrev);
    printer.width = String(Math.max(old.length, fresh.length) + 1).length;
    for (const step of rangeSteps(old, fresh)) {
      if (step.old === undefined && values['left-only'] === true) continue;
      if (step.new === undefined && values['right-only'] === true) continue;
      yield await printer.step(old, fresh, step);
    }
    return 0;
  },
  render: renderText,
});

/** The log that is compared: no part of a message can be taken for a change. */
const logOptions = [
  ...['--no-color', '-p', '--reverse', '--date-order', '--decorate=no', '--no-prefix', '--submodule=short'],
  ...['--output-indicator-new=>', '--output-indicator-old=<', '--output-indicator-context=#'],
  ...['--no-abbrev-commit', '--pretty=medium', '--show-notes-by-default'],
];

/** Takes the diff options out of the words; what is left names ranges and paths. */
function takeDiffWords(rest: readonly string[], diff: DiffArguments): string[] {
  const words: string[] = [];
  for (let i = 0; i < rest.length; ) {
    const word = rest[i]!;
    if (word === '--') return [...words, ...rest.slice(i)];
    const taken = word.startsWith('-') && word !== '-' ? diff.take(rest, i) : 0;
    if (taken === 0 && word.startsWith('-') && word !== '-')
      throw new UsageError(
        word.startsWith('--') ? `unknown option \`${word.slice(2)}'` : `unknown switch \`${word[1]}'`,
      );
    if (taken === 0) words.push(word);
    i += Math.max(1, taken);
  }
  return words;
}

function memoryOf(text: string): number {
  const bytes = /^\d/.test(text) ? parseNumber(text) : undefined;
  if (bytes === undefined) throw new UsageError(`invalid max-memory value: ${text}`, { quiet: true });
  return bytes;
}

/** What `--notes` and its like become for the log. */
function logWordOf({ key, value, negated }: OptionEvent): string[] {
  if (key === 'notes')
    return [negated ? '--no-notes' : value === null || value === '' ? '--notes' : `--notes=${value}`];
  if (key === 'diff-merges' && !negated) return [`--diff-merges=${value}`];
  if (key === 'remerge-diff' && !negated) return ['--remerge-diff'];
  return [];
}

const refused = (message: string): UsageError => new UsageError(message, { fatal: true });

/** Reads the words that name the two ranges, in one of git's three forms. */
async function rangesOf(
  repository: Repository,
  words: readonly string[],
): Promise<{ readonly ranges: readonly [string, string]; readonly rest: readonly string[] }> {
  const dashes = words.indexOf('--');
  const count = dashes < 0 ? words.length : dashes;
  const after = (named: number): readonly string[] => words.slice(named);
  if (dashes === 3 || (dashes < 0 && count > 2 && (await areCommits(repository, words.slice(0, 3))))) {
    const [base, old, fresh] = words as [string, string, string];
    if (dashes === 3)
      for (const [i, word] of [base, old, fresh].entries())
        if (!(await areCommits(repository, [word])))
          throw refused(`not a ${i === 0 ? 'commit-ish' : 'revision'}: '${word}'`);
    return { ranges: [`${base}..${old}`, `${base}..${fresh}`], rest: after(3) };
  }
  if (dashes === 2 || (dashes < 0 && count > 1)) {
    const [old, fresh] = words as [string, string];
    const isRange = [await namesRange(repository, old)];
    if (isRange[0] === true || dashes === 2) isRange.push(await namesRange(repository, fresh));
    if (isRange.length === 2 && isRange.every((yes) => yes)) return { ranges: [old, fresh], rest: after(2) };
    if (dashes === 2) throw refused(`not a commit range: '${isRange[0] === true ? fresh : old}'`);
  }
  if ((dashes === 1 || (dashes < 0 && count > 0)) && words[0]!.includes('...')) {
    const at = words[0]!.indexOf('...');
    const old = words[0]!.slice(0, at) || 'HEAD';
    const fresh = words[0]!.slice(at + 3) || 'HEAD';
    return { ranges: [`${fresh}..${old}`, `${old}..${fresh}`], rest: after(1) };
  }
  if (dashes === 1) throw refused(`not a symmetric range: '${words[0]}'`);
  throw refused('need two commit ranges');
}

async function areCommits(repository: Repository, words: readonly string[]): Promise<boolean> {
  for (const word of words) {
    const oid = await resolveRevision(repository, word, { hint: 'committish', quiet: true }).catch((error: unknown) => {
      if (isGitError(error)) return undefined;
      throw error;
    });
    if (oid === undefined || (await peelTo(repository, oid, 'commit')) === undefined) return false;
  }
  return true;
}

/** Whether a word names commits to show and others to leave out. */
async function namesRange(repository: Repository, word: string): Promise<boolean> {
  const found = await parseRevisionArgument(repository, word);
  if (found === undefined) throw new GitError('REF_MISSING', `bad revision '${word}'`);
  const out = new Set(found.items.filter((item) => item.excluded).map(({ oid }) => oid));
  // What is left out is not shown, whoever else names it.
  return out.size > 0 && found.items.some((item) => !item.excluded && !out.has(item.oid));
}

/** The commits of a range; what was wrong where the log refused. */
async function seriesOf(context: CommandContext, words: readonly string[]): Promise<SeriesPatch[] | string> {
  const quiet: CommandContext = Object.create(context, { startPager: { value: () => undefined } });
  try {
    const { results } = await runInner(quiet, log, words);
    const text = results.map((one) => (typeof one.text === 'string' ? one.text : decodeText(one.text)));
    return parseSeries(text.join(''));
  } catch (error) {
    if (isGitError(error)) return error.message;
    throw error;
  }
}

class Printer {
  /** Columns of the numbers. */
  width = 1;
  private readonly colors: DiffColors;
  private readonly length: number | undefined;

  constructor(
    private readonly repository: Repository,
    private readonly task: DiffTask,
    private readonly dual: boolean,
    abbrev: number | 'auto' | undefined,
  ) {
    this.colors = task.options.colors ?? noDiffColors;
    this.length = typeof abbrev === 'number' ? abbrev || repository.oidLength * 2 : undefined;
  }

  async step(
    old: readonly SeriesPatch[],
    fresh: readonly SeriesPatch[],
    step: { readonly old?: number; readonly new?: number },
  ): Promise<Step> {
    const a = step.old === undefined ? undefined : old[step.old];
    const b = step.new === undefined ? undefined : fresh[step.new];
    const status = a === undefined ? '>' : b === undefined ? '<' : samePatch(a, b) ? '=' : '!';
    const subject = await this.subject((a ?? b)!.oid);
    const line = await this.line(status, step, a, b, subject);
    const text =
      a === undefined || b === undefined || this.task.silent
        ? line
        : concatBytes([encodeText(line), await this.difference(a, b)]);
    const numbered = (patch: SeriesPatch, at: number): Numbered => ({ number: at + 1, commit: patch.oid });
    return {
      status,
      ...(a === undefined ? {} : { old: numbered(a, step.old!) }),
      ...(b === undefined ? {} : { new: numbered(b, step.new!) }),
      subject,
      text,
    };
  }

  private async line(
    status: Step['status'],
    step: { readonly old?: number; readonly new?: number },
    a: SeriesPatch | undefined,
    b: SeriesPatch | undefined,
    subject: string,
  ): Promise<string> {
    const { colors } = this;
    const known = await abbreviate(this.repository, (a ?? b)!.oid, this.length);
    const dashes = '-'.repeat(known.length);
    const place = async (patch: SeriesPatch | undefined, at: number | undefined): Promise<string> =>
      patch === undefined
        ? `${'-'.padStart(this.width)}:  ${dashes}`
        : `${String(at! + 1).padStart(this.width)}:  ${await abbreviate(this.repository, patch.oid, this.length)}`;
    const left = await place(a, step.old);
    const right = await place(b, step.new);
    if (status === '!') {
      const { reset } = colors;
      return `${colors.old}${left} ${reset}${colors.commit}!${reset}${colors.new} ${right}${reset}${colors.commit} ${subject}${reset}\n`;
    }
    const color = status === '<' ? colors.old : status === '>' ? colors.new : colors.commit;
    return `${color}${left} ${status} ${right} ${subject}${colors.reset}\n`;
  }

  private async subject(oid: Oid): Promise<string> {
    const object = await this.repository.objects.read(oid);
    return viewCommit(undefined, object!.data, 'UTF-8').subject;
  }

  private async difference(a: SeriesPatch, b: SeriesPatch): Promise<Bytes> {
    const { task } = this;
    const zero = zeroOid(this.repository.objectFormat);
    const pair: FilePair = {
      status: 'M',
      old: { path: 'a', mode: MODE_FILE, oid: zero, read: () => a.text },
      new: { path: 'b', mode: MODE_FILE, oid: zero, read: () => b.text },
      score: 0,
    };
    const pieces: Bytes[] = [];
    const pairs = await task.process([pair]);
    for await (const piece of task.write(pairs, '    ', {
      driverFor: () => ({ findFunction: sectionFinder }),
      patches: { dual: this.dual },
      relative: undefined,
    }))
      pieces.push(piece);
    return concatBytes(pieces);
  }
}
