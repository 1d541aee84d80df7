import type { SignatureCheck } from './pretty.js';
import type { Repository } from '../repo/repository.js';
import type { SignatureVerdict } from './signing.js';
import { signatureGrade, splitSignature, verifySignature } from './signing.js';
import { encodeText } from '../base/bytes.js';
import { parseHeaderText } from '../objects/headers.js';
import { parseTag } from '../objects/tag.js';
import type { CommitView } from './pretty-view.js';

/** The signature in a commit object's `gpgsig` header, and the object without it. */
export function splitCommitSignature(
  text: string,
  algorithm: 'sha1' | 'sha256',
): { readonly payload: string; readonly signature: string | undefined } {
  const wanted = algorithm === 'sha1' ? 'gpgsig ' : 'gpgsig-sha256 ';
  let signature: string | undefined;
  let payload = '';
  let at = 0;
  let inSignature: 'ours' | 'other' | undefined;
  while (at < text.length && text[at] !== '\n') {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const line = text.slice(at, end + 1);
    if (inSignature !== undefined && line.startsWith(' ')) {
      if (inSignature === 'ours') signature += line.slice(1);
    } else if (line.startsWith(wanted)) {
      inSignature = 'ours';
      signature = (signature ?? '') + line.slice(wanted.length);
    } else if (line.startsWith('gpgsig ') || line.startsWith('gpgsig-sha256 ')) inSignature = 'other';
    else {
      inSignature = undefined;
      payload += line;
    }
    at = end + 1;
  }
  return { payload: payload + text.slice(at), signature };
}

/** Has a commit's signature checked; `undefined` where it has none. `text`: the object as stored. */
export function verifyCommit(repository: Repository, text: string): SignatureVerdict | undefined {
  const { payload, signature } = splitCommitSignature(text, repository.objectFormat);
  if (signature === undefined) return undefined;
  const seconds = /\ncommitter .*> (\d+)/.exec(payload)?.[1];
  return verifySignature(repository, payload, signature, seconds === undefined ? undefined : Number(seconds));
}

export function checkOf(verdict: SignatureVerdict | undefined): SignatureCheck {
  if (verdict === undefined) {
    return { status: 'N', signer: '', key: '', fingerprint: '', primary: '', trust: 'undefined', output: '' };
  }
  return {
    status: signatureGrade(verdict),
    signer: verdict.signer ?? '',
    key: verdict.key ?? '',
    fingerprint: verdict.fingerprint ?? '',
    primary: verdict.primaryFingerprint ?? '',
    trust: verdict.trust ?? 'undefined',
    output: verdict.output,
  };
}

/** What is to be said of the signed tags that a merge brought in, which lie in its `mergetag` headers. */
export function mergedTags(repository: Repository, view: CommitView): string {
  const { headers } = parseHeaderText(view.text);
  const parents = headers.filter((header) => header.name === 'parent').map((header) => header.value);
  let out = '';
  for (const header of headers) {
    if (header.name !== 'mergetag') continue;
    const data = encodeText(header.value);
    let tag: ReturnType<typeof parseTag>;
    try {
      tag = parseTag(data);
    } catch {
      out += 'malformed mergetag in commit\n';
      continue;
    }
    const at = parents.indexOf(tag.target);
    if (parents.length === 2 && at === 1) out += `merged tag '${tag.name}'\n`;
    else if (at < 0) out += `tag ${tag.name} names a non-parent ${tag.target}\n`;
    else out += `parent #${at + 1}, tagged '${tag.name}'\n`;
    const { payload, signature } = splitSignature(data);
    if (signature === '') continue;
    const { output } = verifySignature(repository, payload, signature, tag.tagger?.seconds);
    out += output === '' ? 'No signature\n' : output;
  }
  return out;
}
