import { compareText } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import { isZeroOid, zeroOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import { resolveRevision } from '../repo/revision.js';
import type { RemoteRef } from '../transport/advertisement.js';
import { CommitCache } from '../transport/commit-cache.js';
import { isAncestor } from '../transport/receive-update.js';
import { isExcluded, mapThrough, parseRefspec, tryParseRefspec } from '../transport/refspec.js';
import type { RemoteConfig } from '../transport/remote-config.js';
import { branchConfig } from '../transport/remote-config.js';
import { staleRefs } from './fetch.js';
import { matchPush } from './push-match.js';
import { prettyRef } from './update-line.js';

export interface RemoteFacts {
  readonly remote: RemoteConfig;
  /** What the server showed; `undefined` where it was not asked (`-n`). */
  readonly refs: readonly RemoteRef[] | undefined;
}

/** The text of `git remote show <name>`. */
export async function describeRemote(repository: Repository, facts: RemoteFacts): Promise<string> {
  const { remote, refs } = facts;
  let out = `* remote ${remote.name}\n  Fetch URL: ${remote.urls[0] ?? '(no URL)'}\n`;
  const pushUrls = remote.pushUrls.length > 0 ? remote.pushUrls : ['(no URL)'];
  for (const url of pushUrls) out += `  Push  URL: ${url}\n`;
  out += headLines(refs);
  out += await branchLines(repository, remote, refs);
  out += await pullLines(repository, remote);
  out += await pushLines(repository, remote, refs);
  return out;
}

function headLines(refs: readonly RemoteRef[] | undefined): string {
  if (refs === undefined) return '  HEAD branch: (not queried)\n';
  const heads = headBranches(refs);
  if (heads.length === 0) return '  HEAD branch: (unknown)\n';
  if (heads.length === 1) return `  HEAD branch: ${heads[0]}\n`;
  return `  HEAD branch (remote HEAD is ambiguous, may be one of the following):\n${heads.map((head) => `    ${head}\n`).join('')}`;
}

/** The branches that HEAD may be on. */
export function headBranches(refs: readonly RemoteRef[]): string[] {
  const head = refs.find((ref) => ref.name === 'HEAD');
  if (head === undefined) return [];
  if (head.symbolicTarget !== undefined) return [head.symbolicTarget.replace(/^refs\/heads\//, '')];
  return refs
    .filter((ref) => ref.name.startsWith('refs/heads/') && ref.oid === head.oid)
    .map((ref) => ref.name.slice(11));
}

async function branchLines(
  repository: Repository,
  remote: RemoteConfig,
  refs: readonly RemoteRef[] | undefined,
): Promise<string> {
  const specs = remote.fetch.map((text) => parseRefspec(text, 'fetch', repository.objectFormat));
  const rows: { name: string; state: string }[] = [];
  if (refs === undefined) {
    for await (const ref of repository.refs.list('refs/')) {
      if (ref.symbolicTarget !== undefined) continue;
      for (const spec of specs) {
        if (spec.dst === undefined) continue;
        const star = spec.dst.indexOf('*');
        if (star < 0 ? spec.dst !== ref.name : !ref.name.startsWith(spec.dst.slice(0, star))) continue;
        const source = star < 0 ? spec.src : spec.src.replace('*', () => ref.name.slice(star));
        rows.push({ name: source.replace(/^refs\/heads\//, ''), state: '' });
        break;
      }
    }
  } else {
    const local = new Map<string, boolean>();
    for await (const ref of repository.refs.list('refs/')) local.set(ref.name, ref.symbolicTarget !== undefined);
    for (const ref of refs) {
      if (ref.name === 'HEAD') continue;
      let shown: string | undefined;
      for (const spec of specs) {
        if (isExcluded(specs, ref.name)) {
          if (ref.name.startsWith('refs/heads/')) shown = ' skipped';
          break;
        }
        const to = mapThrough(spec, ref.name);
        if (to === undefined) continue;
        shown = local.has(to) ? ' tracked' : ` new (next fetch will store in remotes/${remote.name})`;
        break;
      }
      if (shown !== undefined) rows.push({ name: prettyBranch(ref.name), state: shown });
    }
    for (const name of staleRefs(
      specs,
      refs,
      [...local].filter(([, symbolic]) => !symbolic).map(([ref]) => ref),
    )) {
      rows.push({
        name: name.replace(/^refs\/(?:heads|tags|remotes)\//, 'refs/remotes/'),
        state: " stale (use 'git remote prune' to remove)",
      });
    }
  }
  if (rows.length === 0) return '';
  rows.sort((a, b) => compareText(a.name, b.name));
  const width = Math.max(...rows.map(({ name }) => name.length));
  const title = rows.length === 1 ? '  Remote branch:' : '  Remote branches:';
  const note = refs === undefined ? ' (status not queried)' : '';
  return `${title}${note}\n${rows.map(({ name, state }) => (state === '' ? `    ${name}\n` : `    ${name.padEnd(width)}${state}\n`)).join('')}`;
}

const prettyBranch = (name: string): string => (name.startsWith('refs/heads/') ? name.slice(11) : name);

async function pullLines(repository: Repository, remote: RemoteConfig): Promise<string> {
  const { config } = repository;
  const rows: { branch: string; merges: readonly string[]; rebase: string | undefined }[] = [];
  for (const branch of config.subsections('branch')) {
    const settings = branchConfig(config, branch);
    if (settings.remote !== remote.name || settings.merge.length === 0) continue;
    rows.push({
      branch,
      merges: settings.merge.flatMap((value) => value.split(' ')).map(prettyBranch),
      rebase: settings.rebase,
    });
  }
  if (rows.length === 0) return '';
  rows.sort((a, b) => compareText(a.branch, b.branch));
  const width = Math.max(...rows.map(({ branch }) => branch.length));
  const rebases = (text: string | undefined) => text !== undefined && !/^(?:false|no|off|0)$/i.test(text);
  const anyRebase = rows.some((row) => rebases(row.rebase));
  let out =
    rows.length === 1 ? "  Local branch configured for 'git pull':\n" : "  Local branches configured for 'git pull':\n";
  for (const { branch, merges, rebase } of rows) {
    out += `    ${branch.padEnd(width)} `;
    if (rebases(rebase)) {
      const how = /^(?:interactive|i)$/.test(rebase!)
        ? 'rebases interactively onto remote'
        : /^(?:merges|m)$/.test(rebase!)
          ? 'rebases interactively (with merges) onto remote'
          : 'rebases onto remote';
      out += `${how} ${merges[0]}\n`;
      continue;
    }
    const pad = anyRebase ? ' ' : '';
    out += anyRebase ? ` merges with remote ${merges[0]}\n` : `merges with remote ${merges[0]}\n`;
    for (const more of merges.slice(1)) out += `    ${' '.repeat(width)}${pad}    and with remote ${more}\n`;
  }
  return out;
}

async function pushLines(
  repository: Repository,
  remote: RemoteConfig,
  refs: readonly RemoteRef[] | undefined,
): Promise<string> {
  if (remote.mirror) return "  Local refs will be mirrored by 'git push'\n";
  const rows: { from: string; to: string; state: string; force: boolean }[] = [];
  if (refs === undefined) {
    if (remote.push.length === 0) rows.push({ from: '(matching)', to: '(matching)', state: '', force: false });
    for (const text of remote.push) {
      const spec = tryParseRefspec(text, 'push', repository.objectFormat);
      if (spec === undefined) continue;
      if (spec.matching) rows.push({ from: '(matching)', to: '(matching)', state: '', force: spec.force });
      else {
        rows.push({
          from: spec.src === '' ? '(delete)' : spec.src,
          to: spec.dst ?? spec.src,
          state: '',
          force: spec.force,
        });
      }
    }
  } else rows.push(...(await pushStates(repository, remote, refs)));
  if (rows.length === 0) return '';
  rows.sort((a, b) => compareText(a.from, b.from) || compareText(a.to, b.to));
  const width = Math.max(...rows.map(({ from }) => from.length));
  const toWidth = Math.max(...rows.map(({ to }) => to.length));
  const title = rows.length === 1 ? "  Local ref configured for 'git push'" : "  Local refs configured for 'git push'";
  let out = `${title}${refs === undefined ? ' (status not queried)' : ''}:\n`;
  for (const { from, to, state, force } of rows) {
    const verb = force ? 'forces to' : 'pushes to';
    out +=
      state === ''
        ? `    ${from.padEnd(width)} ${verb} ${to}\n`
        : `    ${from.padEnd(width)} ${verb} ${to.padEnd(toWidth)} (${state})\n`;
  }
  return out;
}

async function pushStates(
  repository: Repository,
  remote: RemoteConfig,
  refs: readonly RemoteRef[],
): Promise<{ from: string; to: string; state: string; force: boolean }[]> {
  const local: { name: string; oid: Oid }[] = [];
  for await (const ref of repository.refs.list('refs/')) local.push({ name: ref.name, oid: ref.oid });
  const texts = remote.push.length === 0 ? [':'] : remote.push;
  const targets = await matchPush({
    local,
    remote: refs.filter((ref) => ref.name !== 'HEAD'),
    specs: texts.map((text) => parseRefspec(text, 'push', repository.objectFormat)),
    all: false,
    mirror: false,
    prune: false,
    zero: zeroOid(repository.objectFormat),
    resolve: (text) => resolveRevision(repository, text),
    follow: async (name) => (await repository.refs.resolveFull(name))?.name,
    kindOf: async (oid) => (await repository.objects.readHeader(oid))?.kind,
    error: () => {},
    hint: () => {},
    lenient: true,
  });
  const commits = new CommitCache(repository.objects);
  const rows: { from: string; to: string; state: string; force: boolean }[] = [];
  for (const target of targets) {
    let state: string;
    if (target.deletion) state = 'delete';
    else if (target.old === target.source.oid) state = 'up to date';
    else if (isZeroOid(target.old)) state = 'create';
    else if (!(await repository.objects.has(target.old))) state = 'local out of date';
    else if (await isAncestor(commits, target.old, target.source.oid)) state = 'fast-forwardable';
    else state = 'local out of date';
    rows.push({
      from: target.deletion ? '(delete)' : prettyRef(target.source.name),
      to: prettyRef(target.name),
      state,
      force: target.force,
    });
  }
  return rows;
}
