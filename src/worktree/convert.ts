import type { Awaitable } from '../base/awaitable.js';
import { isPromise } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import { compareText, equalBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import type { Attributes, AttributeValue } from '../repo/attributes.js';
import type { Repository } from '../repo/repository.js';
import { fromUtf8, knowsEncoding, toUtf8 } from './encoding.js';
import type { EolAction } from './eol.js';
import { addCr, isAuto, looksBinary, removeCr, textStatistics, wouldAddCr } from './eol.js';
import { FilterProcess } from './filter-process.js';
import { collapseIdent, expandIdent } from './ident.js';

export interface FilterDriver {
  readonly name: string;
  readonly clean: string | undefined;
  readonly smudge: string | undefined;
  readonly process: string | undefined;
  readonly required: boolean;
}

/** What is done to one path's content between store and work tree. */
export interface Conversion {
  readonly eol: EolAction;
  /** From attributes alone, before configuration filled the gaps: what `ls-files --eol` shows. */
  readonly attributeEol: EolAction;
  readonly ident: boolean;
  readonly driver: FilterDriver | undefined;
  readonly encoding: string | undefined;
}

export interface CleanOptions {
  /** What the path has in the index now: a file with CRs there is not normalized by guesses. */
  readonly indexContent?: (() => Bytes | undefined) | undefined;
  /** Look at nothing but the file (`--renormalize`, merges). */
  readonly renormalize?: boolean;
  /** Say or refuse what would not survive the way back (`core.safecrlf`); for content that is going to be stored. */
  readonly checkSafe?: boolean | 'warn';
  /** The content is stored afterwards: encodings that are wrong are fatal. */
  readonly store?: boolean;
}

export interface SmudgeOptions {
  /** Sent to filters that ask for it. */
  readonly ref?: string | undefined;
  readonly treeish?: string | undefined;
  readonly blob?: Oid | undefined;
  /** Rule out filters: only what is undone by `clean` (renormalizing merges). */
  readonly normalizing?: boolean;
}

/** What came of a file that its filter had put off: its content, or why there is none. */
export type DelayedFile =
  | { readonly path: string; readonly data: Bytes }
  | { readonly path: string; readonly error: string };

/** A filter that put files off, with what each was asked with. */
interface DelayingFilter {
  readonly command: string;
  readonly filter: FilterProcess;
  readonly waiting: Map<string, readonly string[]>;
}

/** Converts contents by attributes and configuration: line ends, `ident`, encodings, filter programs. */
export class Converter {
  readonly #repository: Repository;
  readonly #attributesOf: (path: string) => Attributes;
  readonly #warn: (message: string) => void;
  readonly #complain: (message: string) => void;
  readonly #autocrlf: boolean | 'input';
  readonly #eol: 'crlf' | 'lf' | undefined;
  readonly #safe: 'die' | 'warn' | 'off';
  readonly #drivers = new Map<string, FilterDriver>();
  readonly #running = new Map<string, FilterProcess | undefined>();
  readonly #delaying = new Map<FilterProcess, DelayingFilter>();
  readonly #trivial: boolean;
  #keepsPrograms: boolean | undefined;

  constructor(
    repository: Repository,
    attributesOf: (path: string) => Attributes,
    says: { readonly warn?: (message: string) => void; readonly error?: (message: string) => void } = {},
  ) {
    this.#repository = repository;
    this.#attributesOf = attributesOf;
    this.#warn = says.warn ?? (() => {});
    this.#complain = says.error ?? (() => {});
    const { config } = repository;
    const autocrlf = config.has('core.autocrlf') ? config.last('core.autocrlf')?.value : 'false';
    this.#autocrlf = autocrlf?.toLowerCase() === 'input' ? 'input' : config.getBool('core.autocrlf', false);
    const eol = config.get('core.eol')?.toLowerCase();
    this.#eol = eol === 'crlf' || eol === 'lf' ? eol : undefined;
    if (this.#autocrlf === 'input' && this.#eol === 'crlf') {
      throw new GitError('CONFIG', 'core.autocrlf=input conflicts with core.eol=crlf');
    }
    const safe = config.last('core.safecrlf')?.value;
    this.#safe =
      safe === undefined && !config.has('core.safecrlf')
        ? 'warn'
        : safe?.toLowerCase() === 'warn'
          ? 'warn'
          : config.getBool('core.safecrlf', false)
            ? 'die'
            : 'off';
    this.#trivial = this.#autocrlf === false;
  }

  get #nativeCrlf(): boolean {
    if (this.#autocrlf === true) return true;
    if (this.#autocrlf === 'input') return false;
    return this.#eol === 'crlf';
  }

  /** What attributes and configuration say about a path. */
  of(path: string): Conversion {
    return this.fromAttributes(this.#attributesOf(path));
  }

  fromAttributes(attributes: Attributes): Conversion {
    if (attributes.size === 0 && this.#trivial) return nothing;
    let eol: EolAction = eolFrom(attributes.get('text'));
    if (eol === 'undefined') eol = eolFrom(attributes.get('crlf'));
    if (eol !== 'binary') {
      const wanted = attributes.get('eol');
      if (wanted === 'lf') eol = eol === 'auto' ? 'auto-input' : 'text-input';
      else if (wanted === 'crlf') eol = eol === 'auto' ? 'auto-crlf' : 'text-crlf';
    }
    const attributeEol = eol;
    if (eol === 'text') eol = this.#nativeCrlf ? 'text-crlf' : 'text-input';
    if (eol === 'undefined') {
      eol = this.#autocrlf === true ? 'auto-crlf' : this.#autocrlf === 'input' ? 'auto-input' : 'binary';
    }
    const filter = attributes.get('filter');
    return {
      eol,
      attributeEol,
      ident: attributes.get('ident') === true,
      driver: typeof filter === 'string' ? this.#driver(filter) : undefined,
      encoding: encodingFrom(attributes.get('working-tree-encoding')),
    };
  }

  #driver(name: string): FilterDriver | undefined {
    const known = this.#drivers.get(name);
    if (known !== undefined) return known;
    const { config } = this.#repository;
    const clean = config.get(`filter.${name}.clean`);
    const smudge = config.get(`filter.${name}.smudge`);
    const process = config.get(`filter.${name}.process`);
    const required = config.getBool(`filter.${name}.required`, false);
    if (clean === undefined && smudge === undefined && process === undefined && !required) return undefined;
    const driver: FilterDriver = { name, clean, smudge, process, required };
    this.#drivers.set(name, driver);
    return driver;
  }

  /** Work tree content to what is stored. */
  clean(path: string, data: Bytes, options: CleanOptions = {}): Awaitable<Bytes> {
    const conversion = this.of(path);
    if (conversion === nothing) return data;
    const { driver } = conversion;
    if (driver !== undefined) {
      const filtered = this.#filter(driver, 'clean', path, data, {}, false) as Awaitable<Bytes | undefined>;
      if (isPromise(filtered)) {
        return filtered.then((answer) => this.#cleanFiltered(path, data, answer, conversion, options));
      }
      return this.#cleanFiltered(path, data, filtered, conversion, options);
    }
    return this.#cleanRest(path, data, conversion, options);
  }

  #cleanFiltered(
    path: string,
    data: Bytes,
    answer: Bytes | undefined,
    conversion: Conversion,
    options: CleanOptions,
  ): Bytes {
    if (answer === undefined && conversion.driver!.required) {
      throw new GitError('USAGE', `${path}: clean filter '${conversion.driver!.name}' failed`);
    }
    return this.#cleanRest(path, answer ?? data, conversion, options);
  }

  #cleanRest(path: string, input: Bytes, conversion: Conversion, options: CleanOptions): Bytes {
    let data = input;
    if (conversion.encoding !== undefined) data = this.#decode(path, data, conversion.encoding, options.store === true);
    data = this.#normalizeEol(path, data, conversion.eol, options);
    if (conversion.ident) data = collapseIdent(data);
    return data;
  }

  #normalizeEol(path: string, data: Bytes, action: EolAction, options: CleanOptions): Bytes {
    if (action === 'binary' || data.length === 0) return data;
    const stats = textStatistics(data);
    let convert = stats.crlf > 0;
    if (isAuto(action)) {
      if (looksBinary(stats)) return data;
      if (convert && options.renormalize !== true && hasCrlf(options.indexContent?.())) convert = false;
    }
    if (options.checkSafe !== undefined && options.checkSafe !== false && this.#safe !== 'off') {
      const after = { ...stats };
      if (convert) {
        after.loneLf += after.crlf;
        after.crlf = 0;
      }
      if (wouldAddCr(after, action, this.#nativeCrlf)) {
        after.crlf += after.loneLf;
        after.loneLf = 0;
      }
      const [losesCrlf, losesLf] = [stats.crlf > 0 && after.crlf === 0, stats.loneLf > 0 && after.loneLf === 0];
      this.#reportUnsafe(path, losesCrlf, losesLf, options.checkSafe === 'warn');
    }
    return convert ? removeCr(data, stats.crlf) : data;
  }

  #reportUnsafe(path: string, losesCrlf: boolean, losesLf: boolean, onlyWarn: boolean): void {
    if (!losesCrlf && !losesLf) return;
    const [from, to] = losesCrlf ? ['CRLF', 'LF'] : ['LF', 'CRLF'];
    if (this.#safe === 'die' && !onlyWarn) throw new GitError('USAGE', `${from} would be replaced by ${to} in ${path}`);
    this.#warn(`in the working copy of '${path}', ${from} will be replaced by ${to} the next time Git touches it`);
  }

  #decode(path: string, data: Bytes, encoding: string, store: boolean): Bytes {
    if (data.length === 0) return data;
    const fault = bomFault(path, data, encoding);
    if (fault !== undefined) {
      this.#repository.complain(`hint: ${fault.hint}`);
      if (store) throw new GitError('USAGE', fault.message);
      this.#complain(fault.message);
      return data;
    }
    const utf8 = knowsEncoding(encoding) ? toUtf8(data, encoding) : undefined;
    if (utf8 === undefined) {
      const message = `failed to encode '${path}' from ${encoding} to UTF-8`;
      if (store) throw new GitError('USAGE', message);
      this.#complain(message);
      return data;
    }
    if (store && this.#checksRoundTrip(encoding)) {
      const back = fromUtf8(utf8, encoding);
      if (back === undefined || !equalBytes(back, data)) {
        throw new GitError('USAGE', `encoding '${path}' from ${encoding} to UTF-8 and back is not the same`);
      }
    }
    return utf8;
  }

  #checksRoundTrip(encoding: string): boolean {
    const list = this.#repository.config.get('core.checkroundtripencoding') ?? 'SHIFT-JIS';
    return list.split(/[ ,\t]+/).some((name) => name.toLowerCase() === encoding.toLowerCase());
  }

  /** Stored content to what is written to the work tree. */
  smudge(path: string, data: Bytes, options: SmudgeOptions = {}, conversion = this.of(path)): Awaitable<Bytes> {
    return this.#smudge(path, data, options, conversion, false) as Awaitable<Bytes>;
  }

  /** Whether files go in and out as they are. */
  isPlain(conversion: Conversion): boolean {
    return conversion === nothing;
  }

  /** Whether any filter is a program that is kept running. */
  get keepsPrograms(): boolean {
    const { config } = this.#repository;
    this.#keepsPrograms ??= config.subsections('filter').some((name) => config.has(`filter.${name}.process`));
    return this.#keepsPrograms;
  }

  /** Whether the file's own filter is one: only such may put it off. */
  mayDelay(path: string): boolean {
    return this.keepsPrograms && this.of(path).driver?.process !== undefined;
  }

  /** The same, unless a long-running filter wants time for this file: then `delayedFiles` has it later. */
  smudgeOrDelay(path: string, data: Bytes, options: SmudgeOptions = {}): Awaitable<Bytes | 'delayed'> {
    return this.#smudge(path, data, options, this.of(path), true);
  }

  #smudge(
    path: string,
    data: Bytes,
    options: SmudgeOptions,
    conversion: Conversion,
    canDelay: boolean,
  ): Awaitable<Bytes | 'delayed'> {
    if (conversion === nothing) return data;
    const { driver } = conversion;
    let out = data;
    if (conversion.ident) out = expandIdent(out, options.blob ?? this.#repository.objects.hash('blob', data));
    const filters = driver !== undefined && (driver.smudge !== undefined || driver.process !== undefined);
    if (options.normalizing !== true || filters) {
      const stats = conversion.eol === 'binary' || out.length === 0 ? undefined : textStatistics(out);
      if (stats !== undefined && wouldAddCr(stats, conversion.eol, this.#nativeCrlf)) out = addCr(out, stats.loneLf);
    }
    if (conversion.encoding !== undefined && out.length > 0) {
      const encoded = knowsEncoding(conversion.encoding) ? fromUtf8(out, conversion.encoding) : undefined;
      if (encoded === undefined) this.#complain(`failed to encode '${path}' from UTF-8 to ${conversion.encoding}`);
      else out = encoded;
    }
    if (driver === undefined) return out;
    const filtered = this.#filter(driver, 'smudge', path, out, options, canDelay);
    const settle = (answer: Bytes | 'delayed' | undefined): Bytes | 'delayed' => {
      if (answer === undefined && driver.required) {
        throw new GitError('USAGE', `${path}: smudge filter ${driver.name} failed`);
      }
      return answer ?? out;
    };
    return isPromise(filtered) ? filtered.then(settle) : settle(filtered);
  }

  #filter(
    driver: FilterDriver,
    direction: 'clean' | 'smudge',
    path: string,
    data: Bytes,
    options: SmudgeOptions,
    canDelay: boolean,
  ): Awaitable<Bytes | 'delayed' | undefined> {
    if (driver.process !== undefined && driver.process !== '') {
      return this.#viaProcess(driver, direction, path, data, options, canDelay);
    }
    const command = direction === 'clean' ? driver.clean : driver.smudge;
    if (command === undefined || command === '') return undefined;
    const { processes } = this.#repository.platform;
    if (processes === undefined) return undefined;
    const line = substitutePath(command, path);
    const result = processes.runSync(['/bin/sh', '-c', line], {
      cwd: this.#repository.workTree ?? this.#repository.gitDir,
      env: this.#repository.hooks.environment(),
      input: data,
      stderr: 'inherit',
    });
    if (result.code !== 0) {
      this.#complain(`external filter '${command}' failed ${result.code}`);
      this.#complain(`external filter '${command}' failed`);
      return undefined;
    }
    return result.stdout;
  }

  async #viaProcess(
    driver: FilterDriver,
    direction: 'clean' | 'smudge',
    path: string,
    data: Bytes,
    options: SmudgeOptions,
    canDelay: boolean,
  ): Promise<Bytes | 'delayed' | undefined> {
    const { processes } = this.#repository.platform;
    const command = driver.process!;
    if (processes === undefined) return undefined;
    let filter = this.#running.get(command);
    if (filter === undefined || filter.isDead) {
      if (this.#running.has(command) && filter === undefined) return undefined;
      filter = await FilterProcess.start(
        processes,
        processes.shell(command),
        {
          cwd: this.#repository.workTree ?? this.#repository.gitDir,
          env: this.#repository.hooks.environment(),
        },
        this.#complain,
      );
      // Not every command closes its work tree; a program left running would keep the process from ending.
      if (this.#running.size === 0) this.#repository.whenClosed(() => this.#stop());
      this.#running.set(command, filter);
      if (filter === undefined) {
        this.#complain(`initialization for subprocess '${command}' failed`);
        return undefined;
      }
    }
    if (!filter.capabilities.has(direction)) return undefined;
    const details = [`pathname=${path}`];
    if (direction === 'smudge') {
      if (options.ref !== undefined) details.push(`ref=${options.ref}`);
      if (options.treeish !== undefined) details.push(`treeish=${options.treeish}`);
      if (options.blob !== undefined) details.push(`blob=${options.blob}`);
    }
    const mayDelay = canDelay && filter.capabilities.has('delay');
    const answer = await filter.convert(direction, mayDelay ? [...details, 'can-delay=1'] : details, data);
    if (answer.status === 'success') return answer.data;
    if (answer.status === 'delayed' && mayDelay) {
      let delaying = this.#delaying.get(filter);
      if (delaying === undefined) {
        delaying = { command, filter, waiting: new Map() };
        this.#delaying.set(filter, delaying);
      }
      delaying.waiting.set(path, details);
      return 'delayed';
    }
    if (answer.status === 'abort') filter.capabilities.delete(direction);
    else if (filter.isDead) {
      this.#complain(`external filter '${command}' failed`);
      this.#running.delete(command);
    }
    return undefined;
  }

  /** The files that filters have put off, each when its filter has it. Asks until no filter has more to give. */
  async *delayedFiles(): AsyncGenerator<DelayedFile> {
    const asked = [...this.#delaying.values()];
    this.#delaying.clear();
    let open = asked;
    while (open.length > 0) {
      const more: DelayingFilter[] = [];
      for (const one of open) if (yield* this.#available(one)) more.push(one);
      open = more;
    }
    for (const { waiting } of asked) {
      for (const path of waiting.keys()) yield { path, error: `'${path}' was not filtered properly` };
    }
  }

  /** What one filter has ready; answers whether to ask it again. */
  async *#available({ command, filter, waiting }: DelayingFilter): AsyncGenerator<DelayedFile, boolean> {
    const paths = await filter.available();
    if (paths === undefined || paths.length === 0) return false;
    let good = true;
    for (const path of paths.sort(compareText)) {
      const details = waiting.get(path);
      if (details === undefined) {
        yield {
          path,
          error: `external filter '${command}' signaled that '${path}' is now available although it has not been delayed earlier`,
        };
        good = false;
        continue;
      }
      const answer = await filter.convert('smudge', details, undefined);
      if (answer.status !== 'success') continue;
      waiting.delete(path);
      yield { path, data: answer.data };
    }
    return good && !filter.isDead;
  }

  #stop(): void {
    for (const filter of this.#running.values()) filter?.stop();
    this.#running.clear();
  }

  /** Ends the long-running filters and waits for them. */
  async close(): Promise<void> {
    for (const filter of this.#running.values()) await filter?.finish();
    this.#running.clear();
  }
}

const nothing: Conversion = {
  eol: 'binary',
  attributeEol: 'undefined',
  ident: false,
  driver: undefined,
  encoding: undefined,
};

function eolFrom(value: AttributeValue): EolAction {
  if (value === true) return 'text';
  if (value === false) return 'binary';
  if (value === 'input') return 'text-input';
  if (value === 'auto') return 'auto';
  return 'undefined';
}

function encodingFrom(value: AttributeValue): string | undefined {
  if (value === undefined || value === false || value === '') return undefined;
  if (value === true) throw new GitError('USAGE', 'true/false are no valid working-tree-encodings');
  return /^utf-?8$/i.test(value) ? undefined : value;
}

function hasCrlf(data: Bytes | undefined): boolean {
  if (data === undefined || !data.includes(13)) return false;
  const stats = textStatistics(data);
  return !looksBinary(stats) && stats.crlf > 0;
}

/** `%f` is the path, quoted for the shell; `%%` a percent sign. */
function substitutePath(command: string, path: string): string {
  return command.replace(/%([%f])/g, (_, what: string) =>
    what === '%' ? '%' : `'${path.replace(/['!]/g, (char) => `'\\${char}'`)}'`,
  );
}

const startsWith = (data: Bytes, ...bytes: readonly number[]): boolean => bytes.every((byte, i) => data[i] === byte);

/** UTF-16 and UTF-32 must come with a byte order mark, their forms of fixed order without. */
function bomFault(path: string, data: Bytes, encoding: string): { message: string; hint: string } | undefined {
  const match = /^utf-?(16|32)-?(le|be)?$/i.exec(encoding);
  if (match === null) return undefined;
  const wide = match[1] === '32';
  const marked = wide
    ? startsWith(data, 0, 0, 0xfe, 0xff) || startsWith(data, 0xff, 0xfe, 0, 0)
    : startsWith(data, 0xfe, 0xff) || startsWith(data, 0xff, 0xfe);
  const stripped = encoding.replace(/^utf-?/i, '');
  if (match[2] !== undefined && marked) {
    return {
      message: `BOM is prohibited in '${path}' if encoded as ${encoding}`,
      hint: `The file '${path}' contains a byte order mark (BOM). Please use UTF-${stripped.slice(0, 2)} as working-tree-encoding.`,
    };
  }
  if (match[2] === undefined && !marked) {
    return {
      message: `BOM is required in '${path}' if encoded as ${encoding}`,
      hint: `The file '${path}' is missing a byte order mark (BOM). Please use UTF-${stripped}BE or UTF-${stripped}LE (depending on the byte order) as working-tree-encoding.`,
    };
  }
  return undefined;
}
