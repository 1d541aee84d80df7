import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { refNameMatches } from '../refs/name.js';
import type { RemoteRef } from '../transport/advertisement.js';
import type { Refspec } from '../transport/refspec.js';
import { isExcluded, mapBack, mapThrough, matchPattern } from '../transport/refspec.js';

/** A ref, or an object, on our side. */
export interface PushSource {
  readonly name: string;
  readonly oid: Oid;
}

/** One ref of the other side that is to change. */
export interface PushTarget {
  readonly name: string;
  /** What it holds there; all zeros: it is new. */
  readonly old: Oid;
  /** `undefined` oid name: deletion. */
  readonly source: PushSource;
  force: boolean;
  readonly deletion: boolean;
}

export interface MatchInput {
  readonly local: readonly PushSource[];
  readonly remote: readonly RemoteRef[];
  readonly specs: readonly Refspec[];
  readonly all: boolean;
  readonly mirror: boolean;
  readonly prune: boolean;
  readonly zero: Oid;
  /** An expression that is no ref: `HEAD~2`, an id. */
  readonly resolve: (text: string) => Promise<Oid | undefined>;
  /** Where a symbolic ref (HEAD) leads in the end. */
  readonly follow: (name: string) => Promise<string | undefined>;
  readonly kindOf: (oid: Oid) => Promise<string | undefined>;
  /** `error: …` for what does not match; the push then stops. */
  readonly error: (message: string) => void;
  readonly hint: (message: string) => void;
  /** What does not match is passed over. */
  readonly lenient?: boolean;
}

/** Which of the other side's refs change, by refspecs, `--all`, `--mirror`, `--prune`. */
export async function matchPush(input: MatchInput): Promise<PushTarget[]> {
  const targets = new Map<string, PushTarget>();
  const there = new Map(input.remote.map((ref) => [ref.name, ref.oid]));
  const again: PushTarget[] = [];
  let errors = 0;
  for (const spec of input.specs) {
    if (spec.pattern || spec.matching || spec.negative) continue;
    if (!(await matchExplicit(input, spec, there, targets, again))) errors++;
  }
  if (errors > 0 && input.lenient !== true) throw new GitError('USAGE', '', { data: { told: true } });
  for (const ref of input.local) {
    const found = matchImplicit(input, ref);
    if (found === undefined) continue;
    if (targets.has(found.name)) continue;
    const old = there.get(found.name);
    if (old === undefined && found.matching && !input.all && !input.mirror) continue;
    targets.set(found.name, {
      name: found.name,
      old: old ?? input.zero,
      source: ref,
      force: found.force,
      deletion: false,
    });
  }
  if (input.prune || input.mirror) {
    const names = new Set(input.local.map((ref) => ref.name));
    for (const ref of input.remote) {
      if (targets.has(ref.name) || ref.name === 'HEAD') continue;
      const source = input.mirror ? ref.name : sourceOf(input, ref.name);
      if (source === undefined || names.has(source)) continue;
      if (isExcluded(input.specs, source) || isExcluded(input.specs, ref.name)) continue;
      targets.set(ref.name, {
        name: ref.name,
        old: ref.oid,
        source: { name: '', oid: input.zero },
        force: false,
        deletion: true,
      });
    }
  }
  const order = new Map(input.remote.map((ref, i) => [ref.name, i]));
  const last = input.remote.length;
  // The other side's order, new refs behind in the order they were named.
  return [...targets.values(), ...again].sort((a, b) => (order.get(a.name) ?? last) - (order.get(b.name) ?? last));
}

function matchImplicit(
  input: MatchInput,
  ref: PushSource,
): { name: string; force: boolean; matching: boolean } | undefined {
  if (isExcluded(input.specs, ref.name)) return undefined;
  if (input.mirror) return ref.name.startsWith('refs/') ? { name: ref.name, force: true, matching: false } : undefined;
  for (const spec of input.specs) {
    if (spec.pattern && !spec.negative) {
      const name =
        spec.dst === undefined
          ? matchPattern(spec.src, ref.name) === undefined
            ? undefined
            : ref.name
          : mapThrough(spec, ref.name);
      if (name !== undefined) return { name, force: spec.force, matching: false };
    }
  }
  const matching = input.specs.find((spec) => spec.matching);
  if (matching !== undefined && ref.name.startsWith('refs/heads/')) {
    return { name: ref.name, force: matching.force, matching: true };
  }
  return undefined;
}

function sourceOf(input: MatchInput, name: string): string | undefined {
  for (const spec of input.specs) {
    if (spec.negative) continue;
    if (spec.matching) {
      if (name.startsWith('refs/heads/')) return name;
    } else if (spec.pattern) {
      const source =
        spec.dst === undefined ? (matchPattern(spec.src, name) === undefined ? undefined : name) : mapBack(spec, name);
      if (source !== undefined) return source;
    }
  }
  return undefined;
}

/** All refs a short name may mean; those outside heads and tags count only where no other does. */
function candidates<R extends { readonly name: string }>(refs: readonly R[], pattern: string): R[] {
  const strong: R[] = [];
  const weak: R[] = [];
  for (const ref of refs) {
    if (!refNameMatches(pattern, ref.name)) continue;
    const isWeak =
      ref.name.length !== pattern.length &&
      ref.name.length !== pattern.length + 5 &&
      !ref.name.startsWith('refs/heads/') &&
      !ref.name.startsWith('refs/tags/');
    (isWeak ? weak : strong).push(ref);
  }
  return strong.length > 0 ? strong : weak;
}

async function matchExplicit(
  input: MatchInput,
  spec: Refspec,
  there: ReadonlyMap<string, Oid>,
  targets: Map<string, PushTarget>,
  again: PushTarget[],
): Promise<boolean> {
  const source = await findSource(input, spec);
  if (source === undefined) return false;
  const deletion = spec.src === '';
  let dst = spec.dst;
  if (dst === undefined) {
    const resolved = source.name.startsWith('refs/') ? source.name : await input.follow(source.name);
    if (resolved === undefined || (source.name === 'HEAD' && !resolved.startsWith('refs/heads/'))) {
      throw new GitError('USAGE', `${source.name} cannot be resolved to branch`);
    }
    dst = resolved;
  }
  const found = candidates(input.remote, dst);
  let name: string;
  if (found.length === 1) name = found[0]!.name;
  else if (found.length > 1) {
    input.error(`dst refspec ${dst} matches more than one`);
    return false;
  } else if (dst.startsWith('refs/')) name = dst;
  else if (deletion) {
    input.error(`unable to delete '${dst}': remote ref does not exist`);
    return false;
  } else {
    const followed = source.name.startsWith('refs/') ? source.name : await input.follow(source.name);
    if (followed?.startsWith('refs/heads/') === true) name = `refs/heads/${dst}`;
    else if (followed?.startsWith('refs/tags/') === true) name = `refs/tags/${dst}`;
    else {
      await explainUnqualified(input, dst, source);
      return false;
    }
  }
  const before = targets.get(name);
  if (before !== undefined) {
    // The other side will say what it thinks of that.
    again.push({ name, old: there.get(name) ?? input.zero, source, force: spec.force, deletion });
    return true;
  }
  targets.set(name, { name, old: there.get(name) ?? input.zero, source, force: spec.force, deletion });
  return true;
}

/** What a refspec's left side means here; tells why nothing, where so. */
export async function findSource(
  input: Pick<MatchInput, 'local' | 'zero' | 'resolve' | 'error'>,
  spec: Refspec,
): Promise<PushSource | undefined> {
  if (spec.src === '') return { name: '', oid: input.zero };
  const found = candidates(input.local, spec.src);
  if (found.length === 1) return found[0];
  if (found.length > 1) {
    input.error(`src refspec ${spec.src} matches more than one`);
    return undefined;
  }
  const oid = await input.resolve(spec.src);
  if (oid === undefined) {
    input.error(`src refspec ${spec.src} does not match any`);
    return undefined;
  }
  return { name: spec.src, oid };
}

async function explainUnqualified(input: MatchInput, dst: string, source: PushSource): Promise<void> {
  input.error(
    'The destination you provided is not a full refname (i.e.,\n' +
      'starting with "refs/"). We tried to guess what you meant by:\n\n' +
      `- Looking for a ref that matches '${dst}' on the remote side.\n` +
      `- Checking if the <src> being pushed ('${source.name}')\n` +
      '  is a ref in "refs/{heads,tags}/". If so we add a corresponding\n' +
      '  refs/{heads,tags}/ prefix on the remote side.\n\n' +
      'Neither worked, so we gave up. You must fully qualify the ref.',
  );
  const kind = await input.kindOf(source.oid);
  const what =
    kind === 'commit'
      ? ['a commit object', 'branch', 'heads']
      : kind === 'tag'
        ? ['a tag object', 'tag', 'tags']
        : [`a ${kind} object`, 'tag', 'tags'];
  const verb =
    kind === 'commit'
      ? 'create a new branch by pushing to'
      : kind === 'tag'
        ? 'create a new tag by pushing to'
        : `tag a new ${kind} by pushing to`;
  input.hint(
    `The <src> part of the refspec is ${what[0]}.\nDid you mean to ${verb}\n'${source.name}:refs/${what[2]}/${dst}'?`,
  );
}
