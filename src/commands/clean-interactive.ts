import { RESET, parseColor } from '../base/color.js';
import { displayWidth } from '../base/display-width.js';
import { Ignores } from '../worktree/ignore.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';
import { endingAtOnce } from './interrupt.js';
import { pathPrinter } from './work-tree.js';

const commands = ['clean', 'filter by pattern', 'select by numbers', 'ask each', 'quit', 'help'];

/** `clean -i`: lets the user choose what goes. `undefined`: nothing, the user left. */
export async function cleanInteractively(
  context: CommandContext,
  tree: WorkTree,
  found: readonly string[],
): Promise<string[] | undefined> {
  const screen = new Screen(context, tree);
  let list = [...found];
  // What was not understood is asked again without listing all once more.
  let listed = false;
  while (list.length > 0) {
    if (!listed) screen.items(list);
    listed = false;
    screen.menu();
    const word = screen.ask('What now> ');
    if (word === undefined) {
      screen.say('Bye.\n');
      return undefined;
    }
    const choice = chooseCommand(word);
    switch (choice) {
      case 'clean':
        return list;
      case 'filter by pattern':
        list = screen.filter(list);
        break;
      case 'select by numbers':
        list = screen.select(list);
        break;
      case 'ask each':
        return screen.askEach(list);
      case 'quit':
        screen.say('Bye.\n');
        return undefined;
      case 'help':
        screen.help();
        break;
      default:
        if (word.trim() !== '') screen.error(`Huh (${word.trim()})?`);
        listed = true;
    }
  }
  screen.error('No more files to clean, exiting.');
  return undefined;
}

function chooseCommand(word: string): string | undefined {
  const text = word.trim();
  if (/^[1-6]$/.test(text)) return commands[Number(text) - 1];
  if (text === '') return undefined;
  const found = commands.filter((command) => command.startsWith(text));
  return found.length === 1 ? found[0] : undefined;
}

class Screen {
  readonly #context: CommandContext;
  readonly #tree: WorkTree;
  readonly #print: (path: string) => string;
  readonly #color: boolean;

  constructor(context: CommandContext, tree: WorkTree) {
    this.#context = context;
    this.#tree = tree;
    this.#print = pathPrinter(tree);
    this.#color = context.wantColor('interactive');
  }

  #paint(slot: string, fallback: string, text: string): string {
    if (!this.#color) return text;
    return parseColor(this.#tree.repository.config.get(`color.interactive.${slot}`) ?? fallback) + text + RESET;
  }

  say(text: string): void {
    this.#context.print(text);
    this.#context.io.stdout.flush();
  }

  error(text: string): void {
    this.say(this.#paint('error', 'red bold', `${text}\n`));
  }

  /** One line of input; `undefined` at its end. */
  ask(prompt: string, painted = true): string | undefined {
    const line = endingAtOnce(() => {
      this.say(painted ? this.#paint('prompt', 'blue bold', prompt) : prompt);
      this.#context.io.stdout.flush();
      return this.#context.io.stdin.readUntil();
    });
    return line === undefined ? undefined : new TextDecoder().decode(line).trim();
  }

  items(list: readonly string[]): void {
    this.say(this.#paint('header', 'bold', `Would remove the following ${list.length === 1 ? 'item' : 'items'}:\n`));
    this.names(list);
  }

  names(list: readonly string[]): void {
    this.say(
      columns(
        list.map((path) => this.#print(path)),
        'down',
      ),
    );
  }

  menu(): void {
    this.say(`${this.#paint('header', 'bold', '*** Commands ***')}\n`);
    this.say(
      columns(
        commands.map((command, i) => `${String(i + 1).padStart(3)}: ${this.#mark(command)}`),
        'across',
      ),
    );
  }

  #mark(command: string): string {
    return this.#color
      ? `${this.#paint('prompt', 'blue bold', command[0]!)}${command.slice(1)}`
      : `*${command[0]}*${command.slice(1)}`.replace(/\*(.)\*/, '$1');
  }

  filter(list: readonly string[]): string[] {
    let kept = [...list];
    let changed = true;
    for (;;) {
      if (changed) this.names(kept);
      const line = this.ask('Input ignore patterns>> ');
      if (line === undefined) this.say('\n');
      if (line === undefined || line === '') return kept;
      const ignores = new Ignores(this.#tree.repository, { standard: false });
      for (const pattern of line.split(' ')) if (pattern !== '') ignores.addPattern(pattern);
      const before = kept.length;
      kept = kept.filter((path) => !ignores.isIgnored(path.replace(/\/$/, ''), path.endsWith('/')));
      changed = before !== kept.length;
      if (!changed) this.error(`WARNING: Cannot find items matched by: ${line}`);
    }
  }

  select(list: readonly string[]): string[] {
    const chosen = new Set<number>();
    for (;;) {
      this.say(
        columns(
          list.map((path, i) => `${chosen.has(i) ? '*' : ' '}${String(i + 1).padStart(2)}: ${this.#print(path)}`),
          'across',
        ),
      );
      const line = this.ask('Select items to delete>> ');
      if (line === undefined || line === '') break;
      for (const word of line.split(/[\s,]+/)) this.#apply(word, list, chosen);
    }
    return list.filter((_, i) => chosen.has(i));
  }

  #apply(word: string, list: readonly string[], chosen: Set<number>): void {
    const off = word.startsWith('-');
    const text = off ? word.slice(1) : word;
    let range: [number, number] | undefined;
    const match = /^(\d+)(?:(-)(\d*))?$/.exec(text);
    if (text === '*') range = [1, list.length];
    else if (match !== null) {
      const from = Number(match[1]);
      range = [from, match[2] === undefined ? from : match[3] === '' ? list.length : Number(match[3])];
    } else {
      const found = list.findIndex((path) => this.#print(path).startsWith(text));
      if (found >= 0) range = [found + 1, found + 1];
    }
    if (range === undefined || range[0] < 1 || range[1] > list.length || range[0] > range[1]) {
      this.error(`Huh (${word})?`);
      return;
    }
    for (let i = range[0]; i <= range[1]; i++) {
      if (off) chosen.delete(i - 1);
      else chosen.add(i - 1);
    }
  }

  askEach(list: readonly string[]): string[] {
    const kept: string[] = [];
    for (const path of list) {
      const answer = this.ask(`Remove ${this.#print(path)} [y/N]? `, false);
      if (answer === undefined) break;
      if (answer !== '' && 'yes'.startsWith(answer.toLowerCase())) kept.push(path);
    }
    return kept;
  }

  help(): void {
    this.say(
      this.#paint(
        'help',
        'bold red',
        'clean               - start cleaning\n' +
          'filter by pattern   - exclude items from deletion\n' +
          'select by numbers   - select items to be deleted by numbers\n' +
          'ask each            - confirm each deletion (like "rm -i")\n' +
          'quit                - stop cleaning\n' +
          'help                - this screen\n' +
          '?                   - help for prompt selection\n',
      ),
    );
  }
}

const width = (text: string): number => displayWidth(text, true);

/** Names side by side, one under the other first or one beside the other first, on a line of 80. */
function columns(names: readonly string[], order: 'down' | 'across'): string {
  const widest = Math.max(...names.map(width)) + 2;
  const perRow = Math.max(1, Math.floor((79 - 2) / widest));
  const rows = Math.ceil(names.length / perRow);
  let out = '';
  for (let row = 0; row < rows; row++) {
    let line = '  ';
    for (let column = 0; column < perRow; column++) {
      const at = order === 'down' ? column * rows + row : row * perRow + column;
      const next = order === 'down' ? at + rows : column + 1 < perRow ? at + 1 : names.length;
      const name = names[at];
      if (name === undefined) break;
      line += next < names.length ? name + ' '.repeat(widest - width(name)) : name;
    }
    out += `${line}\n`;
  }
  return out;
}
