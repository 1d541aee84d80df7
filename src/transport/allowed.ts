import { GitError } from '../base/errors.js';
import type { Config } from '../repo/config.js';

/** What decides whether a protocol may be used. */
export interface AllowSettings {
  /** `GIT_ALLOW_PROTOCOL`: a colon-separated list that replaces all configuration. */
  readonly list: string | undefined;
  /** `false` where `GIT_PROTOCOL_FROM_USER=0`: the URL came from a repository and not from the user. */
  readonly fromUser: boolean;
  readonly config: (key: string) => string | undefined;
}

/** The settings of a conversation. `chosen`: the user named the URL, not another side that leads there. */
export function allowSettings(
  { env, config }: { readonly env: Readonly<Record<string, string | undefined>>; readonly config: Config },
  chosen: boolean,
): AllowSettings {
  const fromUser = env['GIT_PROTOCOL_FROM_USER'];
  return {
    list: env['GIT_ALLOW_PROTOCOL'],
    fromUser: chosen && fromUser !== '0' && fromUser !== 'false',
    config: (key) => config.get(key),
  };
}

const alwaysAllowed: ReadonlySet<string> = new Set(['http', 'https', 'git', 'ssh']);

/** Is a URL of this protocol allowed (`protocol.<name>.allow`, `protocol.allow`, `GIT_ALLOW_PROTOCOL`)? */
export function isProtocolAllowed(name: string, settings: AllowSettings): boolean {
  if (settings.list !== undefined) return settings.list.split(':').includes(name);
  const rule = (key: string): boolean | undefined => {
    const value = settings.config(key);
    if (value === undefined) return undefined;
    switch (value.toLowerCase()) {
      case 'always':
        return true;
      case 'never':
        return false;
      case 'user':
        return settings.fromUser;
      default:
        throw new GitError('CONFIG', `unknown value for config '${key}': ${value}`);
    }
  };
  const decided = rule(`protocol.${name}.allow`) ?? rule('protocol.allow');
  if (decided !== undefined) return decided;
  if (alwaysAllowed.has(name)) return true;
  if (name === 'ext') return false;
  return settings.fromUser;
}

/** Throws where the protocol is not allowed. */
export function checkProtocolAllowed(name: string, settings: AllowSettings): void {
  if (!isProtocolAllowed(name, settings)) {
    throw new GitError('TRANSPORT', `transport '${name}' not allowed`, { data: { protocol: name } });
  }
}
