import { GitError } from '../base/errors.js';
import type { DescribeOptions } from '../porcelain/ref-filter-atom.js';
import type { ValueExtras } from '../porcelain/ref-filter-values.js';
import { splitIdentity } from '../porcelain/ref-filter-object.js';
import type { CommandContext } from './command.js';

/** Fields of ref formats that need other programs or walks of their own. */
export function refValueExtras(context: CommandContext): ValueExtras {
  const repository = context.repository();
  const describers = new Map<DescribeOptions, Promise<(oid: never) => Promise<string>>>();
  return {
    async describe(oid, options) {
      let describer = describers.get(options);
      if (describer === undefined) {
        describer = import('../porcelain/describe.js').then(({ Describer }) => {
          const one = new Describer(repository, { ...options, abbreviation: options.abbreviation });
          return (commit) => one.describe(commit);
        });
        describers.set(options, describer);
      }
      try {
        return await (await describer)(oid as never);
      } catch (error) {
        // What cannot be described is shown as nothing.
        if (error instanceof GitError) return '';
        throw error;
      }
    },
    async signature(fields, part) {
      const { signatureGrade, verifySignature } = await import('../porcelain/signing.js');
      const signed = splitCommit(fields.text, repository.objectFormat === 'sha1' ? 'gpgsig' : 'gpgsig-sha256');
      if (signed === undefined) return part === 'grade' ? 'N' : part === 'trustlevel' ? 'undefined' : '';
      const committer = fields.identity('committer');
      const seconds = committer === undefined ? undefined : splitIdentity(committer).seconds;
      const verdict = verifySignature(repository, signed.payload, signed.signature, seconds);
      switch (part) {
        case 'bare':
          return verdict.output;
        case 'grade':
          return signatureGrade(verdict);
        case 'signer':
          return verdict.signer ?? '';
        case 'key':
          return verdict.key ?? '';
        case 'fingerprint':
          return verdict.fingerprint ?? '';
        case 'primarykeyfingerprint':
          return verdict.primaryFingerprint ?? '';
        case 'trustlevel':
          return verdict.trust ?? 'undefined';
      }
    },
  };
}

/** A commit without its signature header, and the signature. */
function splitCommit(text: string, header: string): { payload: string; signature: string } | undefined {
  const end = text.indexOf('\n\n');
  const head = end < 0 ? text : text.slice(0, end + 1);
  const match = new RegExp(`^${header} ([^\\n]*\\n(?: [^\\n]*\\n)*)`, 'm').exec(head);
  if (match === null) return undefined;
  const rest = head.replace(/^gpgsig(?:-sha256)? [^\n]*\n(?: [^\n]*\n)*/gm, '');
  return { payload: rest + text.slice(head.length), signature: match[1]!.replaceAll('\n ', '\n') };
}
