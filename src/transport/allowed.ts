import { GitError } from '../base/errors.js';

/** What decides whether a protocol may be used. */
export interface AllowSettings {
  /** `GIT_ALLOW_PROTOCOL`: a colon-separated list that replaces all configuration. */
  readonly list: string | undefined;
  /** `false` where `GIT_PROTOCOL_FROM_USER=0`: the URL came from a repository and not from the user. */
  readonly fromUser: boolean;
  readonly config: (key: string) => string | undefined;
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
