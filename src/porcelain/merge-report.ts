import { quotePath } from '../base/quote.js';
import type { Stage } from '../merge/hook.js';
import type { TreeMerge } from '../merge/tree.js';
import { formatMode } from '../objects/mode.js';

export interface ReportOptions {
  /** NUL instead of newlines, no quoting, and messages with their kinds and paths. */
  readonly nul: boolean;
  readonly nameOnly: boolean;
  /** Absent: only where there are conflicts. */
  readonly messages?: boolean | undefined;
  /** `core.quotePath`, true unless said. */
  readonly quoteHigh?: boolean | undefined;
}

/** What `git merge-tree --write-tree` prints for a merge. */
export function mergeReport(merge: TreeMerge, options: ReportOptions): string {
  const end = options.nul ? '\0' : '\n';
  let text = `${merge.tree}${end}`;
  const show = (path: string) => (options.nul ? path : quotePath(path, options.quoteHigh !== false));
  for (const { path, stages } of merge.unmerged) {
    if (options.nameOnly) {
      text += `${show(path)}${end}`;
      continue;
    }
    const rows: readonly (Stage | undefined)[] = [stages.base, stages.ours, stages.theirs];
    rows.forEach((stage, i) => {
      if (stage !== undefined) text += `${formatMode(stage.mode)} ${stage.oid} ${i + 1}\t${show(path)}${end}`;
    });
  }
  if (options.messages ?? !merge.clean) {
    text += end;
    for (const message of merge.messages) {
      if (!options.nul) text += `${message.text}\n`;
      else text += `${message.paths.length}\0${message.paths.join('\0')}\0${message.type}\0${message.text}\n\0`;
    }
  }
  return text;
}
