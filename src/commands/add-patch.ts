import { parseColor, RESET } from '../base/color.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { compileRegex } from '../base/posix-regex.js';
import { editFile } from '../porcelain/editor.js';
import type { FilePatch, Hunk, HunkMisfit } from '../porcelain/hunks.js';
import { applyHunks, hunkTitle, parsePatch, readFilePatch, splitHunk } from '../porcelain/hunks.js';
import { commentPrefix } from '../porcelain/message.js';
import { CheckoutWriter, FileRemover } from '../worktree/checkout-writer.js';
import { IndexEntry } from '../worktree/index-entry.js';
import { refreshIndex } from '../worktree/refresh.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { tryCapture } from './capture.js';
import type { CommandContext } from './command.js';
import { endingAtOnce } from './interrupt.js';
import { pagerCommand } from './pager.js';
import type { PatchOptions } from './patch-options.js';
import { readKey } from './terminal-key.js';
import { pathspecOf } from './work-tree.js';

export interface PatchMode {
  /** Words of the diff that is shown. */
  readonly diff: readonly string[];
  /** `Stage`, `Discard`… */
  readonly verb: string;
  /** Where it is done, for the questions and the help: ` from worktree`. */
  readonly where: string;
  /** What an edited hunk is marked for: `staging`. */
  readonly marked: string;
  /** Chosen hunks are taken out of the target instead of put into it. */
  readonly reverse: boolean;
  readonly index: boolean;
  readonly worktree: boolean;
}

const mode = (
  diff: string,
  verb: string,
  marked: string,
  where: string,
  how: { readonly reverse?: boolean; readonly index?: boolean; readonly worktree?: boolean },
): PatchMode => ({
  diff: diff.split(' '),
  verb,
  marked,
  where,
  reverse: how.reverse === true,
  index: how.index === true,
  worktree: how.worktree === true,
});

export const stageMode: PatchMode = mode('diff-files', 'Stage', 'staging', '', { index: true });
export const stashMode: PatchMode = mode('diff-index HEAD', 'Stash', 'stashing', '', { index: true });

/** `HEAD` under either of its names. */
const isHead = (revision: string): boolean => revision === 'HEAD' || revision === '@';

/** `reset -p`: from HEAD (`head`: what stands for it before the first commit) hunks leave the index; from another commit they come into it. */
export function resetMode(revision: string | undefined, head = 'HEAD'): PatchMode {
  return revision === undefined || isHead(revision)
    ? mode(`diff-index --cached ${head}`, 'Unstage', 'unstaging', '', { reverse: true, index: true })
    : mode(`diff-index -R --cached ${revision}`, 'Apply', 'applying', ' to index', { index: true });
}

/** `checkout -p` and `restore -p`: of the index, HEAD or another commit; `staged`: the index changes too. */
export function checkoutMode(revision: string | undefined, staged: boolean): PatchMode {
  const where = staged && revision !== undefined ? 'index and worktree' : 'worktree';
  if (revision === undefined) {
    return mode('diff-files', 'Discard', 'discarding', ` from ${where}`, { reverse: true, worktree: true });
  }
  if (isHead(revision)) {
    return mode('diff-index HEAD', 'Discard', 'discarding', ` from ${where}`, {
      reverse: true,
      index: staged,
      worktree: true,
    });
  }
  return mode(`diff-index -R ${revision}`, 'Apply', 'applying', ` to ${where}`, { index: staged, worktree: true });
}

/** Asks about each hunk and applies the chosen ones, file by file. Answers the exit code. */
export function patchInteractively(
  context: CommandContext,
  tree: WorkTree,
  patchMode: PatchMode,
  pathspecs: readonly string[],
  options: PatchOptions = {},
): Promise<number> {
  // Words that are none are told before anything is compared.
  pathspecOf(context, tree, pathspecs);
  return new PatchSession(context, tree, patchMode, options).run(pathspecs);
}

const emptyHunk = (): Hunk => ({
  oldStart: 0,
  oldCount: 0,
  newStart: 0,
  newCount: 0,
  heading: '',
  lines: [],
  shown: [],
  use: undefined,
});

const isMisfit = (result: object | undefined): result is HunkMisfit => result !== undefined && 'line' in result;

/** How far down the list of hunks is shown at once. */
const LISTED = 20;

/** A conversation about hunks. */
export class PatchSession {
  readonly #context: CommandContext;
  readonly #tree: WorkTree;
  readonly #mode: PatchMode;
  readonly #options: PatchOptions;
  readonly #color: boolean;
  readonly #diffColor: boolean;
  #quit = false;
  /** Files whose hunks did not fit. */
  readonly #failed = new Set<FilePatch>();
  #patches: readonly FilePatch[] = [];

  constructor(context: CommandContext, tree: WorkTree, patchMode: PatchMode, options: PatchOptions) {
    this.#context = context;
    this.#tree = tree;
    this.#mode = patchMode;
    this.#options = options;
    this.#color = context.wantColor('interactive');
    this.#diffColor = context.wantColor('diff');
  }

  get #autoAdvance(): boolean {
    return this.#options.autoAdvance !== false;
  }

  /** New stat words for what became equal to its file. */
  async #refresh(): Promise<void> {
    const lock = this.#tree.tryLockIndex();
    if (lock === undefined) return;
    try {
      this.#tree.reloadIndex();
      await refreshIndex(this.#tree, {
        report: (path, why) => {
          if (why === 'unmerged') this.#say(`${path}: needs merge\n`);
        },
      });
      if (this.#tree.index.changed) this.#tree.commitIndex(lock);
    } finally {
      lock.rollback();
    }
  }

  async run(pathspecs: readonly string[]): Promise<number> {
    // Where the files do not matter nobody looks at them.
    if (!this.#mode.diff.includes('--cached')) await this.#refresh();
    const found = this.#files(pathspecs);
    if (found === undefined) {
      this.#context.error('could not parse diff');
      return 1;
    }
    const { files: all, unmerged } = found;
    const files = all.filter((file) => !file.binary);
    if (files.length === 0) {
      // Files in conflict offer nothing, and are something.
      if (all.length + unmerged === 0) this.#say('No changes.\n');
      else if (unmerged === 0) this.#say('Only binary files changed.\n');
      return 0;
    }
    this.#patches = files;
    let at = 0;
    while (at < files.length) {
      const move = await this.#file(files[at]!, files.length);
      if (this.#autoAdvance) await this.#applyChosen(files[at]!);
      this.#say('\n');
      if (this.#quit) break;
      at = this.#autoAdvance ? at + 1 : (at + move + files.length) % files.length;
    }
    if (!this.#autoAdvance) for (const file of files) await this.#applyChosen(file);
    return 0;
  }

  /** Takes the chosen hunks out of the files of a work tree. Answers whether they were all there. */
  async takeOut(tree: WorkTree): Promise<boolean> {
    const back = new PatchSession(
      this.#context,
      tree,
      { ...this.#mode, reverse: true, index: false, worktree: true },
      this.#options,
    );
    let whole = true;
    for (const file of this.#patches) {
      if (this.#failed.has(file) || !file.hunks.some((hunk) => hunk.use === true)) continue;
      if ((await back.#applyToFile(file)) !== undefined) whole = false;
    }
    await back.#refresh();
    return whole;
  }

  /** What there is to choose from; `undefined`: the diff failed, and said why. */
  #files(
    pathspecs: readonly string[],
  ): { readonly files: readonly FilePatch[]; readonly unmerged: number } | undefined {
    const { config } = this.#tree.repository;
    const extra: string[] = [];
    for (const [said, key, word] of [
      [this.#options.unified, 'diff.context', '--unified'],
      [this.#options.interHunk, 'diff.interHunkContext', '--inter-hunk-context'],
    ] as const) {
      const value = said ?? config.getInt(key.toLowerCase());
      if (value == null) continue;
      if (value < 0) throw new GitError('CONFIG', `${key} cannot be negative`);
      extra.push(`${word}=${value}`);
    }
    const algorithm = config.get('diff.algorithm');
    if (algorithm !== undefined) extra.push(`--diff-algorithm=${algorithm}`);
    const [name, ...rest] = this.#mode.diff;
    const { indexFile } = this.#options;
    const run = (color: string): string | undefined => {
      const words = [name!, '-p', color, '--no-ext-diff', '--no-renames', '--ignore-submodules=dirty', ...extra];
      const env = indexFile === undefined ? {} : { GIT_INDEX_FILE: indexFile };
      return tryCapture(this.#context, [...words, ...rest, '--', ...pathspecs], env);
    };
    const text = run('--no-color');
    if (text === undefined) return undefined;
    let shown = (this.#diffColor ? run('--color=always') : undefined) ?? text;
    const filter = this.#diffColor ? config.get('interactive.difffilter') : undefined;
    if (filter !== undefined) shown = this.#filter(filter, shown, text);
    const patches = parsePatch(text, shown);
    const whole = patches.filter(({ file }) => file[0]!.startsWith('diff --git '));
    return {
      files: whole.map(({ file, shown: lines }) => readFilePatch(file, lines)),
      unmerged: patches.length - whole.length,
    };
  }

  #filter(command: string, shown: string, text: string): string {
    const { processes } = this.#context.platform;
    const result = processes?.runSync(['/bin/sh', '-c', command], {
      cwd: this.#context.cwd,
      env: this.#context.env,
      input: encodeText(shown),
      stderr: 'inherit',
    });
    const filtered = result === undefined ? shown : decodeText(result.stdout);
    if (filtered.split('\n').length !== text.split('\n').length) {
      throw new GitError('USAGE', 'mismatched output from interactive.diffFilter', {
        data: {
          preface:
            'hint: Your filter must maintain a one-to-one correspondence\nhint: between its input and output lines.\n',
        },
      });
    }
    return filtered;
  }

  #say(text: string): void {
    this.#context.print(text);
  }

  #colorOf(slot: string, fallback: string): string {
    return parseColor(this.#tree.repository.config.get(`color.interactive.${slot}`) ?? fallback);
  }

  #paint(slot: string, fallback: string, text: string): string {
    return this.#color ? `${this.#colorOf(slot, fallback)}${text}${RESET}` : text;
  }

  #error(text: string): void {
    this.#say(`${this.#paint('error', 'bold red', text)}\n`);
  }

  // ---------------------------------------------------------------- one file

  /** Asks about one file. Answers which way to go on: the next file, or the one before. */
  async #file(file: FilePatch, fileCount: number): Promise<number> {
    if (file.modes !== undefined && file.hunks[0]?.isMode !== true)
      file.hunks.unshift({ ...emptyHunk(), isMode: true, shown: file.shownModes });
    // An empty file that comes or goes.
    const empty = file.hunks.length === 0 || file.hunks[0]!.isWhole === true;
    const whole = empty && !file.deleted;
    if (file.hunks.length === 0) {
      const shown = file.deleted ? file.shownHeader.slice(1) : [];
      file.hunks.push({ ...emptyHunk(), isWhole: true, isMode: true, shown });
    }
    const header = empty && file.deleted ? file.shownHeader.slice(0, 1) : file.shownHeader;
    this.#say(header.map((line) => `${line}\n`).join(''));
    let at = 0;
    let rendered = -1;
    let paged = false;
    for (;;) {
      if (at >= file.hunks.length) at = 0;
      const hunk = file.hunks[at]!;
      const undecided = file.hunks.flatMap((one, i) => (one.use === undefined ? [i] : []));
      const others = undecided.filter((i) => i !== at);
      if (undecided.length === 0 && this.#autoAdvance) return 1;
      const several = file.hunks.length > 1;
      const next = others.find((i) => i > at) ?? others[0] ?? file.hunks.length;
      let letters: string[] = [];
      if (!whole) {
        if (rendered !== at) this.#show(this.#render(hunk), paged);
        rendered = at;
        if (others.length > 0) letters.push('k');
        if (several) letters.push('K');
        if (others.length > 0) letters.push('j');
        if (several) letters.push('J', 'g', '/');
        if (hunk.isMode !== true && splitHunk(hunk).length > 1) letters.push('s');
        if (hunk.isMode !== true && !file.deleted) letters.push('e');
        if (!this.#autoAdvance && fileCount > 1) letters.push('>', '<');
        letters.push('p', 'P');
      }
      letters = ['y', 'n', 'q', 'a', 'd', ...letters, '?'];
      const answer = this.#answer(this.#question(file, hunk, at, letters));
      if (answer === undefined) {
        this.#quit = true;
        return 1;
      }
      if (answer === '') continue;
      const key = answer[0]!;
      if (answer.length > 1 && key !== 'g' && key !== '/') {
        this.#error(`Only one letter is expected, got '${answer}'`);
        continue;
      }
      switch (/[ynadq]/i.test(key) ? key.toLowerCase() : key) {
        case 'y':
        case 'n':
          hunk.use = key.toLowerCase() === 'y';
          at = next;
          break;
        case 'a':
        case 'd':
        case 'q': {
          const use = key.toLowerCase() === 'a';
          for (; at < file.hunks.length; at++) file.hunks[at]!.use ??= use;
          if (key.toLowerCase() === 'q') {
            this.#quit = true;
            return 1;
          }
          at = others.find((i) => file.hunks[i]!.use === undefined) ?? file.hunks.length;
          break;
        }
        case 'j':
          if (others.length === 0) this.#error('No other undecided hunk');
          else at = next;
          break;
        case 'k':
          if (others.length === 0) this.#error('No other undecided hunk');
          else at = [...others].reverse().find((i) => i < at) ?? others[others.length - 1]!;
          break;
        case 'J':
        case 'K':
          if (!several) this.#error('No other hunk');
          else at = (at + (key === 'J' ? 1 : file.hunks.length - 1)) % file.hunks.length;
          break;
        case 'g':
          at = this.#goTo(file, answer.slice(1).trim(), at) ?? at;
          break;
        case '/':
          at = this.#search(file, answer.slice(1), at) ?? at;
          break;
        case 's': {
          if (!letters.includes('s')) {
            this.#error('Sorry, cannot split this hunk');
            break;
          }
          const parts = splitHunk(hunk);
          file.hunks.splice(at, 1, ...parts);
          this.#say(`${this.#paint('header', 'bold', `Split into ${parts.length} hunks.`)}\n`);
          rendered = -1;
          break;
        }
        case 'e':
          if (!letters.includes('e')) this.#error('Sorry, cannot edit this hunk');
          else if (await this.#edit(file, at)) at = next;
          break;
        case '>':
        case '<':
          if (!this.#autoAdvance && letters.includes('>')) return key === '>' ? 1 : -1;
          this.#error(key === '>' ? 'No next file' : 'No previous file');
          break;
        case 'p':
        case 'P':
          rendered = -1;
          paged = key === 'P';
          continue;
        case '?':
          this.#help(letters, file, whole);
          break;
        default:
          this.#error(`Unknown command '${answer}' (use '?' for help)`);
      }
      paged = false;
    }
  }

  #question(file: FilePatch, hunk: Hunk, at: number, letters: readonly string[]): string {
    const what = file.deleted
      ? 'deletion'
      : file.added
        ? 'addition'
        : hunk.isMode === true
          ? 'mode change'
          : 'this hunk';
    const was = hunk.use === undefined ? '' : ` (was: ${hunk.use ? 'y' : 'n'})`;
    const { verb, where } = this.#mode;
    const question = `(${at + 1}/${file.hunks.length}) ${verb} ${what}${where}${was} [${letters.join(',')}]? `;
    return this.#color ? `${this.#colorOf('prompt', 'bold blue')}${question}${RESET}` : question;
  }

  /** The answer to a question about a hunk: a line, or one key where the configuration says so. */
  #answer(question: string): string | undefined {
    this.#context.io.stdout.flush();
    if (this.#tree.repository.config.getBool('interactive.singlekey', false)) {
      const key = readKey(this.#context, question);
      if (key !== 'unsupported') {
        this.#say(`${key ?? ''}\n`);
        return key;
      }
    }
    const line = this.#ask(question);
    if (this.#tree.repository.config.getBool('interactive.singlekey', false)) this.#say(`${line ?? ''}\n`);
    return line;
  }

  #line(): string | undefined {
    const line = this.#context.io.stdin.readUntil();
    return line === undefined ? undefined : decodeText(line).replace(/\r$/, '');
  }

  #ask(question: string): string | undefined {
    return endingAtOnce(() => {
      this.#say(question);
      this.#context.io.stdout.flush();
      return this.#line();
    });
  }

  /** Yes or no; `undefined` at the end of the input. */
  #confirm(question: string): boolean | undefined {
    for (;;) {
      const answer = this.#answer(
        this.#color ? `${this.#colorOf('prompt', 'bold blue')}${question}${RESET}` : question,
      );
      if (answer === undefined) return undefined;
      const letter = answer[0]?.toLowerCase();
      if (letter === 'y' || letter === 'n') return letter === 'y';
    }
  }

  #show(text: string, paged: boolean): void {
    const { io, platform, env, cwd } = this.#context;
    const command = paged && io.stdout.isTerminal ? pagerCommand(this.#context) : undefined;
    if (command === undefined) {
      this.#say(text);
      return;
    }
    io.stdout.flush();
    platform.processes?.runSync(platform.processes.shell(command), {
      cwd,
      env: { ...env, LESS: env['LESS'] ?? 'FRX', LV: env['LV'] ?? '-c' },
      input: encodeText(text),
      stdout: 'inherit',
      stderr: 'inherit',
    });
  }

  #diffColorOf(slot: string, fallback: string): string {
    const { config } = this.#tree.repository;
    return parseColor(config.get(`color.diff.${slot}`) ?? config.get(`diff.color.${slot}`) ?? fallback);
  }

  #render(hunk: Hunk): string {
    const lines = hunk.shown.map((line) => `${line}\n`).join('');
    return hunk.isMode === true ? lines : `${this.#title(hunk)}\n${lines}`;
  }

  #title(hunk: Hunk): string {
    const title = hunkTitle(hunk);
    if (!this.#diffColor) return title;
    if (hunk.shownTitle !== undefined) return hunk.shownTitle;
    const place = title.slice(0, title.length - hunk.heading.length);
    return `${this.#diffColorOf('frag', 'cyan')}${place}${RESET}${hunk.shownHeading ?? hunk.heading}`;
  }

  #summary(hunk: Hunk): string {
    const range = ` -${hunk.oldStart},${hunk.oldCount} +${hunk.newStart},${hunk.newCount} `;
    const first = hunk.lines.find((line) => line[0] === '+' || line[0] === '-') ?? '';
    return `${range.padEnd(20)}${first}`.slice(0, 80);
  }

  #goTo(file: FilePatch, word: string, at: number): number | undefined {
    const count = file.hunks.length;
    if (count < 2) {
      this.#error('No other hunks to goto');
      return undefined;
    }
    let text = word;
    let shown = Math.max(at - LISTED / 2, file.modes === undefined ? 0 : 1);
    while (text === '') {
      const end = Math.min(shown + LISTED, count);
      for (; shown < end; shown++) {
        const hunk = file.hunks[shown]!;
        const mark = hunk.use === undefined ? ' ' : hunk.use ? '+' : '-';
        this.#say(`${mark}${String(shown + 1).padStart(2)}: ${this.#summary(hunk)}\n`);
      }
      const answer = this.#ask(shown < count ? 'go to which hunk (<ret> to see more)? ' : 'go to which hunk? ');
      if (answer === undefined) break;
      text = answer.trim();
    }
    if (!/^\d+$/.test(text)) this.#error(`Invalid number: '${text}'`);
    else if (Number(text) >= 1 && Number(text) <= count) return Number(text) - 1;
    else this.#error(`Sorry, only ${count} hunk${count === 1 ? '' : 's'} available.`);
    return undefined;
  }

  #search(file: FilePatch, word: string, at: number): number | undefined {
    if (file.hunks.length < 2) {
      this.#error('No other hunks to search');
      return undefined;
    }
    let text = word;
    if (text === '') {
      text = this.#ask('search for regex? ') ?? '';
      if (text === '') return undefined;
    }
    let matches: (line: string) => boolean;
    try {
      const regex = compileRegex(text, 'extended');
      matches = (line) => regex.test(line);
    } catch (error) {
      this.#error(`Malformed search regexp ${text}: ${(error as Error).message}`);
      return undefined;
    }
    for (let n = 0; n < file.hunks.length; n++) {
      const i = (at + n) % file.hunks.length;
      const hunk = file.hunks[i]!;
      if ([hunkTitle(hunk), ...hunk.lines].some(matches)) return i;
    }
    this.#error('No hunk matches the given pattern');
    return undefined;
  }

  #help(letters: readonly string[], file: FilePatch, whole: boolean): void {
    const does = this.#mode.verb.toLowerCase();
    const { where } = this.#mode;
    const lines = [
      `y - ${does} this hunk${where}`,
      `n - do not ${does} this hunk${where}`,
      `q - quit; do not ${does} this hunk or any of the remaining ones`,
      `a - ${does} this hunk and all later hunks in the file`,
      `d - do not ${does} this hunk or any of the later hunks in the file`,
    ];
    const more: readonly (readonly [string, string])[] = [
      ['j', 'go to the next undecided hunk, roll over at the bottom'],
      ['J', 'go to the next hunk, roll over at the bottom'],
      ['k', 'go to the previous undecided hunk, roll over at the top'],
      ['K', 'go to the previous hunk, roll over at the top'],
      ['g', 'select a hunk to go to'],
      ['/', 'search for a hunk matching the given regex'],
      ['s', 'split the current hunk into smaller hunks'],
      ['e', 'manually edit the current hunk'],
      ['p', 'print the current hunk'],
      ['P', 'print the current hunk using the pager'],
      ['>', 'go to the next file, roll over at the bottom'],
      ['<', 'go to the previous file, roll over at the top'],
      ['?', 'print help'],
    ];
    this.#say(this.#paint('help', 'bold red', lines.map((line) => `${line}\n`).join('')));
    for (const [letter, text] of more) {
      if (letters.includes(letter)) this.#say(`${this.#paint('help', 'bold red', `${letter} - ${text}`)}\n`);
    }
    if (this.#autoAdvance || file.hunks.some((hunk) => hunk.use === undefined)) return;
    const used = file.hunks.filter((hunk) => hunk.use === true).length;
    const [count, use] = whole ? [0, 0] : [file.hunks.length, used];
    this.#say(
      `${this.#paint('help', 'bold red', `HUNKS SUMMARY - Hunks: ${count}, USE: ${use}, SKIP: ${count - use}\n`)}\n`,
    );
  }

  /** Lets the user change the hunk's lines, until they apply. Answers whether they do. */
  async #edit(file: FilePatch, at: number): Promise<boolean> {
    const hunk = file.hunks[at]!;
    for (;;) {
      const edited = this.#editOnce(hunk);
      if (edited === undefined) return false;
      file.hunks[at] = edited;
      const target = this.#mode.index ? 'index' : 'worktree';
      const wellFormed = edited.lines.every((line) => /^[ +\-\\]/.test(line));
      if (wellFormed && !isMisfit(await this.#result(file, target))) return true;
      file.hunks[at] = hunk;
      const question = 'Your edited hunk does not apply. Edit again (saying "no" discards!) [y/n]? ';
      if (this.#confirm(question) !== true) return false;
    }
  }

  #editOnce(hunk: Hunk): Hunk | undefined {
    const { repository } = this.#tree;
    const path = repository.path('addp-hunk-edit.diff');
    const { marked, reverse } = this.#mode;
    const comment = commentPrefix(repository.config);
    const [minus, plus] = reverse ? ['+', '-'] : ['-', '+'];
    const guide = [
      '---',
      `To remove '${minus}' lines, make them ' ' lines (context).`,
      `To remove '${plus}' lines, delete them.`,
      `Lines starting with ${comment} will be removed.`,
      `If the patch applies cleanly, the edited hunk will immediately be marked for ${marked}.`,
      'If it does not apply cleanly, you will be given an opportunity to',
      'edit again.  If all lines of the hunk are removed, then the edit is',
      'aborted and the hunk is left unchanged.',
    ];
    const text = [
      `${comment} Manual hunk edit mode -- see bottom for a quick guide.`,
      hunkTitle(hunk),
      ...hunk.lines,
      ...guide.map((line) => `${comment} ${line}`),
    ];
    repository.platform.fs.writeFile(path, encodeText(text.map((line) => `${line}\n`).join('')));
    try {
      editFile(repository, path, { cwd: this.#context.cwd });
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      this.#context.error(error.message);
      return undefined;
    }
    const lines = decodeText(repository.platform.fs.readFile(path) ?? new Uint8Array(0)).split('\n');
    if (lines[lines.length - 1] === '') lines.pop();
    repository.platform.fs.remove(path);
    const kept = lines.filter((line) => !line.startsWith(comment)).map((line) => (line === '' ? ' ' : line));
    if (kept.length === 0) return undefined;
    // What stands below the last line of the hunk is not part of it.
    while (kept.length > 1 && !/^[ +\-\\@]/.test(kept[kept.length - 1]!)) kept.pop();
    // The title may be gone, or name other places.
    let place: { oldStart: number; newStart: number } = hunk;
    if (kept[0]!.startsWith('@')) {
      const match = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(kept.shift()!);
      if (match === null) {
        this.#error('could not parse hunk header');
        return undefined;
      }
      place = { oldStart: Number(match[1]), newStart: Number(match[2]) };
    }
    const count = (sign: string): number => kept.filter((line) => line[0] === ' ' || line[0] === sign).length;
    return {
      ...hunk,
      oldStart: place.oldStart,
      newStart: place.newStart,
      lines: kept,
      shown: kept.map((line) => this.#recolored(line)),
      oldCount: count('-'),
      newCount: count('+'),
      use: true,
    };
  }

  /** A line of an edited hunk as a coloured diff shows it. */
  #recolored(line: string): string {
    if (!this.#diffColor) return line;
    const [slot, fallback] =
      line[0] === '-' ? ['old', 'red'] : line[0] === '+' ? ['new', 'green'] : (['context', 'normal'] as const);
    return `${this.#diffColorOf(slot!, fallback!)}${line}${RESET}`;
  }

  // ---------------------------------------------------------------- applying

  async #applyChosen(file: FilePatch): Promise<void> {
    if (!file.hunks.some((hunk) => hunk.use === true)) return;
    const { index, worktree } = this.#mode;
    if (index && worktree) {
      const intoIndex = await this.#result(file, 'index');
      if (isMisfit(intoIndex)) this.#tellMisfit(file, intoIndex);
      const intoFile = await this.#result(file, 'worktree');
      if (isMisfit(intoFile)) this.#tellMisfit(file, intoFile);
      let goes = true;
      if (isMisfit(intoIndex)) {
        this.#error('The selected hunks do not apply to the index!');
        goes = this.#confirm('Apply them to the worktree anyway? ') === true;
        if (!goes) this.#error('Nothing was applied.\n');
      } else if (isMisfit(intoFile)) {
        this.#error('The selected hunks do not apply to the worktree!');
        goes = false;
      } else await this.#applyToIndex(file);
      const left = goes ? await this.#applyToFile(file) : undefined;
      if (left !== undefined && left !== 'blocked') this.#tellMisfit(file, left);
    } else {
      const misfit = await (index ? this.#applyToIndex(file) : this.#applyToFile(file));
      if (misfit !== undefined) {
        this.#failed.add(file);
        if (misfit !== 'blocked') this.#tellMisfit(file, misfit);
        this.#context.error("'git apply' failed");
      }
    }
    await this.#refresh();
  }

  #tellMisfit({ path }: FilePatch, { line }: HunkMisfit): void {
    if (line === undefined) {
      this.#context.error(`${path}: does not exist in index`);
      return;
    }
    this.#context.error(`patch failed: ${path}:${line}`);
    this.#context.error(`${path}: patch does not apply`);
  }

  /** The file with the chosen hunks: its text, or that it is gone; or the hunk that does not apply. */
  async #result(
    file: FilePatch,
    target: 'index' | 'worktree',
  ): Promise<{ readonly text: string | undefined; readonly mode: number } | HunkMisfit> {
    const tree = this.#tree;
    const { reverse } = this.#mode;
    let text = '';
    let current: number | undefined;
    if (target === 'index') {
      const entry = tree.index.get(file.path);
      const fresh = reverse ? file.deleted : file.added;
      if (entry === undefined && !fresh) return { line: undefined };
      if (entry !== undefined && !entry.intentToAdd) {
        current = entry.mode;
        const object = (entry.mode & 0o170000) === 0o160000 ? undefined : await tree.repository.objects.read(entry.oid);
        text = object === undefined ? `Subproject commit ${entry.oid}\n` : decodeText(object.data);
      }
    } else {
      const stat = tree.lstat(file.path);
      if (stat !== undefined && stat.kind !== 'directory') {
        current = stat.kind === 'symlink' ? 0o120000 : (stat.mode & 0o100) !== 0 ? 0o100755 : 0o100644;
        text = decodeText((await tree.readClean(file.path, stat, tree.index.get(file.path))) ?? new Uint8Array(0));
      }
    }
    const chosen = file.hunks.filter((hunk) => hunk.isMode !== true && hunk.lines.length > 0);
    const result = applyHunks(text, chosen, reverse);
    if (typeof result !== 'string') return result;
    const goes = (reverse ? file.added : file.deleted) && file.hunks.every((hunk) => hunk.use === true);
    const chosenMode = file.modes !== undefined && file.hunks[0]!.use === true;
    const fileMode = chosenMode
      ? reverse
        ? file.modes!.old
        : file.modes!.new
      : (current ?? file.newMode ?? file.oldMode ?? 0o100644);
    return { text: goes ? undefined : result, mode: fileMode };
  }

  async #applyToIndex(file: FilePatch): Promise<HunkMisfit | undefined> {
    const tree = this.#tree;
    const lock = tree.lockIndex();
    try {
      tree.reloadIndex();
      const made = await this.#result(file, 'index');
      if (isMisfit(made)) return made;
      if (made.text === undefined) tree.index.remove(file.path);
      else {
        const { objects } = tree.repository;
        const link = /^Subproject commit ([0-9a-f]+)\n$/.exec(made.text);
        const oid =
          (made.mode & 0o170000) === 0o160000 && link !== null
            ? (link[1] as typeof IndexEntry.prototype.oid)
            : await objects.write('blob', encodeText(made.text));
        tree.index.add(IndexEntry.create({ path: file.path, mode: made.mode, oid }), { replace: true });
      }
      tree.commitIndex(lock);
      return undefined;
    } finally {
      lock.rollback();
    }
  }

  /** `blocked`: a directory with something in it lies there, which was told. */
  async #applyToFile(file: FilePatch): Promise<HunkMisfit | 'blocked' | undefined> {
    const tree = this.#tree;
    const made = await this.#result(file, 'worktree');
    if (isMisfit(made)) return made;
    if (made.text === undefined) {
      const remover = new FileRemover(tree);
      remover.remove(file.path);
      remover.finish();
      return undefined;
    }
    const data = encodeText(made.text);
    const entry = IndexEntry.create({
      path: file.path,
      mode: made.mode,
      oid: tree.repository.objects.hash('blob', data),
    });
    const there = tree.lstat(file.path)?.kind === 'directory' ? tree.fs.readDirectory(tree.absolute(file.path)) : [];
    if (there !== undefined && there.length > 0) {
      const permissions = made.mode.toString(8);
      this.#context.error(`unable to write file '${file.path}' mode ${permissions}: Directory not empty`);
      return 'blocked';
    }
    const outcome = await new CheckoutWriter(tree).writeContent(entry, data);
    if (!outcome.ok) this.#error(outcome.message);
    return undefined;
  }
}
