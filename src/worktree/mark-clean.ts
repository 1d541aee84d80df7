import {
  STAT_CTIME,
  STAT_CTIME_NANOSECONDS,
  STAT_GID,
  STAT_INODE,
  STAT_MODE,
  STAT_MTIME,
  STAT_MTIME_NANOSECONDS,
  STAT_SIZE,
  STAT_UID,
} from '../platform/fs.js';
import { hasRawBytes } from '../base/bytes.js';
import type { IndexRows } from './index-rows.js';
import { STAT_WORDS } from './index-rows.js';
import type { WorkTree } from './work-tree.js';

/**
 * The quick question to most files: marks as fresh each row of a regular file all of whose stat words are as they were,
 * older than the index. A row left unmarked says nothing: it has flags, is not a file, is racy, or something differs.
 *
 * One loop, nothing made per file but its path: a process comes here once, so most of it runs before the engine has
 * compiled anything.
 */
export function markCleanRows(tree: WorkTree, rows: IndexRows): void {
  const { fs, rules } = tree;
  const lstat = fs.lstatNumbers;
  if (lstat === undefined) return;
  const { fileMode, checkStat, trustCtime } = rules;
  const { words, flags, fresh, paths, at: starts, aligned } = rows;
  const width = STAT_WORDS;
  const written = tree.index.timestamp ?? { seconds: 0, nanoseconds: 0 };
  // Names relative to the process's directory are shorter for everybody.
  const base = fs.workingDirectory?.() === tree.root ? '' : `${tree.root}/`;
  // Imported names are getters in the bundle.
  const [MODE, SIZE, UID, GID, INODE] = [STAT_MODE, STAT_SIZE, STAT_UID, STAT_GID, STAT_INODE];
  const [MTIME, MTIME_NS, CTIME, CTIME_NS] = [STAT_MTIME, STAT_MTIME_NANOSECONDS, STAT_CTIME, STAT_CTIME_NANOSECONDS];
  let directory = '';
  for (let i = 0; i < rows.count; i++) {
    const at = aligned ? starts[i]! >>> 2 : i * width;
    const mode = words[at + 6]!;
    const size = words[at + 9]!;
    if (flags[i] !== 0 || (mode & 0o170000) !== 0o100000 || size === 0) continue;
    const path = paths[i]!;
    if (!path.startsWith(directory) || path.includes('/', directory.length)) {
      const slash = path.lastIndexOf('/') + 1;
      if (slash > 0 && tree.hasSymlinkParent(path)) continue;
      directory = path.slice(0, slash);
    }
    if (!rows.ascii && hasRawBytes(path)) continue;
    let stat: Float64Array | undefined;
    try {
      stat = lstat(base + path, false, undefined, false);
    } catch {
      continue;
    }
    if (stat === undefined) continue;
    const found = stat[MODE]!;
    const seconds = stat[MTIME]!;
    const nanoseconds = stat[MTIME_NS]!;
    if (
      words[at + 2] !== seconds ||
      words[at + 3] !== nanoseconds ||
      size !== stat[SIZE] ||
      (found & 0o170000) !== 0o100000 ||
      (fileMode && ((mode ^ found) & 0o100) !== 0)
    ) {
      continue;
    }
    if (
      written.seconds !== 0 &&
      written.seconds <= seconds &&
      (written.seconds < seconds || written.nanoseconds <= nanoseconds)
    ) {
      continue;
    }
    if (checkStat) {
      if (trustCtime && (words[at] !== stat[CTIME] || words[at + 1] !== stat[CTIME_NS])) continue;
      const inode = stat[INODE]!;
      if (words[at + 5] !== (inode <= 0xffffffff ? inode : inode % 0x100000000)) continue;
      if (words[at + 7] !== stat[UID] || words[at + 8] !== stat[GID]) continue;
    }
    fresh[i] = 1;
  }
}
