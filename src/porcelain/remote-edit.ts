import type { NonEmpty } from '../base/awaitable.js';
import { GitError } from '../base/errors.js';
import type { RefUpdate } from '../refs/store.js';
import { checkRefFormat } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';
import { parseRefspec } from '../transport/refspec.js';
import { Remotes } from '../transport/remote-config.js';
import { LocalConfig } from './local-config.js';

/** An answer of `no`: git prints `error: …` and exits with its own code. */
export class RemoteFault extends Error {
  readonly code: number;
  readonly hint: string | undefined;
  constructor(message: string, code: number, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

export interface AddRemote {
  readonly name: string;
  readonly url: string;
  readonly branches: readonly string[];
  readonly tags: 'all' | 'none' | undefined;
  readonly mirror: 'fetch' | 'push' | 'both' | undefined;
  /** `-m`: what `refs/remotes/<name>/HEAD` points to. */
  readonly master: string | undefined;
}

const isValidRemoteName = (name: string): boolean => name !== '' && checkRefFormat(`refs/remotes/${name}/test`);

/** The refspec that tracks one branch (or `*`). */
const trackingSpec = (remote: string, branch: string): string =>
  `+refs/heads/${branch}:refs/remotes/${remote}/${branch}`;

/** `git remote add`, without the fetch. */
export async function addRemote(repository: Repository, request: AddRemote): Promise<void> {
  const { name } = request;
  const remotes = new Remotes(repository.config, repository);
  if (remotes.isConfiguredHere(name)) throw new RemoteFault(`remote ${name} already exists.`, 3);
  if (!isValidRemoteName(name)) throw new GitError('USAGE', `'${name}' is not a valid remote name`);
  for (const other of remotes.names()) {
    if (other.startsWith(`${name}/`))
      throw new GitError('USAGE', `remote name '${name}' is a superset of existing remote '${other}'`);
    if (name.startsWith(`${other}/`))
      throw new GitError('USAGE', `remote name '${name}' is a subset of existing remote '${other}'`);
  }
  const file = new LocalConfig(repository);
  file.set(`remote.${name}.url`, request.url);
  if (request.mirror === undefined || request.mirror !== 'push') {
    for (const branch of request.branches.length === 0 ? ['*'] : request.branches) {
      file.add(`remote.${name}.fetch`, request.mirror === undefined ? trackingSpec(name, branch) : mirrorSpec(branch));
    }
  }
  if (request.mirror === 'push' || request.mirror === 'both') file.set(`remote.${name}.mirror`, 'true');
  if (request.tags !== undefined) file.set(`remote.${name}.tagOpt`, request.tags === 'all' ? '--tags' : '--no-tags');
}

/** `-m`: points `refs/remotes/<name>/HEAD`. */
export async function setMaster(repository: Repository, name: string, master: string): Promise<void> {
  const result = await repository.refs.update([
    {
      name: `refs/remotes/${name}/HEAD`,
      to: { symbolic: `refs/remotes/${name}/${master}` },
      noDeref: true,
      reason: 'remote add',
    },
  ]);
  if (!result.ok) throw new GitError('REF_CHANGED', `Could not setup master '${master}'`);
}

const mirrorSpec = (branch: string): string => `+refs/${branch}:refs/${branch}`;

/** `git remote remove`: configuration, branches' upstreams, tracking refs. Answers branches left behind. */
export async function removeRemote(
  repository: Repository,
  name: string,
): Promise<{ readonly skipped: readonly string[] }> {
  const remotes = new Remotes(repository.config, repository);
  const remote = remotes.get(name);
  if (!remote.configured) throw new RemoteFault(`No such remote: '${name}'`, 2);
  const { config } = repository;
  const file = new LocalConfig(repository);
  for (const branch of config.subsections('branch')) {
    if (config.get(`branch.${branch}.remote`) === name) {
      for (const key of ['remote', 'merge', 'rebase']) file.unset(`branch.${branch}.${key}`);
    }
    if (repository.config.get(`branch.${branch}.pushremote`) === name) file.unset(`branch.${branch}.pushremote`);
  }
  const pushDefault = config.last('remote.pushdefault');
  if (pushDefault?.value === name && (pushDefault.scope === 'local' || pushDefault.scope === 'worktree')) {
    file.unset('remote.pushDefault');
  }
  // What another remote tracks as well stays.
  const specs = remote.fetch.map((text) => parseRefspec(text, 'fetch', repository.objectFormat));
  const others = remotes
    .names()
    .filter((other) => other !== name)
    .flatMap((other) => remotes.get(other).fetch.map((text) => parseRefspec(text, 'fetch', repository.objectFormat)));
  const doomed: string[] = [];
  const skipped: string[] = [];
  for await (const ref of repository.refs.list('refs/', { broken: true })) {
    if (!specs.some((spec) => writes(spec, ref.name)) || others.some((spec) => writes(spec, ref.name))) continue;
    if (!ref.name.startsWith('refs/remotes/')) {
      if (ref.name.startsWith('refs/heads/')) skipped.push(ref.name.slice(11));
      continue;
    }
    doomed.push(ref.name);
  }
  if (doomed.length > 0) {
    const updates = doomed.map(
      (ref): RefUpdate => ({ name: ref, to: 'deleted', noDeref: true, reason: 'remote: remove' }),
    );
    const result = await repository.refs.update(updates as unknown as NonEmpty<RefUpdate>);
    if (!result.ok) throw new RemoteFault(result.message, 1);
  }
  if (!file.renameSection(`remote.${name}`, undefined))
    throw new RemoteFault(`Could not remove config section 'remote.${name}'`, 1);
  return { skipped };
}

function writes(spec: { dst: string | undefined; pattern: boolean }, ref: string): boolean {
  if (spec.dst === undefined || spec.dst === '') return false;
  if (!spec.pattern) return spec.dst === ref;
  const star = spec.dst.indexOf('*');
  return ref.startsWith(spec.dst.slice(0, star)) && ref.endsWith(spec.dst.slice(star + 1));
}

const nestingHint = `The remote you are trying to rename has conflicting references in the
new target refspec. This is most likely caused by you trying to nest
a remote into itself, e.g. by renaming 'parent' into 'parent/child'
or by unnesting a remote, e.g. the other way round.

If that is the case, you can address this by first renaming the
remote to a different name.`;

/** `git remote rename`. Answers warnings. */
export async function renameRemote(repository: Repository, from: string, to: string): Promise<readonly string[]> {
  const remotes = new Remotes(repository.config, repository);
  const remote = remotes.get(from);
  const warnings: string[] = [];
  if (!remote.configured) throw new RemoteFault(`No such remote: '${from}'`, 2);
  if (remotes.isConfiguredHere(to) && to !== from) throw new RemoteFault(`remote ${to} already exists.`, 3);
  if (!isValidRemoteName(to)) throw new GitError('USAGE', `'${to}' is not a valid remote name`);
  for (const other of remotes.names()) {
    if (other === from) continue;
    if (other.startsWith(`${to}/`))
      throw new GitError('USAGE', `remote name '${to}' is a superset of existing remote '${other}'`);
    if (to.startsWith(`${other}/`))
      throw new GitError('USAGE', `remote name '${to}' is a subset of existing remote '${other}'`);
  }
  const file = new LocalConfig(repository);
  if (remote.origin !== 'config') {
    // The old files become configuration under the new name.
    for (const url of remote.urls) file.add(`remote.${to}.url`, url);
    for (const spec of remote.push) file.add(`remote.${to}.push`, spec);
    for (const spec of remote.fetch) file.add(`remote.${to}.fetch`, spec);
    repository.platform.fs.remove(repository.path(`remotes/${from}`));
    repository.platform.fs.remove(repository.path(`branches/${from}`));
    return warnings;
  }
  if (!file.renameSection(`remote.${from}`, `remote.${to}`)) {
    throw new RemoteFault(`Could not rename config section 'remote.${from}' to 'remote.${to}'`, 1);
  }
  const ownRefs = remote.fetch.some((text) => text.includes(`:refs/remotes/${from}/`));
  const prefix = `refs/remotes/${from}/`;
  const symbolic: { name: string; target: string }[] = [];
  const direct: string[] = [];
  for await (const ref of repository.refs.list(prefix, { broken: true })) {
    const raw = await repository.refs.readRaw(ref.name);
    if (raw?.kind === 'symbolic') symbolic.push({ name: ref.name, target: raw.target });
    else direct.push(ref.name);
  }
  const moved = (name: string) => (name.startsWith(prefix) ? `refs/remotes/${to}/${name.slice(prefix.length)}` : name);
  // A name below one that is there cannot be made; nothing has moved yet.
  for (const name of ownRefs ? direct : []) {
    const target = moved(name);
    for (let slash = target.lastIndexOf('/'); slash > 0; slash = target.lastIndexOf('/', slash - 1)) {
      const above = target.slice(0, slash);
      if ((await repository.refs.readRaw(above)) === undefined) continue;
      throw new RemoteFault(
        `renaming remote references failed: cannot lock ref '${target}': '${above}' exists; cannot create '${target}'`,
        1,
        nestingHint,
      );
    }
  }
  if (remote.fetch.length > 0) {
    file.unset(`remote.${to}.fetch`);
    for (const text of remote.fetch) {
      const renamed = text.replace(`:refs/remotes/${from}/`, () => `:refs/remotes/${to}/`);
      if (renamed === text) {
        warnings.push(
          `Not updating non-default fetch refspec\n\t${text}\n\tPlease update the configuration manually if necessary.`,
        );
      }
      file.add(`remote.${to}.fetch`, renamed);
    }
  }
  const { config } = repository;
  for (const branch of config.subsections('branch')) {
    if (config.get(`branch.${branch}.remote`) === from) file.set(`branch.${branch}.remote`, to);
    if (config.get(`branch.${branch}.pushremote`) === from) file.set(`branch.${branch}.pushRemote`, to);
  }
  const pushDefault = repository.config.last('remote.pushdefault');
  if (pushDefault?.value === from && (pushDefault.scope === 'local' || pushDefault.scope === 'worktree')) {
    file.set('remote.pushDefault', to);
  }
  if (!ownRefs) return warnings;
  for (const { name } of symbolic) {
    await repository.refs.update([{ name, to: 'deleted', noDeref: true, reason: '' }]);
  }
  for (const name of direct) {
    const result = await repository.refs.renameRef(name, moved(name), `remote: renamed ${name} to ${moved(name)}`);
    if (!result.ok) throw new GitError('REF_CHANGED', `renaming '${name}' failed`);
  }
  for (const { name, target } of symbolic) {
    await repository.refs.update([
      {
        name: moved(name),
        to: { symbolic: moved(target) },
        noDeref: true,
        reason: `remote: renamed ${name} to ${moved(name)}`,
      },
    ]);
  }
  return warnings;
}

/** `git remote set-branches`. */
export function setBranches(repository: Repository, name: string, branches: readonly string[], add: boolean): void {
  const remotes = new Remotes(repository.config, repository);
  const remote = remotes.get(name);
  if (!remote.configured) throw new RemoteFault(`No such remote '${name}'`, 2);
  const file = new LocalConfig(repository);
  if (!add) file.unset(`remote.${name}.fetch`);
  const mirror = remote.mirror;
  for (const branch of branches)
    file.add(`remote.${name}.fetch`, mirror ? mirrorSpec(branch) : trackingSpec(name, branch));
}

/** `git remote set-url`. */
export function setUrl(
  repository: Repository,
  name: string,
  mode: 'set' | 'add' | 'delete',
  push: boolean,
  url: string,
  old: string | undefined,
): void {
  const remotes = new Remotes(repository.config, repository);
  if (!remotes.isConfigured(name)) throw new RemoteFault(`No such remote '${name}'`, 2);
  const key = `remote.${name}.${push ? 'pushurl' : 'url'}`;
  const file = new LocalConfig(repository);
  if (mode === 'add') {
    file.add(key, url);
    return;
  }
  if (mode === 'set' && old === undefined) {
    file.set(key, url);
    return;
  }
  let pattern: RegExp;
  const text = mode === 'delete' ? url : old!;
  try {
    pattern = new RegExp(text);
  } catch {
    throw new GitError('USAGE', `Invalid old URL pattern: ${text}`);
  }
  const values = repository.config.getAll(key);
  const matching = values.filter((value) => pattern.test(value));
  if (mode === 'delete') {
    if (matching.length === 0)
      throw new GitError('USAGE', `No such URL found: ${url}`.replace('No such URL found: ', 'No such URL found: '));
    if (!push && matching.length === values.length) throw new GitError('USAGE', 'Will not delete all non-push URLs');
    file.unset(key, (value) => value !== undefined && pattern.test(value));
    return;
  }
  if (matching.length === 0) throw new GitError('USAGE', `No such URL found: ${old}`);
  file.unset(key);
  let replaced = false;
  for (const value of values) {
    if (!pattern.test(value)) file.add(key, value);
    else if (!replaced) {
      replaced = true;
      file.add(key, url);
    }
  }
}
