import { readdirSync } from 'node:fs';

/** Locks and temporary files: what nothing that was stopped may leave below a folder. */
export const unfinished = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.lock$|(?:^|\/)tmp_|\.bough-|incoming-/.test(name),
  );
