import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

/** A line's second half: parameters, salt and hash, all needed to check a password and none to guess it. */
export function hashPassword(password: string): string {
  const salt = randomBytes(16);
  const hash = scryptSync(password, salt, 32, { N: 16384, r: 8, p: 1 });
  return `scrypt:16384:8:1:${salt.toString('base64')}:${hash.toString('base64')}`;
}

/** Checks a password in time that does not depend on where it differs. */
function checkPassword(password: string, stored: string): boolean {
  const [kind, n, r, p, salt, hash] = stored.split(':');
  if (kind !== 'scrypt' || salt === undefined || hash === undefined) return false;
  const wanted = Buffer.from(hash, 'base64');
  const cost = Number(n);
  if (!Number.isInteger(cost) || cost > 1 << 20 || wanted.length === 0) return false;
  try {
    const found = scryptSync(password, Buffer.from(salt, 'base64'), wanted.length, {
      N: cost,
      r: Number(r),
      p: Number(p),
      maxmem: 1 << 28,
    });
    return timingSafeEqual(found, wanted);
  } catch {
    return false;
  }
}

/** `name:scrypt:…` lines; `#` starts a comment. */
export class PasswordFile {
  readonly #entries = new Map<string, string>();
  /** Checked pairs are remembered for a while as hashes: scrypt is slow on purpose, and each request asks again. */
  readonly #known = new Map<string, { readonly proof: Buffer; readonly until: number }>();
  readonly #key = randomBytes(32);

  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (line.trim() === '' || line.startsWith('#')) continue;
      const colon = line.indexOf(':');
      if (colon > 0) this.#entries.set(line.slice(0, colon), line.slice(colon + 1).trim());
    }
  }

  check(user: string, password: string, now: number): boolean {
    const stored = this.#entries.get(user);
    // An unknown user takes as long as a wrong password.
    if (stored === undefined) {
      checkPassword(password, decoy);
      return false;
    }
    const proof = scryptSync(password, this.#key, 32, { N: 2, r: 8, p: 1 });
    const known = this.#known.get(user);
    if (known !== undefined && known.until > now && timingSafeEqual(known.proof, proof)) return true;
    if (!checkPassword(password, stored)) return false;
    this.#known.set(user, { proof, until: now + 300_000 });
    return true;
  }
}

const decoy = `scrypt:16384:8:1:${Buffer.alloc(16).toString('base64')}:${Buffer.alloc(32, 1).toString('base64')}`;
