import { compareText, decodeText } from '../base/bytes.js';
import { parseColor, RESET } from '../base/color.js';
import { emptyTreeOid } from '../base/oid.js';
import { addToIndex } from '../porcelain/add.js';
import { unstage } from '../porcelain/stash.js';
import type { Pathspec } from '../repo/pathspec.js';
import { parsePathspec } from '../repo/pathspec.js';
import { findUntracked } from '../worktree/untracked.js';
import type { WorkTree } from '../worktree/work-tree.js';
import { patchInteractively, stageMode } from './add-patch.js';
import { captureCommand } from './capture.js';
import type { CommandContext } from './command.js';
import { endingAtOnce } from './interrupt.js';
import type { PatchOptions } from './patch-options.js';
import { pathspecOf } from './work-tree.js';

/** Lines that came and went; `binary`: not to be counted. */
interface Counts {
  readonly added: number;
  readonly deleted: number;
  readonly binary: boolean;
}

const nothing: Counts = { added: 0, deleted: 0, binary: false };

interface Item {
  readonly name: string;
  readonly staged?: Counts | undefined;
  readonly unstaged?: Counts | undefined;
}

interface Verb {
  readonly name: string;
  readonly help: string | undefined;
  run(): Promise<void> | void;
}

/** `add -i`: the menu over what can be staged and unstaged. Answers the exit code. */
export function addInteractively(
  context: CommandContext,
  tree: WorkTree,
  words: readonly string[],
  options: PatchOptions,
): Promise<number> {
  return new Menu(context, tree, words, options).run();
}

/** A list to choose from. */
interface Choosing {
  readonly prompt: string;
  /** One answer is the end of it. */
  readonly immediate?: boolean;
}

class Menu {
  readonly #context: CommandContext;
  readonly #tree: WorkTree;
  readonly #words: readonly string[];
  readonly #options: PatchOptions;
  readonly #color: boolean;
  readonly #pathspec: Pathspec;

  constructor(context: CommandContext, tree: WorkTree, words: readonly string[], options: PatchOptions) {
    this.#context = context;
    this.#tree = tree;
    this.#words = words;
    this.#options = options;
    this.#color = context.wantColor('interactive');
    this.#pathspec = words.length === 0 ? parsePathspec([]) : pathspecOf(context, tree, words);
  }

  #say(text: string): void {
    this.#context.print(text);
  }

  #paint(slot: string, fallback: string, text: string): string {
    if (!this.#color) return text;
    const { config } = this.#tree.repository;
    return `${parseColor(config.get(`color.interactive.${slot}`) ?? fallback)}${text}${RESET}`;
  }

  #read(): string | undefined {
    const line = endingAtOnce(() => {
      this.#context.io.stdout.flush();
      return this.#context.io.stdin.readUntil();
    });
    return line === undefined ? undefined : decodeText(line).trim();
  }

  async run(): Promise<number> {
    for (const path of this.#tree.index.conflictedPaths()) this.#say(`${path}: needs merge\n`);
    const verbs: readonly Verb[] = [
      { name: 'status', help: 'show paths with changes', run: () => this.#status() },
      { name: 'update', help: 'add working tree state to the staged set of changes', run: () => this.#update() },
      { name: 'revert', help: 'revert staged set of changes back to the HEAD version', run: () => this.#revert() },
      {
        name: 'add untracked',
        help: 'add contents of untracked files to the staged set of changes',
        run: () => this.#addUntracked(),
      },
      { name: 'patch', help: 'pick hunks and update selectively', run: () => this.#patch() },
      { name: 'diff', help: 'view diff between HEAD and index', run: () => this.#diff() },
      { name: 'quit', help: undefined, run: () => {} },
      { name: 'help', help: undefined, run: () => this.#help(verbs) },
    ];
    await this.#status();
    for (;;) {
      const verb = this.#chooseVerb(verbs);
      if (verb === undefined || verb.name === 'quit') {
        this.#say('Bye.\n');
        return 0;
      }
      await verb.run();
    }
  }

  #chooseVerb(verbs: readonly Verb[]): Verb | undefined {
    for (;;) {
      this.#say(`${this.#paint('header', 'bold', '*** Commands ***')}\n`);
      verbs.forEach(({ name }, i) => {
        const first = this.#color ? this.#paint('prompt', 'bold blue', name[0]!) : `[${name[0]}]`;
        this.#say(`  ${i + 1}: ${first}${name.slice(1)}${i % 4 === 3 ? '\n' : '\t'}`);
      });
      this.#say(`${this.#paint('prompt', 'bold blue', 'What now')}> `);
      const answer = this.#read();
      if (answer === undefined) {
        this.#say('\n');
        return undefined;
      }
      if (answer === '') continue;
      if (answer === '?') {
        this.#promptHelp([
          '1          - select a numbered item',
          'foo        - select item based on unique prefix',
          '           - (empty) select nothing',
        ]);
        continue;
      }
      const word = answer.split(/[ \t\r\n,]+/)[0]!;
      const found = findItem(
        word,
        verbs.map(({ name }) => name),
      );
      if (found !== undefined) return verbs[found]!;
      this.#huh(word);
    }
  }

  #huh(word: string): void {
    this.#context.printError(`${this.#paint('error', 'bold red', `Huh (${word})?`)}\n`);
  }

  #promptHelp(lines: readonly string[]): void {
    for (const line of ['Prompt help:', ...lines]) this.#say(`${this.#paint('help', 'bold red', line)}\n`);
  }

  #help(verbs: readonly Verb[]): void {
    const order = ['status', 'update', 'revert', 'patch', 'diff', 'add untracked'];
    for (const name of order) {
      const help = verbs.find((verb) => verb.name === name)!.help!;
      this.#say(`${this.#paint('help', 'bold red', `${name.padEnd(13)} - ${help}`)}\n`);
    }
  }

  // ---------------------------------------------------------------- lists

  /** What differs, by path: between HEAD and index, between index and files. */
  async #changes(which: 'all' | 'staged' | 'unstaged'): Promise<Item[]> {
    const { repository } = this.#tree;
    const head = (await repository.refs.resolve('HEAD')) ?? emptyTreeOid(repository.objectFormat);
    const counts = (words: readonly string[]): Map<string, Counts> =>
      parseNumstat(captureCommand(this.#context, [...words, '--', ...this.#words]));
    const common = ['--numstat', '-z', this.#options.renames === true ? '-M' : '--no-renames'];
    const staged = which === 'unstaged' ? undefined : counts(['diff-index', '--cached', ...common, head]);
    const unstaged = which === 'staged' ? undefined : counts(['diff-files', ...common, '--ignore-submodules=dirty']);
    const inIndex = staged ?? counts(['diff-index', '--cached', ...common, head]);
    const inFiles = unstaged ?? counts(['diff-files', ...common, '--ignore-submodules=dirty']);
    const names = new Set([...(staged?.keys() ?? []), ...(unstaged?.keys() ?? [])]);
    return [...names].sort(compareText).map((name) => {
      const intended = this.#tree.index.get(name)?.intentToAdd === true && which === 'all';
      return { name, staged: inIndex.get(name) ?? (intended ? nothing : undefined), unstaged: inFiles.get(name) };
    });
  }

  #row(item: Item, selected: boolean, number: number, name: string): string {
    const counted = (counts: Counts | undefined, none: string): string =>
      (counts === undefined ? none : counts.binary ? 'binary' : `+${counts.added}/-${counts.deleted}`).padStart(12);
    const mark = selected ? '*' : ' ';
    const numbers = `${mark}${String(number).padStart(2)}: `;
    return `${numbers}${counted(item.staged, 'unchanged')} ${counted(item.unstaged, 'nothing')} ${name}\n`;
  }

  #header(): string {
    return `${this.#paint('header', 'bold', '           staged     unstaged path')}\n`;
  }

  async #status(): Promise<void> {
    const items = await this.#changes('all');
    if (items.length > 0) this.#say(this.#header());
    for (const [i, item] of items.entries()) this.#say(this.#row(item, false, i + 1, item.name));
    this.#say('\n');
  }

  /** Lets the user choose from a list. */
  #choose(items: readonly Item[], files: boolean, { prompt, immediate }: Choosing): Item[] {
    const names = items.map(({ name }) => name);
    const chosen = items.map(() => false);
    for (;;) {
      this.#say(this.#header());
      items.forEach((item, i) => {
        const length = prefixLength(names, i);
        const name =
          length === 0
            ? item.name
            : `${this.#color ? this.#paint('prompt', 'bold blue', item.name.slice(0, length)) : `[${item.name.slice(0, length)}]`}${item.name.slice(length)}`;
        this.#say(
          files
            ? this.#row(item, chosen[i]!, i + 1, name)
            : `${chosen[i] === true ? '*' : ' '}${String(i + 1).padStart(2)}: ${name}\n`,
        );
      });
      this.#say(`${this.#paint('prompt', 'bold blue', prompt)}>> `);
      const answer = this.#read();
      if (answer === undefined) {
        this.#say('\n');
        break;
      }
      if (answer === '') break;
      if (answer === '?') {
        this.#promptHelp([
          '1          - select a single item',
          '3-5        - select a range of items',
          '2-3,6-9    - select multiple ranges',
          'foo        - select item based on unique prefix',
          '-...       - unselect specified items',
          '*          - choose all items',
          '           - (empty) finish selecting',
        ]);
        continue;
      }
      for (const word of answer.split(/[ \t\r\n,]+/).filter((one) => one !== '')) {
        const range = rangeOf(word, names);
        if (range === undefined) {
          this.#huh(word.replace(/^-/, ''));
          break;
        }
        for (let i = range.from; i < range.to; i++) chosen[i] = range.choose;
      }
      if (immediate === true || answer === '*') break;
    }
    return items.filter((_, i) => chosen[i]);
  }

  async #update(): Promise<void> {
    const items = await this.#changes('unstaged');
    const chosen = items.length === 0 ? [] : this.#choose(items, true, { prompt: 'Update' });
    if (chosen.length > 0) {
      await this.#add(chosen, false);
      this.#counted('updated', chosen.length);
    }
    this.#say('\n');
  }

  async #add(chosen: readonly Item[], newFiles: boolean): Promise<void> {
    const tree = this.#tree;
    const lock = tree.lockIndex();
    try {
      tree.reloadIndex();
      await addToIndex(tree, {
        pathspec: parsePathspec(
          chosen.map(({ name }) => name),
          { settings: { literal: true } },
        ),
        newFiles,
        removals: true,
        updates: true,
        force: false,
        dryRun: false,
        intentToAdd: false,
        renormalize: false,
        ignoreErrors: false,
        ignoreMissing: false,
        executable: undefined,
      });
      tree.commitIndex(lock);
    } finally {
      lock.rollback();
    }
  }

  #counted(verb: string, count: number): void {
    this.#say(`${verb} ${count} path${count === 1 ? '' : 's'}\n`);
  }

  async #revert(): Promise<void> {
    const items = await this.#changes('staged');
    const chosen = items.length === 0 ? [] : this.#choose(items, true, { prompt: 'Revert' });
    if (chosen.length > 0) {
      const names = chosen.map(({ name }) => name);
      await unstage(this.#tree, parsePathspec(names, { settings: { literal: true } }));
      this.#counted('reverted', chosen.length);
    }
    this.#say('\n');
  }

  async #addUntracked(): Promise<void> {
    this.#tree.reloadIndex();
    const { untracked } = findUntracked(this.#tree, {
      pathspec: this.#pathspec,
      ignores: this.#tree.ignores,
      collapse: false,
      hideEmpty: true,
      ignored: 'no',
    });
    const items = untracked.map((name) => ({ name }));
    if (items.length === 0) this.#say('No untracked files.\n');
    const chosen = items.length === 0 ? [] : this.#choose(items, false, { prompt: 'Add untracked' });
    if (chosen.length > 0) {
      await this.#add(chosen, true);
      this.#counted('added', chosen.length);
    }
    this.#say('\n');
  }

  async #patch(): Promise<void> {
    const all = await this.#changes('unstaged');
    const items = all.filter(({ unstaged }) => unstaged?.binary !== true);
    if (items.length === 0) {
      this.#context.printError(all.length > 0 ? 'Only binary files changed.\n' : 'No changes.\n');
      return;
    }
    const chosen = this.#choose(items, true, { prompt: 'Patch update' });
    if (chosen.length === 0) return;
    const words = chosen.map(({ name }) => `:(top,literal)${name}`);
    this.#tree.reloadIndex();
    await patchInteractively(this.#context, this.#tree, stageMode, words, this.#options);
  }

  async #diff(): Promise<void> {
    const items = await this.#changes('staged');
    const chosen = items.length === 0 ? [] : this.#choose(items, true, { prompt: 'Review diff', immediate: true });
    if (chosen.length > 0) {
      const { repository } = this.#tree;
      const head = (await repository.refs.resolve('HEAD')) ?? emptyTreeOid(repository.objectFormat);
      const words = chosen.map(({ name }) => `:(top,literal)${name}`);
      this.#context.io.stdout.flush();
      await this.#context.runCommand('diff', ['-p', '--cached', head, '--', ...words]);
    }
    this.#say('\n');
  }
}

function parseNumstat(text: string): Map<string, Counts> {
  const found = new Map<string, Counts>();
  const records = text.split('\0');
  for (const [i, record] of records.entries()) {
    const match = /^(-|\d+)\t(-|\d+)\t(.*)$/s.exec(record);
    if (match === null) continue;
    const binary = match[1] === '-';
    // A renamed file has its names, the old and the new, in records of their own.
    found.set(match[3] === '' ? records[i + 2]! : match[3]!, {
      added: Number(match[1]) || 0,
      deleted: Number(match[2]) || 0,
      binary,
    });
  }
  return found;
}

/** The item a word means: a number, or the beginning of one name only. */
function findItem(word: string, names: readonly string[]): number | undefined {
  if (/^\d+$/.test(word)) {
    const at = Number(word) - 1;
    return at >= 0 && at < names.length ? at : undefined;
  }
  const exact = names.indexOf(word);
  if (exact >= 0) return exact;
  const starting = names.flatMap((name, i) => (name.startsWith(word) ? [i] : []));
  return starting.length === 1 ? starting[0] : undefined;
}

/** `3`, `3-5`, `3-`, `*`, a name's beginning; with `-` in front they are taken back. */
function rangeOf(
  word: string,
  names: readonly string[],
): { readonly choose: boolean; readonly from: number; readonly to: number } | undefined {
  const choose = !word.startsWith('-');
  const what = choose ? word : word.slice(1);
  if (what === '*') return { choose, from: 0, to: names.length };
  const range = /^(\d+)-(\d*)$/.exec(what);
  if (range !== null) {
    const from = Number(range[1]) - 1;
    if (from < 0 || from >= names.length) return undefined;
    return { choose, from, to: Math.min(range[2] === '' ? names.length : Number(range[2]), names.length) };
  }
  const at = findItem(what, names);
  return at === undefined ? undefined : { choose, from: at, to: at + 1 };
}

/** How much of a name is enough to tell it from the others, where that is short; 0 where it is not. */
function prefixLength(names: readonly string[], at: number): number {
  const name = names[at]!;
  for (let length = 1; length <= Math.min(4, name.length); length++) {
    const prefix = name.slice(0, length);
    if (/[ \t\r\n,]/.test(prefix) || /^[-\d]/.test(prefix)) return 0;
    if (names.some((other, i) => i !== at && other.startsWith(prefix))) continue;
    return prefix === '*' || prefix === '?' ? 0 : length;
  }
  return 0;
}
