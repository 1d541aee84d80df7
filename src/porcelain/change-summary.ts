import type { Bytes } from '../base/bytes.js';
import { quotePath } from '../base/quote.js';
import type { Oid } from '../base/oid.js';
import { looksBinary } from '../diff/binary.js';
import { diffLines } from '../diff/line-diff.js';
import { splitLines } from '../diff/lines.js';
import type { DiffSide, FilePair } from '../diff/pair.js';
import { pairOfChange, percentOf } from '../diff/pair.js';
import { detectRenames } from '../diff/renames.js';
import { diffTrees } from '../diff/trees.js';
import { formatMode } from '../objects/mode.js';
import type { AttributeValue } from '../repo/attributes.js';
import type { Repository } from '../repo/repository.js';
import { AttributeReader } from '../worktree/attributes-reader.js';

/** What changed between two trees in short: ` 2 files changed, …` and the lines about files that came and went. */
export async function changeSummary(repository: Repository, from: Oid | undefined, to: Oid): Promise<string> {
  const { objects, oidLength, config } = repository;
  const changes: FilePair[] = [];
  await diffTrees(objects, from, to, oidLength, { recursive: true }, (change) => {
    changes.push(pairOfChange(objects, change));
  });
  const setting = config.getBoolOrString('diff.renames') ?? true;
  const limit = config.getInt('diff.renamelimit');
  const pairs =
    setting === false
      ? changes
      : (
          await detectRenames(changes, {
            find: typeof setting === 'string' && /^cop(y|ies)$/.test(setting) ? 'copies' : 'renames',
            ...(limit === undefined ? {} : { limit }),
          })
        ).pairs;
  if (pairs.length === 0) return '';
  let added = 0;
  let deleted = 0;
  let lines = '';
  const high = config.getBool('core.quotepath', true);
  const attributes = new AttributeReader(repository);
  for (const pair of pairs) {
    const counts = await countLines(pair, (side) => attributes.of(side.path).get('diff'));
    added += counts.added;
    deleted += counts.deleted;
    lines += summaryLine(pair, high);
  }
  let head = ` ${pairs.length} ${pairs.length === 1 ? 'file' : 'files'} changed`;
  if (added > 0 || deleted === 0) head += `, ${added} insertion${added === 1 ? '' : 's'}(+)`;
  if (deleted > 0 || added === 0) head += `, ${deleted} deletion${deleted === 1 ? '' : 's'}(-)`;
  return `${head}\n${lines}`;
}

/** `wish`: the attribute `diff`, which says that a file is text, or is not, whatever is in it. */
async function countLines(
  pair: FilePair,
  wish: (side: DiffSide) => AttributeValue,
): Promise<{ added: number; deleted: number }> {
  if (pair.old.mode !== 0 && pair.new.mode !== 0 && pair.old.oid === pair.new.oid) return { added: 0, deleted: 0 };
  const [before, after] = [await pair.old.read(), await pair.new.read()];
  const isBinary = (side: DiffSide, data: Bytes): boolean => {
    if (side.mode === 0) return false;
    const said = wish(side);
    return typeof said === 'boolean' ? !said : looksBinary(data);
  };
  if (isBinary(pair.old, before) || isBinary(pair.new, after)) return { added: 0, deleted: 0 };
  let added = 0;
  let deleted = 0;
  for (const change of diffLines(splitLines(before), splitLines(after), { trimTail: true })) {
    added += change.bCount;
    deleted += change.aCount;
  }
  return { added, deleted };
}

function summaryLine(pair: FilePair, high: boolean): string {
  const { old, new: fresh } = pair;
  switch (pair.status) {
    case 'A':
      return ` create mode ${formatMode(fresh.mode)} ${quotePath(fresh.path, high)}\n`;
    case 'D':
      return ` delete mode ${formatMode(old.mode)} ${quotePath(old.path, high)}\n`;
    case 'R':
    case 'C': {
      const verb = pair.status === 'R' ? 'rename' : 'copy';
      return ` ${verb} ${renamePath(old.path, fresh.path, high)} (${percentOf(pair.score)}%)\n${modeLine(pair, false, high)}`;
    }
    default:
      return modeLine(pair, true, high);
  }
}

function modeLine(pair: FilePair, withName: boolean, high: boolean): string {
  if (pair.old.mode === 0 || pair.new.mode === 0 || pair.old.mode === pair.new.mode) return '';
  const modes = ` mode change ${formatMode(pair.old.mode)} => ${formatMode(pair.new.mode)}`;
  return withName ? `${modes} ${quotePath(pair.new.path, high)}\n` : `${modes}\n`;
}

/** `a/{b => c}/d`: what two paths share is written once. */
function renamePath(from: string, to: string, high = true): string {
  const [a, b] = [quotePath(from, high), quotePath(to, high)];
  if (a !== from || b !== to) return `${a} => ${b}`;
  let head = 0;
  for (let i = 0; i < from.length && i < to.length && from[i] === to[i]; i++) if (from[i] === '/') head = i + 1;
  let tail = 0;
  const least = head > 0 ? head - 1 : 0;
  for (let i = 0; from.length - 1 - i >= least && to.length - 1 - i >= least; i++) {
    const char = from[from.length - 1 - i];
    if (char !== to[to.length - 1 - i]) break;
    if (char === '/') tail = i + 1;
  }
  if (head === 0 && tail === 0) return `${from} => ${to}`;
  const middle = (text: string): string => text.slice(head, Math.max(head, text.length - tail));
  return `${from.slice(0, head)}{${middle(from)} => ${middle(to)}}${tail === 0 ? '' : from.slice(from.length - tail)}`;
}
