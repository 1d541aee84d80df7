import type { Bytes } from '../base/bytes.js';
import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { momentAt } from '../repo/calendar.js';
import type { Repository } from '../repo/repository.js';
import { signatureStart } from './ref-filter-object.js';

export type SignatureFormat = 'openpgp' | 'x509' | 'ssh';
export type TrustLevel = 'undefined' | 'never' | 'marginal' | 'fully' | 'ultimate';

/** What a verifying program said about a signature. */
export interface SignatureVerdict {
  /** Good, bad, cannot be checked (E), expired (X), by an expired (Y) or revoked (R) key, none (N). */
  readonly result: 'G' | 'B' | 'E' | 'X' | 'Y' | 'R' | 'N';
  readonly trust: TrustLevel | undefined;
  readonly signer: string | undefined;
  readonly key: string | undefined;
  readonly fingerprint: string | undefined;
  readonly primaryFingerprint: string | undefined;
  /** What it told people. */
  readonly output: string;
  /** What it told programs (`--raw`). */
  readonly status: string;
  /** Good, and trusted as far as `gpg.minTrustLevel` asks. */
  readonly valid: boolean;
  /** Errors of our own, to be shown as `error: …`. */
  readonly errors: readonly string[];
}

const programs: Readonly<Record<SignatureFormat, string>> = { openpgp: 'gpg', x509: 'gpgsm', ssh: 'ssh-keygen' };
const trustLevels: readonly TrustLevel[] = ['undefined', 'never', 'marginal', 'fully', 'ultimate'];

function configuredFormat(repository: Repository): SignatureFormat {
  const value = repository.config.get('gpg.format');
  if (value === undefined) return 'openpgp';
  if (value === 'openpgp' || value === 'x509' || value === 'ssh') return value;
  throw new GitError('CONFIG', `invalid value for 'gpg.format': '${value}'`);
}

function programOf(repository: Repository, format: SignatureFormat): string {
  const { config } = repository;
  const own = config.getPath(`gpg.${format}.program`);
  return own ?? (format === 'openpgp' ? config.getPath('gpg.program') : undefined) ?? programs[format];
}

/** Which kind of signature a text is. */
function formatOf(signature: string): SignatureFormat | undefined {
  if (signature.startsWith('-----BEGIN PGP ')) return 'openpgp';
  if (signature.startsWith('-----BEGIN SIGNED MESSAGE-----')) return 'x509';
  return signature.startsWith('-----BEGIN SSH SIGNATURE-----') ? 'ssh' : undefined;
}

/** Splits what is signed from the signature at its end; the latter is '' where there is none. */
export function splitSignature(data: Bytes): { readonly payload: string; readonly signature: string } {
  const text = decodeText(data);
  const at = signatureStart(text);
  if (at === text.length) return { payload: text, signature: '' };
  return { payload: withoutHeaders(text.slice(0, at)), signature: text.slice(at) };
}

/** Signatures over the object's form in another hash stand in headers; they are no part of what is signed here. */
function withoutHeaders(text: string): string {
  const end = text.indexOf('\n\n');
  const head = end < 0 ? text : text.slice(0, end + 1);
  if (!/^gpgsig/m.test(head)) return text;
  return head.replace(/^gpgsig(?:-sha256)? [^\n]*\n(?: [^\n]*\n)*/gm, '') + text.slice(head.length);
}

/** Runs a program over files that are gone afterwards. */
class Scratch {
  readonly #repository: Repository;
  readonly #files: string[] = [];

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  file(kind: string, content: Bytes | string): string {
    const { platform, env } = this.#repository;
    const directory = env['TMPDIR'] === undefined || env['TMPDIR'] === '' ? '/tmp' : env['TMPDIR'];
    for (;;) {
      const random = [...platform.randomBytes(6)].map((byte) => (byte % 36).toString(36)).join('');
      const path = `${directory}/.git_${kind}_tmp${random}`;
      const handle = platform.fs.openWrite(path, { exclusive: true, mode: 0o600 });
      if (handle === undefined) continue;
      handle.write(typeof content === 'string' ? encodeText(content) : content);
      handle.close();
      this.#files.push(path);
      return path;
    }
  }

  run(argv: readonly [string, ...string[]], input?: Bytes): { code: number; out: string; err: string } {
    const { platform, env } = this.#repository;
    if (platform.processes === undefined) throw new GitError('UNSUPPORTED', `cannot run ${argv[0]} here`);
    const result = platform.processes.runSync(argv, {
      env,
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
      stdout: 'pipe',
      stderr: 'pipe',
    });
    if (result.errorCode === 'ENOENT') {
      return { code: 127, out: '', err: `error: cannot run ${argv[0]}: No such file or directory\n` };
    }
    return { code: result.code, out: decodeText(result.stdout), err: decodeText(result.stderr) };
  }

  done(): void {
    for (const path of this.#files) {
      this.#repository.platform.fs.remove(path);
      this.#repository.platform.fs.remove(`${path}.sig`);
    }
  }
}

/** The key to sign with: asked for, `user.signingKey`, for ssh what its command says, else who commits. */
export function signingKey(repository: Repository, asked?: string): string {
  const { config } = repository;
  const key = asked !== undefined && asked !== '' ? asked : config.get('user.signingkey');
  if (key !== undefined && key !== '') return key;
  if (configuredFormat(repository) === 'ssh') {
    const command = config.get('gpg.ssh.defaultkeycommand');
    const { processes } = repository.platform;
    if (command !== undefined && processes !== undefined) {
      const result = processes.runSync(processes.shell(command), { env: repository.env, stderr: 'pipe' });
      const line = decodeText(result.stdout).split('\n')[0]!;
      if (result.code === 0 && (line.startsWith('ssh-') || line.startsWith('key::'))) return line.trim();
    }
    throw new GitError('CONFIG', 'either user.signingkey or gpg.ssh.defaultKeyCommand needs to be configured');
  }
  const { name, email } = repository.identity('committer');
  return `${name} <${email}>`;
}

/** How others call a key: the fingerprint of an ssh key, else the key's own name. */
export function keyName(repository: Repository, key: string): string {
  if (configuredFormat(repository) !== 'ssh') return key;
  const scratch = new Scratch(repository);
  try {
    const literal = key.startsWith('key::') ? key.slice(5) : key.startsWith('ssh-') ? key : undefined;
    const home = repository.env['HOME'] ?? '';
    const file =
      literal !== undefined
        ? scratch.file('signing_key', `${literal}\n`)
        : key.startsWith('~/')
          ? home + key.slice(1)
          : key;
    const { code, out, err } = scratch.run([programOf(repository, 'ssh'), '-lf', file]);
    const fingerprint = out.split(' ')[1];
    if (code === 0 && fingerprint !== undefined) return fingerprint;
    throw new GitError('CONFIG', `failed to get the ssh fingerprint for key '${key}'`, { data: { preface: err } });
  } finally {
    scratch.done();
  }
}

/**
 * Signs bytes with the configured program; the answer is the armoured text. `{ error }` holds what to print as
 * `error: …` before the caller says what it could not do.
 */
export function signBytes(
  repository: Repository,
  payload: Bytes,
  key: string,
): { readonly signature: string } | { readonly error: string } {
  const format = configuredFormat(repository);
  const program = programOf(repository, format);
  const scratch = new Scratch(repository);
  try {
    if (format === 'ssh') return signSsh(repository, scratch, program, payload, key);
    const { code, out, err } = scratch.run([program, '--status-fd=2', '-bsau', key], payload);
    if (code !== 0 || !/(?:^|\n)\[GNUPG:\] SIG_CREATED /.test(err))
      return { error: `gpg failed to sign the data:\n${err === '' ? '(no gpg output)' : err}` };
    return { signature: out.replaceAll('\r\n', '\n') };
  } finally {
    scratch.done();
  }
}

/** How commits are signed: gets the commit's bytes, answers the armoured text. */
export type CommitSigner = (data: Uint8Array) => Promise<string>;

/**
 * Who signs commits, if anybody does. `word`: what `-S` said ('' for no key of its own), `null` for `--no-gpg-sign`;
 * unless said, `commit.gpgSign` decides.
 */
export function commitSigner(repository: Repository, word: string | null | undefined): CommitSigner | undefined {
  const wanted = word !== undefined ? word !== null : repository.config.getBool('commit.gpgsign', false);
  if (!wanted) return undefined;
  const key = signingKey(repository, word ?? undefined);
  return async (data) => {
    const made = signBytes(repository, data, key);
    if ('signature' in made) return made.signature;
    throw new GitError('USAGE', 'failed to write commit object', { data: { preface: `error: ${made.error}\n` } });
  };
}

function signSsh(
  repository: Repository,
  scratch: Scratch,
  program: string,
  payload: Bytes,
  key: string,
): { signature: string } | { error: string } {
  const literal = key.startsWith('key::') ? key.slice(5) : key.startsWith('ssh-') ? key : undefined;
  const home = repository.env['HOME'] ?? '';
  const keyFile =
    literal !== undefined ? scratch.file('signing_key', literal) : key.startsWith('~/') ? home + key.slice(1) : key;
  const buffer = scratch.file('signing_buffer', payload);
  const { code, err } = scratch.run([
    program,
    '-Y',
    'sign',
    '-n',
    'git',
    '-f',
    keyFile,
    ...(literal === undefined ? [] : ['-U']),
    buffer,
  ]);
  if (code !== 0) {
    return {
      error: err.includes('usage:')
        ? 'ssh-keygen -Y sign is needed for ssh signing (available in openssh version 8.2p1+)'
        : err.trimEnd(),
    };
  }
  const signature = repository.platform.fs.readFile(`${buffer}.sig`);
  if (signature === undefined) return { error: `failed reading ssh signing data buffer from '${buffer}.sig'` };
  return { signature: decodeText(signature).replaceAll('\r\n', '\n') };
}

/** Has a signature checked by the program for its kind. `seconds`: when it was made, where that is known. */
export function verifySignature(
  repository: Repository,
  payload: string,
  signature: string,
  seconds?: number,
): SignatureVerdict {
  const format = formatOf(signature);
  if (format === undefined) return { ...nothing, errors: [`bad/incompatible signature '${signature}'`] };
  const scratch = new Scratch(repository);
  try {
    const verdict =
      format === 'ssh'
        ? verifySsh(repository, scratch, payload, signature, seconds)
        : verifyGpg(repository, scratch, format, payload, signature);
    const { trust } = verdict;
    const wanted = repository.config.get('gpg.mintrustlevel')?.toLowerCase() as TrustLevel | undefined;
    const trusted = wanted === undefined || trustLevels.indexOf(trust ?? 'undefined') >= trustLevels.indexOf(wanted);
    return { ...verdict, valid: verdict.valid && verdict.result === 'G' && trusted && verdict.errors.length === 0 };
  } finally {
    scratch.done();
  }
}

const nothing: SignatureVerdict = {
  result: 'N',
  trust: undefined,
  signer: undefined,
  key: undefined,
  fingerprint: undefined,
  primaryFingerprint: undefined,
  output: '',
  status: '',
  valid: false,
  errors: [],
};

function verifyGpg(
  repository: Repository,
  scratch: Scratch,
  format: SignatureFormat,
  payload: string,
  signature: string,
): SignatureVerdict {
  const file = scratch.file('vtag', signature);
  const { code, out, err } = scratch.run(
    [
      programOf(repository, format),
      ...(format === 'openpgp' ? ['--keyid-format=long'] : []),
      '--status-fd=1',
      '--verify',
      file,
      '-',
    ],
    encodeText(payload),
  );
  return { ...parseStatus(out), output: err, status: out, valid: code === 0 };
}

const sentences: Readonly<Record<string, SignatureVerdict['result']>> = {
  GOODSIG: 'G',
  BADSIG: 'B',
  ERRSIG: 'E',
  EXPSIG: 'X',
  EXPKEYSIG: 'Y',
  REVKEYSIG: 'R',
};

/** Reads gpg's status lines. Two verdicts in one answer are none: that is how forged ones look. */
function parseStatus(text: string): SignatureVerdict {
  const found: { -readonly [K in keyof SignatureVerdict]: SignatureVerdict[K] } = { ...nothing };
  let verdicts = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith('[GNUPG:] ')) continue;
    const words = line.slice(9).split(' ');
    const result = sentences[words[0]!];
    if (result !== undefined) {
      if (++verdicts > 1) return { ...nothing, result: 'E' };
      found.result = result;
      found.key = words[1];
      if (result !== 'E') found.signer = words.slice(2).join(' ');
    } else if (words[0] === 'VALIDSIG') {
      found.fingerprint = words[1];
      found.primaryFingerprint = words[10];
    } else if (words[0]!.startsWith('TRUST_')) {
      const level = words[0]!.slice(6).toLowerCase() as TrustLevel;
      if (!trustLevels.includes(level)) return { ...nothing, result: 'E' };
      found.trust = level;
    }
  }
  return found;
}

function verifySsh(
  repository: Repository,
  scratch: Scratch,
  payload: string,
  signature: string,
  seconds: number | undefined,
): SignatureVerdict {
  const { config } = repository;
  const allowed = config.getPath('gpg.ssh.allowedsignersfile');
  if (allowed === undefined) {
    return {
      ...nothing,
      errors: ['gpg.ssh.allowedSignersFile needs to be configured and exist for ssh signature verification'],
    };
  }
  const program = programOf(repository, 'ssh');
  const signatureFile = scratch.file('vtag', signature);
  const when = seconds === undefined ? [] : [`-Overify-time=${localStamp(repository, seconds)}`];
  const input = encodeText(payload);
  const principals = scratch.run([program, '-Y', 'find-principals', '-f', allowed, '-s', signatureFile, ...when]);
  if (principals.code !== 0 && principals.err.includes('usage:')) {
    return {
      ...nothing,
      errors: [
        'ssh-keygen -Y find-principals/verify is needed for ssh signature verification (available in openssh version 8.2p1+)',
      ],
    };
  }
  let answer = { code: 1, out: '', err: '' };
  if (principals.code !== 0 || principals.out === '') {
    answer = scratch.run([program, '-Y', 'check-novalidate', '-n', 'git', '-s', signatureFile, ...when], input);
    answer.code = 1;
  } else {
    const file = config.getPath('gpg.ssh.revocationfile');
    const revoked = file !== undefined && repository.platform.fs.stat(file) !== undefined ? file : undefined;
    for (const principal of principals.out.split('\n')) {
      const name = principal.replace(/\r$/, '');
      if (name === '') continue;
      answer = scratch.run(
        [
          program,
          '-Y',
          'verify',
          '-n',
          'git',
          '-f',
          allowed,
          '-I',
          name,
          '-s',
          signatureFile,
          ...when,
          ...(revoked === undefined ? [] : ['-r', revoked]),
        ],
        input,
      );
      if (answer.code === 0 && answer.out.startsWith('Good')) break;
    }
  }
  const output = answer.out + principals.err + answer.err;
  return { ...parseSsh(output), output, status: output, valid: answer.code === 0 };
}

function parseSsh(output: string): SignatureVerdict {
  const line = output.split('\n')[0]!;
  const known = /^Good "git" signature for (.*) with (.*)$/.exec(line);
  const unknown = known === null ? /^Good "git" signature with (.*)$/.exec(line) : null;
  if (known === null && unknown === null) return { ...nothing, result: 'B' };
  const key = /key (\S+)/.exec((known?.[2] ?? unknown?.[1])!)?.[1];
  return {
    ...nothing,
    result: 'G',
    trust: known === null ? 'undefined' : 'fully',
    signer: known?.[1],
    key,
    fingerprint: key,
  };
}

/** `20050407151313` in the user's time zone, as ssh-keygen wants it. */
function localStamp(repository: Repository, seconds: number): string {
  const moment = momentAt(seconds, repository.platform.timezoneOffset(seconds * 1000));
  const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
  return (
    pad(moment.year, 4) +
    pad(moment.month + 1) +
    pad(moment.day) +
    pad(moment.hour) +
    pad(moment.minute) +
    pad(moment.second)
  );
}

/** The letter `%G?` and `signature:grade` show. */
export const signatureGrade = (verdict: SignatureVerdict): string =>
  verdict.result === 'G' && (verdict.trust === 'undefined' || verdict.trust === 'never') ? 'U' : verdict.result;
