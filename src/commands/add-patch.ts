import { parseColor, RESET } from '../base/color.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { editFile } from '../porcelain/editor.js';
import type { FilePatch, Hunk } from '../porcelain/hunks.js';
import { applyHunks, hunkTitle, parsePatch, readFilePatch, splitHunk } from '../porcelain/hunks.js';
import { cutAtScissors } from '../porcelain/message.js';
import { CheckoutWriter, FileRemover } from '../worktree/checkout-writer.js';
import { IndexEntry } from '../worktree/index-entry.js';
import { refreshIndex } from '../worktree/refresh.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { captureCommand } from './capture.js';
import type { CommandContext } from './command.js';

export interface PatchMode {
  /** Words of the diff that is shown. */
  readonly diff: readonly string[];
  /** `Stage`, or a sentence with the thing in the middle: `Discard % from worktree`. */
  readonly verb: string;
  /** For the help: `stage this hunk`. */
  readonly does: string;
  readonly not: string;
  /** Chosen hunks are taken out of the target instead of put into it. */
  readonly reverse: boolean;
  readonly index: boolean;
  readonly worktree: boolean;
}

export const stageMode: PatchMode = {
  diff: ['diff-files', '-p'],
  verb: 'Stage %',
  does: 'stage',
  not: 'do not stage',
  reverse: false,
  index: true,
  worktree: false,
};

/** `reset -p`: from HEAD (or nothing) hunks leave the index; from another commit they come into it. */
export function resetMode(revision: string | undefined): PatchMode {
  if (revision === undefined || revision === 'HEAD') {
    return {
      diff: ['diff-index', '--cached', '-p', 'HEAD'],
      verb: 'Unstage %',
      does: 'unstage',
      not: 'do not unstage',
      reverse: true,
      index: true,
      worktree: false,
    };
  }
  return {
    diff: ['diff-index', '-R', '--cached', '-p', revision],
    verb: 'Apply % to index',
    does: 'apply',
    not: 'do not apply',
    reverse: false,
    index: true,
    worktree: false,
  };
}

/** `checkout -p` and `restore -p`: of the index, HEAD or another commit; `staged`: the index changes too. */
export function checkoutMode(revision: string | undefined, staged: boolean): PatchMode {
  const where = staged ? 'index and worktree' : 'worktree';
  if (revision === undefined) {
    return {
      diff: ['diff-files', '-p'],
      verb: 'Discard % from worktree',
      does: 'discard',
      not: 'do not discard',
      reverse: true,
      index: false,
      worktree: true,
    };
  }
  if (revision === 'HEAD') {
    return {
      diff: ['diff-index', '-p', 'HEAD'],
      verb: `Discard % from ${where}`,
      does: 'discard',
      not: 'do not discard',
      reverse: true,
      index: staged,
      worktree: true,
    };
  }
  return {
    diff: ['diff-index', '-R', '-p', revision],
    verb: `Apply % to ${where}`,
    does: 'apply',
    not: 'do not apply',
    reverse: false,
    index: staged,
    worktree: true,
  };
}

export interface PatchOptions {
  readonly unified?: number | null | undefined;
  readonly interHunk?: number | null | undefined;
}

/** Asks about each hunk and applies the chosen ones, file by file. Answers the exit code. */
export function patchInteractively(
  context: CommandContext,
  tree: WorkTree,
  mode: PatchMode,
  pathspecs: readonly string[],
  options: PatchOptions = {},
): Promise<number> {
  return new PatchSession(context, tree, mode, options).run(pathspecs);
}

class PatchSession {
  readonly #context: CommandContext;
  readonly #tree: WorkTree;
  readonly #mode: PatchMode;
  readonly #options: PatchOptions;
  readonly #color: boolean;
  #quit = false;
  #ended = false;

  constructor(context: CommandContext, tree: WorkTree, mode: PatchMode, options: PatchOptions) {
    this.#context = context;
    this.#tree = tree;
    this.#mode = mode;
    this.#options = options;
    this.#color = context.wantColor('interactive') || context.wantColor('diff');
  }

  /** New stat words for what became equal to its file. */
  async #refresh(): Promise<void> {
    const lock = this.#tree.tryLockIndex();
    if (lock === undefined) return;
    try {
      this.#tree.reloadIndex();
      await refreshIndex(this.#tree, { unmerged: true });
      if (this.#tree.index.changed) this.#tree.commitIndex(lock);
    } finally {
      lock.rollback();
    }
  }

  async run(pathspecs: readonly string[]): Promise<number> {
    await this.#refresh();
    const files = this.#files(pathspecs);
    if (files.length === 0) {
      this.#say('No changes.\n');
      return 0;
    }
    if (files.every((file) => file.binary)) {
      this.#say('Only binary files changed.\n');
      return 0;
    }
    for (const file of files) {
      if (file.binary) continue;
      await this.#file(file);
      if (this.#quit) break;
    }
    await this.#refresh();
    return 0;
  }

  #files(pathspecs: readonly string[]): FilePatch[] {
    const { config } = this.#tree.repository;
    const extra: string[] = [];
    const context = this.#options.unified ?? config.getInt('diff.context');
    if (context != null) extra.push(`--unified=${context}`);
    const inter = this.#options.interHunk ?? config.getInt('diff.interhunkcontext');
    if (inter != null) extra.push(`--inter-hunk-context=${inter}`);
    const algorithm = config.get('diff.algorithm');
    if (algorithm !== undefined) extra.push(`--diff-algorithm=${algorithm}`);
    const [name, ...rest] = this.#mode.diff;
    const words = (color: string, more: readonly string[] = []) => [
      name!,
      color,
      '--no-ext-diff',
      '--no-renames',
      ...extra,
      ...more,
      ...rest,
      '--',
      ...pathspecs,
    ];
    const names = captureCommand(this.#context, [
      name!,
      '--name-only',
      '-z',
      '--no-renames',
      ...rest.filter((word) => word !== '-p'),
      '--',
      ...pathspecs,
    ])
      .split('\0')
      .filter((path) => path !== '');
    const text = captureCommand(this.#context, words('--no-color'));
    if (text === '') return [];
    let shown = this.#color ? captureCommand(this.#context, words('--color=always')) : text;
    const filter = this.#color ? config.get('interactive.difffilter') : undefined;
    if (filter !== undefined) shown = this.#filter(filter, shown, text);
    const parts = parsePatch(text, shown);
    const unique = names.filter(
      (path, i) =>
        names.indexOf(path) === i &&
        this.#tree.index.stages(path)[0]?.stage !== 1 &&
        this.#tree.index.stages(path)[0]?.stage !== 2,
    );
    return parts
      .filter(({ file }) => file[0]!.startsWith('diff --git '))
      .map(({ file, shown: lines }, i) => readFilePatch(unique[i] ?? '', file, lines));
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

  #paint(slot: string, fallback: string, text: string): string {
    if (!this.#context.wantColor('interactive')) return text;
    return `${parseColor(this.#tree.repository.config.get(`color.interactive.${slot}`) ?? fallback)}${text}${RESET}`;
  }

  #error(text: string): void {
    this.#say(`${this.#paint('error', 'red bold', text)}\n`);
  }

  // ---------------------------------------------------------------- one file

  async #file(file: FilePatch): Promise<void> {
    if (file.modes !== undefined) {
      file.hunks.unshift({
        oldStart: 0,
        oldCount: 0,
        newStart: 0,
        newCount: 0,
        heading: '',
        lines: [],
        shown: [],
        use: undefined,
      });
    } else if (file.hunks.length === 0) {
      // An empty file that comes or goes.
      file.hunks.push({
        oldStart: 0,
        oldCount: 0,
        newStart: 0,
        newCount: 0,
        heading: '',
        lines: [],
        shown: [],
        use: undefined,
      });
    }
    this.#say(`${file.shownHeader.join('\n')}\n`);
    let at = 0;
    let rendered = -1;
    for (;;) {
      const hunk = file.hunks[at]!;
      if (rendered !== at) {
        this.#say(this.#render(file, at));
        rendered = at;
      }
      const undecided = file.hunks.map((one, i) => (one.use === undefined ? i : -1)).filter((i) => i >= 0);
      const others = undecided.filter((i) => i !== at);
      const isMode = file.modes !== undefined && at === 0;
      const letters = ['y', 'n', 'q', 'a', 'd'];
      if (others.length > 0) letters.push('k');
      if (file.hunks.length > 1) letters.push('K');
      if (others.length > 0) letters.push('j');
      if (file.hunks.length > 1) letters.push('J', 'g', '/');
      if (!isMode && splitHunk(hunk).length > 1) letters.push('s');
      if (!isMode && !file.deleted && hunk.lines.length > 0) letters.push('e');
      letters.push('p', 'P', '?');
      const what = isMode ? 'mode change' : file.deleted ? 'deletion' : file.added ? 'addition' : 'this hunk';
      const was = hunk.use === undefined ? '' : ` (was: ${hunk.use ? 'y' : 'n'})`;
      const question = `(${at + 1}/${file.hunks.length}) ${this.#mode.verb.replace('%', what)}${was} [${letters.join(',')}]? `;
      const answer = this.#ask(question);
      if (answer === undefined) {
        this.#quit = true;
        this.#ended = true;
        break;
      }
      if (answer === '') continue;
      const command = answer[0]!;
      const lower = command.toLowerCase();
      const next = (): boolean => {
        const left = file.hunks.map((one, i) => (one.use === undefined ? i : -1)).filter((i) => i >= 0);
        if (left.length === 0) return false;
        at = left.find((i) => i > at) ?? left[0]!;
        return true;
      };
      if (answer.length > 1 && command !== 'g' && command !== '/') {
        this.#error(`Only one letter is expected, got '${answer}'`);
        continue;
      }
      if (lower === 'y' || lower === 'n') {
        hunk.use = lower === 'y';
        if (!next()) break;
      } else if (lower === 'a' || lower === 'd') {
        for (let i = at; i < file.hunks.length; i++)
          if (file.hunks[i]!.use === undefined) file.hunks[i]!.use = lower === 'a';
        if (lower === 'a') hunk.use = true;
        else hunk.use ??= false;
        if (!next()) break;
      } else if (lower === 'q') {
        for (const one of file.hunks) one.use ??= false;
        this.#quit = true;
        break;
      } else if (command === 'j' || command === 'k') {
        if (others.length === 0) this.#error('No other undecided hunk');
        else if (command === 'j') at = others.find((i) => i > at) ?? others[0]!;
        else at = [...others].reverse().find((i) => i < at) ?? others[others.length - 1]!;
      } else if (command === 'J' || command === 'K') {
        if (file.hunks.length < 2) this.#error('No other hunk');
        else at = (at + (command === 'J' ? 1 : file.hunks.length - 1)) % file.hunks.length;
      } else if (command === 'g') {
        const to = this.#goTo(file, answer.slice(1).trim(), at);
        if (to !== undefined) {
          at = to;
          rendered = -1;
        }
      } else if (command === '/') {
        const to = this.#search(file, answer.slice(1), at);
        if (to !== undefined) {
          at = to;
          rendered = -1;
        }
      } else if (command === 's') {
        if (!letters.includes('s')) this.#error('Sorry, cannot split this hunk');
        else {
          const parts = splitHunk(hunk);
          file.hunks.splice(at, 1, ...parts);
          this.#say(`${this.#paint('header', 'bold', `Split into ${parts.length} hunks.`)}\n`);
          rendered = -1;
        }
      } else if (command === 'e') {
        if (!letters.includes('e')) this.#error('Sorry, cannot edit this hunk');
        else {
          const edited = this.#edit(hunk);
          if (edited !== undefined) {
            file.hunks[at] = edited;
            if (!next()) break;
          } else rendered = -1;
        }
      } else if (lower === 'p') rendered = -1;
      else if (command === '?') {
        this.#help(letters);
        rendered = -1;
        rendered = at;
      } else this.#error(`Unknown command '${answer}' (use '?' for help)`);
    }
    if (file.hunks.some((hunk) => hunk.use === true)) await this.#apply(file);
    if (!this.#ended) this.#say('\n');
  }

  #ask(question: string): string | undefined {
    this.#say(this.#paint('prompt', 'bold blue', question).replace(/ (\x1b\[m)$/, ' $1'));
    this.#context.io.stdout.flush();
    const line = this.#context.io.stdin.readUntil();
    if (line === undefined) {
      this.#say('\n');
      return undefined;
    }
    return decodeText(line).trim();
  }

  #render(file: FilePatch, at: number): string {
    const hunk = file.hunks[at]!;
    if (file.modes !== undefined && at === 0) {
      const octal = (mode: number): string => mode.toString(8);
      return `old mode ${octal(file.modes.old)}\nnew mode ${octal(file.modes.new)}\n`;
    }
    if (hunk.lines.length === 0) return '';
    const title = hunkTitle(hunk);
    const frag = this.#context.wantColor('diff')
      ? parseColor(this.#tree.repository.config.get('color.diff.frag') ?? 'cyan')
      : '';
    const shown =
      frag === '' ? title : `${frag}${title.slice(0, title.length - hunk.heading.length)}${RESET}${hunk.heading}`;
    return `${shown}\n${hunk.shown.join('\n')}\n`;
  }

  #summary(hunk: Hunk): string {
    const range = ` -${hunk.oldStart},${hunk.oldCount} +${hunk.newStart},${hunk.newCount} `;
    const first = hunk.lines.find((line) => line[0] === '+' || line[0] === '-') ?? '';
    return `${range.padEnd(20)}${first}`.slice(0, 80);
  }

  #goTo(file: FilePatch, word: string, at: number): number | undefined {
    if (file.hunks.length < 2) {
      this.#error('No other hunks to goto');
      return undefined;
    }
    let text = word;
    if (text === '') {
      file.hunks.forEach((hunk, i) => {
        const mark = hunk.use === true ? '+' : hunk.use === false ? '-' : ' ';
        this.#say(`${mark}${String(i + 1).padStart(2)}: ${this.#summary(hunk)}\n`);
      });
      const answer = this.#ask('go to which hunk? ');
      if (answer === undefined) return undefined;
      text = answer;
    }
    if (!/^\d+$/.test(text)) this.#error(`Invalid number: '${text}'`);
    else if (Number(text) >= 1 && Number(text) <= file.hunks.length) return Number(text) - 1;
    else this.#error(`Sorry, only ${file.hunks.length} hunk${file.hunks.length === 1 ? '' : 's'} available.`);
    void at;
    return undefined;
  }

  #search(file: FilePatch, word: string, at: number): number | undefined {
    if (file.hunks.length < 2) {
      this.#error('No other hunks to search');
      return undefined;
    }
    let text = word;
    if (text === '') {
      const answer = this.#ask('search for regex? ');
      if (answer === undefined || answer === '') return undefined;
      text = answer;
    }
    let pattern: RegExp;
    try {
      pattern = new RegExp(text, 'm');
    } catch {
      this.#error(`Malformed search regexp ${text}: Invalid regular expression`);
      return undefined;
    }
    for (let n = 0; n < file.hunks.length; n++) {
      const i = (at + n) % file.hunks.length;
      const hunk = file.hunks[i]!;
      if (pattern.test(`${hunkTitle(hunk)}\n${hunk.lines.join('\n')}`)) return i;
    }
    this.#error('No hunk matches the given pattern');
    return undefined;
  }

  #help(letters: readonly string[]): void {
    const { does, not } = this.#mode;
    const lines = [
      `y - ${does} this hunk`,
      `n - ${not} this hunk`,
      `q - quit; ${not} this hunk or any of the remaining ones`,
      `a - ${does} this hunk and all later hunks in the file`,
      `d - ${not} this hunk or any of the later hunks in the file`,
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
      ['?', 'print help'],
    ];
    for (const [letter, text] of more) if (letters.includes(letter)) lines.push(`${letter} - ${text}`);
    for (const line of lines) this.#say(`${this.#paint('help', 'bold red', line)}\n`);
  }

  /** Lets the user change the hunk's lines; `undefined` when it was given up. */
  #edit(hunk: Hunk): Hunk | undefined {
    const { repository } = this.#tree;
    const path = repository.path('addp-hunk-edit.diff');
    const { does, reverse } = this.#mode;
    const [minus, plus] = reverse ? ['+', '-'] : ['-', '+'];
    const guide =
      '# ---\n' +
      `# To remove '${minus}' lines, make them ' ' lines (context).\n` +
      `# To remove '${plus}' lines, delete them.\n` +
      '# Lines starting with # will be removed.\n' +
      `# If the patch applies cleanly, the edited hunk will immediately be marked for ${does === 'stage' ? 'staging' : does === 'unstage' ? 'unstaging' : does === 'stash' ? 'stashing' : does === 'discard' ? 'discarding' : 'applying'}.\n` +
      '# If it does not apply cleanly, you will be given an opportunity to\n' +
      '# edit again.  If all lines of the hunk are removed, then the edit is\n' +
      '# aborted and the hunk is left unchanged.\n';
    const text = `# Manual hunk edit mode -- see bottom for a quick guide.\n${hunkTitle(hunk)}\n${hunk.lines.join('\n')}\n${guide}`;
    for (;;) {
      repository.platform.fs.writeFile(path, encodeText(text));
      try {
        editFile(repository, path, { cwd: this.#context.cwd });
      } catch (error) {
        if (!(error instanceof GitError)) throw error;
        this.#error(error.message);
        return undefined;
      }
      const edited = cutAtScissors(decodeText(repository.platform.fs.readFile(path) ?? new Uint8Array(0)), '#');
      const lines = edited
        .split('\n')
        .filter((line, i, all) => !line.startsWith('#') && !(i === all.length - 1 && line === ''))
        .map((line) => (line === '' ? ' ' : line));
      if (lines[0]?.startsWith('@@') === true) lines.shift();
      if (lines.length === 0) return undefined;
      const count = (sign: string): number => lines.filter((line) => line[0] === ' ' || line[0] === sign).length;
      const made: Hunk = { ...hunk, lines, shown: lines, oldCount: count('-'), newCount: count('+'), use: true };
      if (lines.every((line) => /^[ +\-\\]/.test(line))) return made;
      const answer = this.#ask('Your edited hunk does not apply. Edit again (saying "no" discards!) [y/n]? ');
      if (answer === undefined || answer.toLowerCase().startsWith('n')) return undefined;
    }
  }

  // ---------------------------------------------------------------- applying

  async #apply(file: FilePatch): Promise<void> {
    const { reverse, index, worktree } = this.#mode;
    if (index) {
      const lock = this.#tree.lockIndex();
      try {
        this.#tree.reloadIndex();
        const ok = await this.#applyToIndex(file, reverse);
        if (ok) this.#tree.commitIndex(lock);
        else this.#error(`error: patch failed: ${file.path}`);
      } finally {
        lock.rollback();
      }
    }
    if (worktree) await this.#applyToFile(file, reverse);
  }

  #goes(file: FilePatch, reverse: boolean): boolean {
    const whole = file.hunks.every((hunk) => hunk.use === true);
    return whole && (reverse ? file.added : file.deleted);
  }

  #modeAfter(file: FilePatch, reverse: boolean, current: number | undefined): number {
    if (file.modes !== undefined && file.hunks[0]!.use === true) return reverse ? file.modes.old : file.modes.new;
    if (current !== undefined) return current;
    const deletedMode = /^deleted file mode (\d+)/.exec(
      file.header.find((line) => line.startsWith('deleted file mode ')) ?? '',
    )?.[1];
    return file.newMode ?? (deletedMode === undefined ? 0o100644 : Number.parseInt(deletedMode, 8));
  }

  async #applyToIndex(file: FilePatch, reverse: boolean): Promise<boolean> {
    const { index, repository } = this.#tree;
    const entry = index.get(file.path);
    if (this.#goes(file, reverse)) {
      index.remove(file.path);
      return true;
    }
    const object = entry === undefined || entry.intentToAdd ? undefined : await repository.objects.read(entry.oid);
    const text = object === undefined ? '' : decodeText(object.data);
    const hunks = file.modes === undefined ? file.hunks : file.hunks.slice(1);
    const result = applyHunks(
      text,
      hunks.filter((hunk) => hunk.lines.length > 0),
      reverse,
    );
    if (result === undefined) return false;
    const oid = await repository.objects.write('blob', encodeText(result));
    const mode = this.#modeAfter(file, reverse, entry?.mode);
    index.add(IndexEntry.create({ path: file.path, mode, oid }), { replace: true });
    return true;
  }

  async #applyToFile(file: FilePatch, reverse: boolean): Promise<void> {
    const tree = this.#tree;
    const stat = tree.lstat(file.path);
    if (this.#goes(file, reverse)) {
      const remover = new FileRemover(tree);
      remover.remove(file.path);
      remover.finish();
      return;
    }
    const clean = stat === undefined ? undefined : await tree.readClean(file.path, stat, tree.index.get(file.path));
    const hunks = file.modes === undefined ? file.hunks : file.hunks.slice(1);
    const result = applyHunks(
      clean === undefined ? '' : decodeText(clean),
      hunks.filter((hunk) => hunk.lines.length > 0),
      reverse,
    );
    if (result === undefined) {
      this.#error('The selected hunks do not apply to the worktree!');
      return;
    }
    const current =
      stat === undefined
        ? undefined
        : stat.kind === 'symlink'
          ? 0o120000
          : (stat.mode & 0o100) !== 0
            ? 0o100755
            : 0o100644;
    const mode = this.#modeAfter(file, reverse, current);
    const data = encodeText(result);
    const entry = IndexEntry.create({ path: file.path, mode, oid: tree.repository.objects.hash('blob', data) });
    const outcome = await new CheckoutWriter(tree).writeContent(entry, data);
    if (!outcome.ok) this.#error(outcome.message);
  }
}
