import { decodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Signature } from '../objects/signature.js';
import type { Platform } from '../platform/platform.js';
import type { Clock } from './calendar.js';
import { formatZone } from './calendar.js';
import type { Config } from './config.js';
import { parseDate } from './date-parse.js';

export type IdentityRole = 'author' | 'committer';

export interface IdentitySources {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: Platform;
  readonly clock: Clock;
}

export interface IdentityOptions {
  /** Fail where name or address would be made up or empty. Default true; a reflog takes what there is. */
  readonly strict?: boolean;
  /** Instead of the role's `GIT_*` variables; as `--author` and `--date` give them. */
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly date?: string | undefined;
  /** The name may be missing. */
  readonly noName?: boolean;
}

/** Who and when: the environment, then the configuration, then the machine's account. Throws `CONFIG`. */
export function identity(role: IdentityRole, sources: IdentitySources, options: IdentityOptions = {}): Signature {
  const { env } = sources;
  const prefix = role === 'author' ? 'GIT_AUTHOR' : 'GIT_COMMITTER';
  const strict = options.strict !== false;
  const givenName = options.name ?? env[`${prefix}_NAME`];
  const givenEmail = options.email ?? env[`${prefix}_EMAIL`];
  const person: Person = new Person(role, sources, strict);
  const email = person.email(givenEmail);
  const name = options.noName === true ? '' : person.name(givenName, email);
  const when = date(options.date ?? env[`${prefix}_DATE`], sources.clock);
  return { name: stripCrud(name), email: stripCrud(email), ...when };
}

/** The time part of an identity: the text given, or now. Throws `invalid date format`. */
function date(text: string | undefined, clock: Clock): { seconds: number; zone: string } {
  if (text === undefined || text === '') {
    return { seconds: clock.now, zone: formatZone(clock.zone(clock.now * 1000)) };
  }
  const parsed = parseDate(text, clock);
  if (parsed === undefined) throw new GitError('USAGE', `invalid date format: ${text}`);
  return { seconds: parsed.seconds, zone: formatZone(parsed.zone) };
}

const pleaseTellMe = (role: IdentityRole): string =>
  `${role === 'author' ? 'Author' : 'Committer'} identity unknown

*** Please tell me who you are.

Run

  git config --global user.email "you@example.com"
  git config --global user.name "Your Name"

to set your account's default identity.
Omit --global to set the identity only in this repository.

`;

/** Finding out a name and an address. */
class Person {
  readonly #role: IdentityRole;
  readonly #sources: IdentitySources;
  readonly #strict: boolean;

  constructor(role: IdentityRole, sources: IdentitySources, strict: boolean) {
    this.#role = role;
    this.#sources = sources;
    this.#strict = strict;
  }

  /** An empty value of the role's own key means "not said"; one of `user.*` is taken as it is. */
  #configured(field: 'name' | 'email'): string | undefined {
    const { config } = this.#sources;
    return config.get(`${this.#role}.${field}`) || config.get(`user.${field}`);
  }

  get #configOnly(): boolean {
    return this.#strict && this.#sources.config.getBool('user.useconfigonly') === true;
  }

  #refuse(message: string): never {
    throw new GitError('CONFIG', message, { data: { preface: pleaseTellMe(this.#role) } });
  }

  email(given: string | undefined): string {
    const known = given ?? this.#configured('email');
    if (known !== undefined) return known;
    if (this.#configOnly) this.#refuse('no email was given and auto-detection is disabled');
    const fromEnvironment = this.#sources.env['EMAIL'];
    if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
    const { email, bogus } = this.#guessEmail();
    if (bogus && this.#strict) this.#refuse(`unable to auto-detect email address (got '${email}')`);
    return email;
  }

  #guessEmail(): { email: string; bogus: boolean } {
    const { platform } = this.#sources;
    const account = findAccount(platform);
    const login = account?.login ?? 'unknown';
    const mailName = platform.fs.readFile('/etc/mailname');
    const mailHost = mailName === undefined ? '' : decodeText(mailName).split('\n')[0]!;
    if (mailHost !== '') return { email: `${login}@${mailHost}`, bogus: account === undefined };
    const host = platform.hostName;
    if (host.includes('.')) return { email: `${login}@${host}`, bogus: account === undefined };
    return { email: `${login}@${host}.(none)`, bogus: true };
  }

  name(given: string | undefined, email: string): string {
    let name = given ?? this.#configured('name');
    const guessed = given === undefined && (this.#sources.config.get(`${this.#role}.name`) ?? '') === '';
    if (name === undefined) {
      if (this.#configOnly) this.#refuse('no name was given and auto-detection is disabled');
      const account = findAccount(this.#sources.platform);
      if (account === undefined && this.#strict) this.#refuse("unable to auto-detect name (got 'unknown')");
      name = account?.name ?? 'unknown';
    }
    if (name === '') {
      if (!this.#strict) return findAccount(this.#sources.platform)?.login ?? 'unknown';
      const message = `empty ident name (for <${email}>) not allowed`;
      if (guessed) this.#refuse(message);
      throw new GitError('CONFIG', message);
    }
    if (this.#strict && stripCrud(name) === '') {
      throw new GitError('CONFIG', `name consists only of disallowed characters: ${name}`);
    }
    return name;
  }
}

/** The account's login and full name; the latter is in `/etc/passwd`, where `&` stands for the login. */
function findAccount(platform: Platform): { login: string; name: string } | undefined {
  const passwords = platform.fs.readFile('/etc/passwd');
  if (passwords !== undefined && platform.userId !== undefined) {
    for (const line of decodeText(passwords).split('\n')) {
      const [login, , userId, , full] = line.split(':');
      if (userId !== String(platform.userId) || login === undefined) continue;
      const capital = login.slice(0, 1).toUpperCase() + login.slice(1);
      return { login, name: (full ?? '').split(',')[0]!.replaceAll('&', capital).trim() };
    }
  }
  return platform.account?.();
}

const isCrud = (char: string): boolean => char <= ' ' || ',:;<>"\\\''.includes(char);

/** Takes off what cannot stand at the ends of a name or address, and `<`, `>` and line ends anywhere. */
function stripCrud(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isCrud(text[start]!)) start++;
  while (end > start && isCrud(text[end - 1]!)) end--;
  return text.slice(start, end).replace(/[\n<>]/g, '');
}
