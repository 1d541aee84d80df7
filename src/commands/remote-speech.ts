import { type Bytes, decodeText } from '../base/bytes.js';
import { parseColor, RESET } from '../base/color.js';
import { GitError } from '../base/errors.js';
import type { Config } from '../repo/config.js';
import { parseBool } from '../repo/config-values.js';
import { UrlConfig } from '../transport/url-config.js';
import type { CommandContext } from './command.js';
import { stderrColor } from './color.js';

const usual: readonly (readonly [keyword: string, color: string])[] = [
  ['hint', '\x1b[33m'],
  ['warning', '\x1b[1;33m'],
  ['success', '\x1b[1;32m'],
  ['error', '\x1b[1;31m'],
];

/** Prints what a server says on side band 2: each line as `remote: …`, whole lines only, without what moves terminals. */
export class RemoteSpeech {
  readonly #context: CommandContext;
  readonly #config: Config | undefined;
  readonly #url: string | undefined;
  readonly #suffix: string;
  #keywords: readonly (readonly [string, string])[] | undefined;
  #mask: ((text: string) => string) | undefined;
  #rest = '';

  /** `config`, `url`: for `color.remote` and `sideband.<url>.allowControlCharacters`. */
  constructor(context: CommandContext, config?: Config, url?: string) {
    this.#context = context;
    this.#config = config;
    this.#url = url;
    const dumb = context.env['TERM'] === undefined || context.env['TERM'] === 'dumb';
    this.#suffix = context.io.stderr.isTerminal && !dumb ? '\x1b[K' : '        ';
  }

  readonly hear = (bytes: Bytes): void => {
    const text = this.#rest + decodeText(bytes);
    let out = '';
    let at = 0;
    for (let i = 0; i < text.length; i++) {
      const char = text[i];
      if (char !== '\n' && char !== '\r') continue;
      const line = text.slice(at, i);
      out += `remote: ${this.#shown(line)}${line === '' ? '' : this.#suffix}${char}`;
      at = i + 1;
    }
    this.#rest = text.slice(at);
    if (out !== '') this.#context.printError(out);
  };

  /** What came without a line end. */
  finish(): void {
    if (this.#rest !== '') this.#context.printError(`remote: ${this.#shown(this.#rest)}${this.#suffix}\n`);
    this.#rest = '';
  }

  #shown(line: string): string {
    this.#keywords ??= this.#readKeywords();
    this.#mask ??= masking(this.#config, this.#url, (message) => this.#context.warning(message));
    if (this.#keywords.length === 0) return this.#mask(line);
    const blank = /^\s*/.exec(line)![0];
    const rest = line.slice(blank.length);
    for (const [keyword, color] of this.#keywords) {
      if (rest.slice(0, keyword.length).toLowerCase() !== keyword || /^[a-z0-9]/i.test(rest.slice(keyword.length)))
        continue;
      return `${blank}${color}${rest.slice(0, keyword.length)}${RESET}${this.#mask(rest.slice(keyword.length))}`;
    }
    return this.#mask(line);
  }

  /** `color.remote` and `color.remote.<keyword>`; none where there is no colour. */
  #readKeywords(): readonly (readonly [string, string])[] {
    if (!stderrColor(this.#context, this.#config, 'remote')) return [];
    return usual.map(([keyword, color]) => {
      const value = this.#config?.get(`color.remote.${keyword}`);
      if (value === undefined) return [keyword, color];
      try {
        return [keyword, parseColor(value)];
      } catch (error) {
        if (!(error instanceof GitError)) throw error;
        this.#context.error(error.message);
        return [keyword, color];
      }
    });
  }
}

/** Final letters of escape sequences that only colour, move the cursor, or erase. */
const kinds: Readonly<Record<string, string>> = { color: 'm', cursor: 'ABCDEFGHf', erase: 'JKMPX' };

/** `sideband.allowControlCharacters`: what is let through; the rest is shown as `^X`. */
function masking(config: Config | undefined, url: string | undefined, warn: (message: string) => void) {
  let value: string | undefined;
  if (config !== undefined) {
    // Only to one address: `sideband.<url>.allowControlCharacters`.
    const settings = new UrlConfig(config, 'sideband', url ?? '');
    value = settings.has('allowcontrolcharacters') ? (settings.get('allowcontrolcharacters') ?? 'true') : undefined;
  }
  let letters = kinds['color']!;
  if (value !== undefined) {
    const bool = parseBool(value);
    if (bool === true) return (text: string) => text;
    letters = '';
    for (const word of bool === false ? [] : value.split(',')) {
      if (kinds[word] !== undefined) letters += kinds[word];
      else warn(`unrecognized value for 'sideband.allowcontrolcharacters': '${word}'`);
    }
  }
  return (text: string): string =>
    text.replace(/\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]/g, (found) => {
      if (found.length > 1 && letters.includes(found[found.length - 1]!)) return found;
      return `^${String.fromCharCode(found.charCodeAt(0) ^ 0x40)}${found.slice(1)}`;
    });
}
