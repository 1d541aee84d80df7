import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Platform } from '../platform/platform.js';
import type { Config } from '../repo/config.js';
import { describeCredential, formatCredential, parseCredential } from './credential-format.js';
import type { Credential, CredentialSource } from './credentials.js';
import { UrlConfig } from './url-config.js';

export interface HelperOptions {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config: Config;
  /** Asks at the terminal; `undefined` where there is none. `secret`: what is typed is not shown. */
  readonly prompt: ((question: string, secret: boolean) => Promise<string>) | undefined;
  readonly warn: (message: string) => void;
}

/** Credentials from `credential.helper` programs, askpass programs and the terminal, in git's order. */
export class HelperCredentials implements CredentialSource {
  readonly #options: HelperOptions;

  constructor(options: HelperOptions) {
    this.#options = options;
  }

  #settings(credential: Credential): { credential: Credential; helpers: string[] } {
    if (credential.host === undefined)
      throw new GitError('USAGE', 'refusing to work with credential missing host field');
    if (credential.protocol === undefined)
      throw new GitError('USAGE', 'refusing to work with credential missing protocol field');
    const config = new UrlConfig(this.#options.config, 'credential', describeCredential(credential, true), {
      partial: true,
      all: true,
    });
    const asked = { ...credential };
    asked.username ??= config.get('username');
    const isHttp = asked.protocol === 'http' || asked.protocol === 'https';
    if (isHttp && config.getBool('usehttppath') !== true) asked.path = undefined;
    return { credential: asked, helpers: config.list('helper') };
  }

  get #protect(): boolean {
    return this.#options.config.getBool('credential.protectprotocol', true);
  }

  async #run(helper: string, action: string, credential: Credential): Promise<string | undefined> {
    const { platform, env } = this.#options;
    const { processes } = platform;
    if (processes === undefined) return undefined;
    const command = helper.startsWith('!')
      ? helper.slice(1)
      : helper.startsWith('/')
        ? helper
        : `git credential-${helper}`;
    const input = encodeText(formatCredential(credential, { protectProtocol: this.#protect }));
    const { code, stdout } = await processes.run(['/bin/sh', '-c', `${command} ${action}`], {
      env,
      input,
      stderr: 'inherit',
      stdout: 'pipe',
    });
    return code === 0 ? decodeText(stdout) : undefined;
  }

  async fill(question: Credential): Promise<Credential> {
    if (question.username !== undefined && question.password !== undefined) return question;
    if (question.authtype !== undefined && question.credential !== undefined) return question;
    const { credential, helpers } = this.#settings(question);
    const requested = credential.capabilities ?? [];
    const announced = new Set<string>();
    const filled: Credential & { quit?: boolean } = { ...credential };
    const result = (): Credential => ({ ...filled, capabilities: requested.filter((name) => announced.has(name)) });
    for (const helper of helpers) {
      const answer = await this.#run(helper, 'get', { ...filled, capabilities: requested });
      const said = answer === undefined ? undefined : parseCredential(answer.split('\n'));
      if (said !== undefined) {
        for (const name of said.capabilities ?? []) if (requested.includes(name)) announced.add(name);
        take(filled, said, announced);
      }
      const expiry = filled.password_expiry_utc;
      if (expiry !== undefined && Number(expiry) < this.#options.platform.now() / 1000) {
        filled.password = undefined;
        filled.password_expiry_utc = undefined;
      }
      // As git: what it says settles it, also where it may not be handed on.
      if (said?.credential !== undefined) return result();
      if (filled.username !== undefined && filled.password !== undefined) return result();
      if (filled.quit === true) throw new GitError('AUTH', `credential helper '${helper}' told us to quit`);
    }
    filled.username ??= await this.#ask('Username', { ...filled, username: undefined }, false);
    filled.password ??= await this.#ask('Password', filled, true);
    return result();
  }

  async #ask(what: string, credential: Credential, secret: boolean): Promise<string> {
    const { env, config, platform } = this.#options;
    const target = describeCredential(credential, true);
    const question = `${what} for '${target}': `;
    const askpass = env['GIT_ASKPASS'] ?? config.get('core.askpass') ?? env['SSH_ASKPASS'];
    if (config.getBool('credential.interactive') === false || config.get('credential.interactive') === 'never') {
      throw new GitError('AUTH', `could not read ${what} for '${target}': terminal prompts disabled`);
    }
    if (askpass !== undefined && askpass !== '' && platform.processes !== undefined) {
      const { code, stdout } = await platform.processes.run([askpass, question], {
        env,
        stderr: 'inherit',
        stdout: 'pipe',
        stdin: 'ignore',
      });
      if (code === 0) return decodeText(stdout).replace(/[\r\n][\s\S]*$/, '');
      this.#options.warn(`unable to read askpass response from '${askpass}'`);
    }
    const terminal = env['GIT_TERMINAL_PROMPT'];
    if (terminal === '0' || terminal === 'false') {
      throw new GitError('AUTH', `could not read ${what} for '${target}': terminal prompts disabled`);
    }
    if (this.#options.prompt === undefined) {
      throw new GitError('AUTH', `could not read ${what} for '${target}': No such device or address`);
    }
    return this.#options.prompt(question, secret);
  }

  async approve(answer: Credential): Promise<void> {
    const whole = answer.username !== undefined && answer.password !== undefined;
    if (!whole && (answer.authtype === undefined || answer.credential === undefined)) return;
    const expiry = answer.password_expiry_utc;
    if (expiry !== undefined && Number(expiry) < this.#options.platform.now() / 1000) return;
    const { credential, helpers } = this.#settings(answer);
    for (const helper of helpers) await this.#run(helper, 'store', answered(credential));
  }

  async reject(answer: Credential): Promise<void> {
    const { credential, helpers } = this.#settings(answer);
    for (const helper of helpers) await this.#run(helper, 'erase', answered(credential));
  }
}

/** What a helper gets back: the answer, without what only the question had. */
function answered(credential: Credential): Credential {
  const told = credential.authtype !== undefined;
  return { ...credential, wwwauth: undefined, ...(told ? {} : { capabilities: undefined }) };
}

/** What a helper said; the parts that need a capability only where it announced it. */
function take(
  into: Credential & { quit?: boolean },
  said: Credential & { quit?: boolean },
  announced: ReadonlySet<string>,
): void {
  for (const key of [
    'protocol',
    'host',
    'path',
    'username',
    'password',
    'oauth_refresh_token',
    'password_expiry_utc',
  ] as const) {
    if (said[key] !== undefined) into[key] = said[key];
  }
  if (announced.has('authtype')) {
    if (said.authtype !== undefined) into.authtype = said.authtype;
    if (said.credential !== undefined) into.credential = said.credential;
    if (said.ephemeral !== undefined) into.ephemeral = said.ephemeral;
  }
  if (announced.has('state')) {
    if (said.state !== undefined) into.state = said.state;
    if (said.continued !== undefined) into.continued = said.continued;
  }
  if (said.quit === true) into.quit = true;
}
