import type { Bytes } from '../base/bytes.js';
import { concatBytes, encodeText } from '../base/bytes.js';
import type { HashAlgorithm } from '../base/oid.js';
import type { Platform } from '../platform/platform.js';
import type { ReceiveCommand } from './receive-command.js';

/** What a program says about the signature of a certificate. */
export interface CertificateVerdict {
  readonly signer: string | undefined;
  readonly key: string | undefined;
  /** As `%G?` shows it. */
  readonly status: string;
}

/** A signed statement of what a push is to change (gitprotocol-pack, "Push Certificate"). */
export interface PushCertificate {
  /** All of it, signature included. */
  readonly text: string;
  readonly payload: string;
  readonly signature: string;
  readonly nonce: string | undefined;
  readonly pushOptions: readonly string[];
  /** `old new ref`, one for each change. */
  readonly commandLines: readonly string[];
}

/** Takes a certificate apart; `undefined` where it is none. */
export function parseCertificate(text: string): PushCertificate | undefined {
  const ends = [...text.matchAll(/^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE|SSH SIGNATURE)-----$/gm)];
  const cut = ends.at(-1)?.index ?? text.length;
  const payload = text.slice(0, cut);
  const blank = payload.indexOf('\n\n');
  if (blank < 0) return undefined;
  const headers = payload.slice(0, blank).split('\n');
  const value = (name: string): string[] =>
    headers.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  return {
    text,
    payload,
    signature: text.slice(cut),
    nonce: value('nonce')[0],
    pushOptions: value('push-option'),
    commandLines: payload
      .slice(blank + 2)
      .split('\n')
      .filter((line) => line !== ''),
  };
}

/** The text that a pusher signs. `pusher`: who, by key, and when. */
export function certificatePayload(parts: {
  readonly pusher: string;
  readonly pushee: string;
  readonly nonce: string;
  readonly pushOptions: readonly string[];
  readonly commands: readonly Pick<ReceiveCommand, 'old' | 'new' | 'name'>[];
}): string {
  return [
    'certificate version 0.1',
    `pusher ${parts.pusher}`,
    ...(parts.pushee === '' ? [] : [`pushee ${parts.pushee}`]),
    ...(parts.nonce === '' ? [] : [`nonce ${parts.nonce}`]),
    ...parts.pushOptions.map((option) => `push-option ${option}`),
    '',
    ...parts.commands.map((command) => `${command.old} ${command.new} ${command.name}`),
    '',
  ].join('\n');
}

/** A nonce that goes into what is signed must not be able to say anything else there. */
export const isValidNonce = (nonce: string): boolean => /^[A-Za-z0-9\-./+=_]+$/.test(nonce);

/** RFC 2104, over the repository's hash. */
function hmac(platform: Platform, algorithm: HashAlgorithm, key: Bytes, text: Bytes): string {
  const block = 64;
  const hashed = key.length > block ? platform.hasher(algorithm).update(key).digest() : key;
  const pad = (byte: number): Bytes => Uint8Array.from({ length: block }, (_, i) => (hashed[i] ?? 0) ^ byte);
  const inner = platform
    .hasher(algorithm)
    .update(concatBytes([pad(0x36), text]))
    .digest();
  return platform
    .hasher(algorithm)
    .update(concatBytes([pad(0x5c), inner]))
    .digestHex();
}

/** A nonce that only who knows the seed can make: when, and for which repository. */
export function makeNonce(
  platform: Platform,
  algorithm: HashAlgorithm,
  seed: string,
  path: string,
  seconds: number,
): string {
  return `${seconds}-${hmac(platform, algorithm, encodeText(seed), encodeText(`${path}:${seconds}`))}`;
}

/** Compares without telling by the time it takes how much of a guess is right. */
function isSame(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

export interface NonceJudgement {
  readonly status: 'UNSOLICITED' | 'MISSING' | 'BAD' | 'OK' | 'SLOP';
  /** What counts as the nonce that we gave out. */
  readonly nonce: string | undefined;
  /** How many seconds the certificate's is older than ours. */
  readonly slop?: number | undefined;
}

/** Is the certificate's nonce one of ours, and of this conversation or not too old? */
export function judgeNonce(
  own: string | undefined,
  theirs: string | undefined,
  options: {
    /** Makes the nonce for a moment. */
    readonly at: (seconds: number) => string;
    /** The conversation has no memory: another process gave the nonce out (http). */
    readonly stateless: boolean;
    /** `receive.certNonceSlop`, in seconds. */
    readonly slop: number;
  },
): NonceJudgement {
  if (own === undefined) return { status: 'UNSOLICITED', nonce: undefined };
  if (theirs === undefined) return { status: 'MISSING', nonce: own };
  if (isSame(theirs, own)) return { status: 'OK', nonce: own };
  if (!options.stateless) return { status: 'BAD', nonce: own };
  const stamp = Number(/^(\d{1,15})-/.exec(theirs)?.[1] ?? Number.NaN);
  if (Number.isNaN(stamp) || !isSame(options.at(stamp), theirs)) return { status: 'BAD', nonce: own };
  const slop = Number(own.slice(0, own.indexOf('-'))) - stamp;
  // It passed the test, so it is ours, from a little earlier.
  if (options.slop > 0 && Math.abs(slop) <= options.slop) return { status: 'OK', nonce: theirs };
  return { status: 'SLOP', nonce: own, slop };
}
