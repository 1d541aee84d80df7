import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isZeroOid, zeroOid } from '../base/oid.js';
import { checkRefFormat } from '../refs/name.js';
import type { RefTransaction, RefUpdate, RejectedUpdate, UpdateFailureCode, UpdateResult } from '../refs/store.js';
import { resolveRevision } from '../repo/revision.js';
import type { CommandContext } from './command.js';
import { decodeText } from '../base/bytes.js';

interface ScriptOptions {
  readonly nul: boolean;
  readonly noDeref: boolean;
  readonly createReflog: boolean;
  readonly partial: boolean;
  readonly reason: string | undefined;
}

type State = 'open' | 'started' | 'prepared' | 'closed';

const fail = (message: string): GitError => new GitError('USAGE', message);

const reasons: Partial<Record<UpdateFailureCode, string>> = {
  changed: 'incorrect old value provided',
  exists: 'reference already exists',
  locked: 'reference already exists',
  missing: 'reference does not exist',
  conflict: 'refname conflict',
  invalid: 'invalid new value provided',
  'not-symbolic': 'expected symref but found regular ref',
};

/** The arguments of one command: separated by spaces and maybe quoted, or one NUL-ended piece each. */
class Words {
  readonly #nul: boolean;
  readonly #read: () => string | undefined;
  #text: string;
  #at = 0;

  constructor(text: string, nul: boolean, read: () => string | undefined) {
    this.#text = text;
    this.#nul = nul;
    this.#read = read;
  }

  /** What is left, for messages. */
  get rest(): string {
    return this.#text.slice(this.#at);
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  #word(): string {
    if (this.#nul) {
      const word = this.rest;
      this.#at = this.#text.length;
      return word;
    }
    if (this.#text[this.#at] === '"') return this.#quoted();
    const start = this.#at;
    while (this.#at < this.#text.length && !/\s/.test(this.#text[this.#at]!)) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  #quoted(): string {
    const whole = this.rest;
    const match = /^"((?:[^"\\]|\\.)*)"/.exec(whole);
    if (match === null) throw fail(`badly quoted argument: ${whole}`);
    this.#at += match[0].length;
    const escapes: Record<string, string> = { a: '\x07', b: '\b', t: '\t', n: '\n', v: '\v', f: '\f', r: '\r' };
    const text = match[1]!.replace(/\\([0-3][0-7]{2}|.)/g, (_, code: string) => {
      if (code.length === 3) {
        const unit = Number.parseInt(code, 8);
        return unit < 128 ? String.fromCharCode(unit) : String.fromCharCode(0xdc00 + unit);
      }
      const plain = escapes[code] ?? (code === '"' || code === '\\' ? code : undefined);
      if (plain === undefined) throw fail(`badly quoted argument: ${whole}`);
      return plain;
    });
    if (this.#at < this.#text.length && !/\s/.test(this.#text[this.#at]!))
      throw fail(`unexpected character after quoted argument: ${whole}`);
    return text;
  }

  refName(): string | undefined {
    const name = this.#word();
    if (name === '') return undefined;
    if (!checkRefFormat(name, { allowOneLevel: true })) throw fail(`invalid ref format: ${name}`);
    return name;
  }

  /** A further argument; `undefined` when there is none. In NUL form a missing end of input is an error. */
  next(what: string): string | undefined {
    if (this.#nul) {
      if (!this.atEnd) throw fail(`${what}: expected NUL but got: ${this.rest}`);
      const piece = this.#read();
      if (piece === undefined) return undefined;
      this.#text = '';
      this.#at = 0;
      return piece;
    }
    if (this.atEnd) return undefined;
    if (this.#text[this.#at] !== ' ') throw fail(`${what}: expected SP but got: ${this.rest}`);
    this.#at++;
    return this.#word();
  }
}

/** `update-ref --stdin`: a conversation that makes one transaction after another. */
export class RefScript {
  readonly #context: CommandContext;
  readonly #options: ScriptOptions;
  #transaction: RefTransaction;
  #state: State = 'open';
  #noDerefOnce = false;
  #restart = false;

  constructor(context: CommandContext, options: ScriptOptions) {
    this.#context = context;
    this.#options = options;
    this.#transaction = this.#begin();
  }

  #begin(): RefTransaction {
    return this.#context.repository().refs.transaction({ partial: this.#options.partial });
  }

  async *run(): AsyncGenerator<{ text: string }> {
    const { stdin } = this.#context.io;
    const terminator = this.#options.nul ? 0 : 0x0a;
    const read = (): string | undefined => {
      const bytes = stdin.readUntil(terminator);
      return bytes === undefined ? undefined : decodeText(bytes);
    };
    for (let line = read(); line !== undefined; line = read()) {
      if (line === '') throw fail('empty command in input');
      if (/^\s/.test(line)) throw fail(`whitespace before command: ${line}`);
      const said = await this.#command(line, read);
      if (said !== undefined) {
        yield { text: said };
        this.#context.io.stdout.flush();
      }
    }
    if (this.#state === 'open') {
      const text = this.#report(await this.#transaction.commit());
      if (text !== '') yield { text };
    } else if (this.#state !== 'closed') await this.#transaction.abort();
  }

  #report(result: UpdateResult, prefix = ''): string {
    if (!result.ok) throw new GitError('REF_CHANGED', prefix + result.message);
    return (result.rejected ?? []).map((rejected) => this.#rejectedLine(rejected)).join('');
  }

  #rejectedLine({ update, failure }: RejectedUpdate): string {
    this.#context.error(failure.message);
    const zero = zeroOid(this.#context.repository().objectFormat);
    const side = (value: RefUpdate['to'] | RefUpdate['expect']): string =>
      // Where no old value was given stock git prints a null pointer, and its readers know it.
      value === undefined ? '(null)' : typeof value === 'object' || !/^[0-9a-f]{40,}$/.test(value) ? zero : value;
    const reason = reasons[failure.code] ?? 'unknown failure';
    return `rejected ${update.name} ${side(update.to)} ${side(update.expect)} ${reason}\n`;
  }

  async #command(line: string, read: () => string | undefined): Promise<string | undefined> {
    const space = line.indexOf(' ');
    const name = space < 0 ? line : line.slice(0, space);
    const takesWords = changing.has(name);
    const known = takesWords || control.has(name) || name === 'option';
    if (!known) throw fail(`unknown command: ${line}`);
    if (takesWords || name === 'option') {
      if (space < 0) throw fail(`unknown command: ${line}`);
    }
    if (this.#state === 'prepared' && name !== 'commit' && name !== 'abort')
      throw fail('prepared transactions can only be closed');
    if (this.#state === 'closed' && name !== 'start') throw fail('transaction is closed');
    const words = new Words(space < 0 ? '' : line.slice(space + 1), this.#options.nul, read);
    if (control.has(name)) {
      if (space >= 0) throw fail(`${name}: extra input: ${words.rest}`);
      return this.#control(name);
    }
    if (name === 'option') {
      if (words.rest !== 'no-deref') throw fail(`option unknown: ${words.rest}`);
      this.#noDerefOnce = true;
      return undefined;
    }
    await this.#change(name, words);
    this.#noDerefOnce = false;
    return undefined;
  }

  async #control(name: string): Promise<string> {
    switch (name) {
      case 'start':
        if (this.#state === 'started' || this.#state === 'prepared') throw fail('cannot restart ongoing transaction');
        if (this.#restart) this.#transaction = this.#begin();
        this.#state = 'started';
        return 'start: ok\n';
      case 'prepare': {
        this.#report(await this.#transaction.prepare(), 'prepare: ');
        this.#state = 'prepared';
        return 'prepare: ok\n';
      }
      case 'commit': {
        const text = this.#report(await this.#transaction.commit(), 'commit: ');
        this.#state = 'closed';
        this.#restart = true;
        return `${text}commit: ok\n`;
      }
      default:
        await this.#transaction.abort();
        this.#state = 'closed';
        this.#restart = true;
        return 'abort: ok\n';
    }
  }

  async #change(verb: string, words: Words): Promise<void> {
    const name = words.refName();
    if (name === undefined) throw fail(`${verb}: missing <ref>`);
    const label = `${verb} ${name}`;
    const noDeref = this.#noDerefOnce || this.#options.noDeref;
    const zero = zeroOid(this.#context.repository().objectFormat);
    const common = { name, noDeref, reason: this.#options.reason };
    const created = { ...common, createReflog: this.#options.createReflog };
    const end = (): void => {
      if (!words.atEnd) throw fail(`${label}: extra input: ${words.rest}`);
    };
    let update: RefUpdate;
    switch (verb) {
      case 'update': {
        const to = await this.#oid(words, label, 'new', true);
        if (to === undefined) throw fail(`${label}: missing <new-oid>`);
        const old = await this.#oid(words, label, 'old', false);
        end();
        update = { ...created, to, expect: old === undefined ? undefined : isZeroOid(old) ? 'absent' : old };
        break;
      }
      case 'create': {
        const to = await this.#oid(words, label, 'new', false);
        if (to === undefined) throw fail(`${label}: missing <new-oid>`);
        if (isZeroOid(to)) throw fail(`${label}: zero <new-oid>`);
        end();
        update = { ...created, to, expect: 'absent' };
        break;
      }
      case 'delete': {
        const old = await this.#oid(words, label, 'old', false);
        if (old !== undefined && isZeroOid(old)) throw fail(`${label}: zero <old-oid>`);
        end();
        update = { ...common, to: 'deleted', expect: old };
        break;
      }
      case 'verify': {
        const old = (await this.#oid(words, label, 'old', false)) ?? zero;
        end();
        update = { ...common, to: 'verify', expect: isZeroOid(old) ? 'absent' : old };
        break;
      }
      case 'symref-create': {
        const target = this.#target(words, label);
        if (target === undefined) throw fail(`${label}: missing <new-target>`);
        end();
        update = { ...created, to: { symbolic: target }, expect: 'absent' };
        break;
      }
      case 'symref-update': {
        const target = this.#target(words, label);
        if (target === undefined) throw fail(`${label}: missing <new-target>`);
        const expect = await this.#oldOfSymref(words, label);
        end();
        update = { ...created, to: { symbolic: target }, expect };
        break;
      }
      case 'symref-delete': {
        if (!noDeref) throw fail('symref-delete: cannot operate with deref mode');
        const target = this.#target(words, label);
        end();
        update = { ...common, to: 'deleted', expect: target === undefined ? undefined : { symbolic: target } };
        break;
      }
      default: {
        if (!noDeref) throw fail('symref-verify: cannot operate with deref mode');
        const target = this.#target(words, label);
        end();
        update = { ...common, to: 'verify', expect: target === undefined ? 'absent' : { symbolic: target } };
      }
    }
    const failure = await this.#transaction.add(update);
    if (failure !== undefined) throw new GitError('REF_INVALID', failure.message);
  }

  /** A missing one is `undefined`, an empty one zeros (in NUL form: missing, or zeros with a warning for `update`). */
  async #oid(words: Words, label: string, side: 'new' | 'old', allowEmpty: boolean): Promise<Oid | undefined> {
    const repository = this.#context.repository();
    const text = words.next(label);
    if (text === undefined) {
      if (this.#options.nul) throw fail(`${label}: unexpected end of input when reading <${side}-oid>`);
      return undefined;
    }
    if (text === '') {
      if (!this.#options.nul) return zeroOid(repository.objectFormat);
      if (!allowEmpty) return undefined;
      this.#context.warning(`${label}: missing <new-oid>, treating as zero`);
      return zeroOid(repository.objectFormat);
    }
    const oid = await resolveRevision(repository, text);
    if (oid === undefined) throw fail(`${label}: invalid <${side}-oid>: ${text}`);
    return oid;
  }

  #target(words: Words, label: string): string | undefined {
    const text = words.next(label);
    if (text === undefined || text === '') return undefined;
    if (!checkRefFormat(text, { allowOneLevel: true })) throw fail(`invalid ref format: ${text}`);
    return text;
  }

  async #oldOfSymref(words: Words, label: string): Promise<RefUpdate['expect']> {
    const kind = words.next(label);
    if (kind === undefined || kind === '') return undefined;
    if (kind !== 'oid' && kind !== 'ref') throw fail(`${label}: invalid arg '${kind}' for old value`);
    const text = words.next(label);
    if (text === undefined || text === '') throw fail(`${label}: expected old value`);
    if (kind === 'ref') {
      if (!checkRefFormat(text, { allowOneLevel: true })) throw fail(`${label}: invalid ref: ${text}`);
      return { symbolic: text };
    }
    const oid = await resolveRevision(this.#context.repository(), text);
    if (oid === undefined) throw fail(`${label}: invalid oid: ${text}`);
    return isZeroOid(oid) ? 'absent' : oid;
  }
}

const changing: ReadonlySet<string> = new Set([
  'update',
  'create',
  'delete',
  'verify',
  'symref-update',
  'symref-create',
  'symref-delete',
  'symref-verify',
]);
const control: ReadonlySet<string> = new Set(['start', 'prepare', 'commit', 'abort']);
