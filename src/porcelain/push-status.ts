import type { Oid } from '../base/oid.js';
import { isZeroOid } from '../base/oid.js';
import type { Repository } from '../repo/repository.js';
import type { RefReport } from '../transport/receive-command.js';
import { abbreviate } from './abbreviate.js';
import { prettyRef, summaryWidth } from './update-line.js';

export type PushStatus =
  | 'none'
  | 'ok'
  | 'up-to-date'
  | 'non-fast-forward'
  | 'already-exists'
  | 'fetch-first'
  | 'needs-force'
  | 'stale'
  | 'remote-updated'
  | 'shallow'
  | 'no-delete'
  | 'remote-rejected'
  | 'expecting-report'
  | 'atomic-failed';

/** What became of one ref. */
export interface PushRef {
  readonly name: string;
  readonly old: Oid;
  readonly new: Oid;
  /** Our name for what is pushed; '' for a deletion. */
  readonly source: string;
  readonly deletion: boolean;
  status: PushStatus;
  forced: boolean;
  /** The server's words. */
  why?: string | undefined;
  /** What a hook on the other side made of it. */
  reports?: readonly RefReport[] | undefined;
}

/** What changed on the other side by its own account, which may be other refs than were asked for. */
export function reported(ref: PushRef): readonly PushRef[] {
  if (ref.reports === undefined || ref.reports.length === 0) return [ref];
  return ref.reports.map((report) => ({
    ...ref,
    name: report.refname ?? ref.name,
    old: report.oldOid ?? ref.old,
    new: report.newOid ?? ref.new,
    forced: report.forcedUpdate === true,
    reports: undefined,
  }));
}

const notes: Readonly<Partial<Record<PushStatus, string>>> = {
  'non-fast-forward': 'non-fast-forward',
  'already-exists': 'already exists',
  'fetch-first': 'fetch first',
  'needs-force': 'needs force',
  stale: 'stale info',
  'remote-updated': 'remote ref updated since checkout',
  shallow: 'new shallow roots not allowed',
  'no-delete': 'remote does not support deleting refs',
  'atomic-failed': 'atomic push failed',
};

/** The report as git prints it, up-to-date refs only where `verbose`, refused ones last. */
export async function formatPush(
  repository: Repository,
  refs: readonly PushRef[],
  options: { readonly verbose: boolean; readonly porcelain: boolean },
): Promise<string[]> {
  const shown = [
    ...(options.verbose ? refs.filter((ref) => ref.status === 'up-to-date') : []),
    ...refs.filter((ref) => ref.status === 'ok').flatMap(reported),
    ...refs.filter((ref) => ref.status !== 'ok' && ref.status !== 'up-to-date' && ref.status !== 'none'),
  ];
  const width = await summaryWidth(
    repository,
    refs.flatMap((ref) => [ref.old, ref.new]),
  );
  const lines: string[] = [];
  for (const ref of shown) lines.push(await line(repository, ref, options.porcelain, width));
  return lines;
}

async function line(repository: Repository, ref: PushRef, porcelain: boolean, width: number): Promise<string> {
  const { flag, summary, from, note } = await describe(repository, ref);
  if (porcelain) {
    const names = from === '' ? `:${ref.name}` : `${from}:${ref.name}`;
    return `${flag}\t${names}\t${summary}${note === undefined ? '' : ` (${note})`}`;
  }
  const names = from === '' ? prettyRef(ref.name) : `${prettyRef(from)} -> ${prettyRef(ref.name)}`;
  return ` ${flag} ${summary.padEnd(width)} ${names}${note === undefined ? '' : ` (${note})`}`;
}

async function describe(
  repository: Repository,
  ref: PushRef,
): Promise<{ flag: string; summary: string; from: string; note?: string | undefined }> {
  const from = ref.deletion ? '' : ref.source;
  switch (ref.status) {
    case 'up-to-date':
      return { flag: '=', summary: '[up to date]', from };
    case 'ok':
      break;
    case 'remote-rejected':
      return { flag: '!', summary: '[remote rejected]', from, note: ref.why };
    case 'expecting-report':
      return { flag: '!', summary: '[remote failure]', from, note: 'remote failed to report status' };
    default:
      return {
        flag: '!',
        summary: '[rejected]',
        from: ref.status === 'no-delete' ? '' : ref.deletion ? '(delete)' : from,
        note: notes[ref.status],
      };
  }
  if (ref.deletion) return { flag: '-', summary: '[deleted]', from: '' };
  if (isZeroOid(ref.old)) {
    const summary = ref.name.startsWith('refs/tags/')
      ? '[new tag]'
      : ref.name.startsWith('refs/heads/')
        ? '[new branch]'
        : '[new reference]';
    return { flag: '*', summary, from };
  }
  const dots = ref.forced ? '...' : '..';
  const summary = `${await abbreviate(repository, ref.old)}${dots}${await abbreviate(repository, ref.new)}`;
  return { flag: ref.forced ? '+' : ' ', summary, from, note: ref.forced ? 'forced update' : undefined };
}

/** What went wrong, in the order of git's advice. */
export type PushFault =
  | 'non-ff-head'
  | 'non-ff-other'
  | 'already-exists'
  | 'fetch-first'
  | 'needs-force'
  | 'remote-updated';

export function pushFaults(refs: readonly PushRef[], head: string | undefined): Set<PushFault> {
  const faults = new Set<PushFault>();
  for (const ref of refs) {
    if (ref.status === 'non-fast-forward') faults.add(ref.name === head ? 'non-ff-head' : 'non-ff-other');
    else if (
      ref.status === 'already-exists' ||
      ref.status === 'fetch-first' ||
      ref.status === 'needs-force' ||
      ref.status === 'remote-updated'
    ) {
      faults.add(ref.status);
    }
  }
  return faults;
}

const seeNote = "See the 'Note about fast-forwards' in 'git push --help' for details.";
const advice: readonly (readonly [PushFault, string, string])[] = [
  [
    'non-ff-head',
    'pushnonffcurrent',
    `Updates were rejected because the tip of your current branch is behind\nits remote counterpart. If you want to integrate the remote changes,\nuse 'git pull' before pushing again.\n${seeNote}`,
  ],
  [
    'non-ff-other',
    'pushnonffmatching',
    `Updates were rejected because a pushed branch tip is behind its remote\ncounterpart. If you want to integrate the remote changes, use 'git pull'\nbefore pushing again.\n${seeNote}`,
  ],
  ['already-exists', 'pushalreadyexists', 'Updates were rejected because the tag already exists in the remote.'],
  [
    'fetch-first',
    'pushfetchfirst',
    `Updates were rejected because the remote contains work that you do not\nhave locally. This is usually caused by another repository pushing to\nthe same ref. If you want to integrate the remote changes, use\n'git pull' before pushing again.\n${seeNote}`,
  ],
  [
    'needs-force',
    'pushneedsforce',
    "You cannot update a remote ref that points at a non-commit object,\nor update a remote ref to make it point at a non-commit object,\nwithout using the '--force' option.",
  ],
  [
    'remote-updated',
    'pushrefneedsupdate',
    `Updates were rejected because the tip of the remote-tracking branch has\nbeen updated since the last checkout. If you want to integrate the\nremote changes, use 'git pull' before pushing again.\n${seeNote}`,
  ],
];

/** git's advice for what was refused, where the configuration has not switched it off. */
export function pushAdvice(repository: Repository, faults: ReadonlySet<PushFault>): string | undefined {
  const enabled = (name: string) => repository.config.getBool(`advice.${name}`, true);
  for (const [fault, key, text] of advice) {
    if (faults.has(fault))
      return enabled(key) && enabled('pushupdaterejected') && enabled('pushnonfastforward') ? text : undefined;
  }
  return undefined;
}
