import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { formatZone } from '../repo/calendar.js';
import { parseBool } from '../repo/config-values.js';
import type { Repository } from '../repo/repository.js';
import type { CertificateVerdict } from '../transport/push-certificate.js';
import type { PushSigner } from '../transport/send-pack.js';
import { keyName, signBytes, signingKey, verifySignature } from './signing.js';

/** Signs pushes as commits are signed. `say`: standard error, as it is. */
export function pushSigner(repository: Repository, say: (text: string) => void): PushSigner {
  let key: string | undefined;
  const chosen = (): string => (key ??= signingKey(repository));
  return {
    pusher() {
      const { platform } = repository;
      const now = platform.now();
      const zone = formatZone(platform.timezoneOffset(now));
      return `${keyName(repository, chosen())} ${Math.floor(now / 1000)} ${zone}`;
    },
    sign(payload) {
      const made = signBytes(repository, encodeText(payload), chosen());
      if ('signature' in made) return made.signature;
      say(`error: ${made.error}\n`);
      throw new GitError('USAGE', 'failed to sign the push certificate');
    },
  };
}

/** Looks at the signature of a certificate, for the hooks to judge. */
export function verifyCertificate(repository: Repository, payload: string, signature: string): CertificateVerdict {
  const verdict = verifySignature(repository, payload, signature);
  return { signer: verdict.signer, key: verdict.key, status: verdict.result };
}

/** What `--signed` or `push.gpgSign` ask for; `wrong` answers the error for another word. */
export function signedMode(value: string | undefined, wrong: () => GitError): 'always' | 'if-asked' | undefined {
  if (value === undefined) return undefined;
  if (value.toLowerCase() === 'if-asked') return 'if-asked';
  const asked = parseBool(value);
  if (asked === undefined) throw wrong();
  return asked ? 'always' : undefined;
}
