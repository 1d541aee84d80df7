import type { Command } from './command.js';

/** biome-ignore lint/suspicious/noExplicitAny: each command has its own result and option types */
type AnyCommand = Command<any, any>;

/** Name → module. A command pays only for itself. One line each, in order; the module exports `command`. */
export const table: Readonly<Record<string, () => Promise<{ readonly command: AnyCommand }>>> = {
  help: () => import('./help.js'),
  init: () => import('./init.js'),
  'receive-pack': () => import('./receive-pack.js'),
  'upload-pack': () => import('./upload-pack.js'),
  version: () => import('./version.js'),
};
