import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
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
      const minutes = platform.timezoneOffset(now);
      const pad = (value: number): string => String(value).padStart(2, '0');
      const size = Math.abs(minutes);
      const zone = `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${pad(size % 60)}`;
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
  switch (value?.toLowerCase()) {
    case undefined:
    case 'false':
    case 'no':
    case 'off':
    case '0':
    case '':
      return undefined;
    case 'true':
    case 'yes':
    case 'on':
    case '1':
      return 'always';
    case 'if-asked':
      return 'if-asked';
    default:
      throw wrong();
  }
}
