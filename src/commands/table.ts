import type { Command } from './command.js';

/** biome-ignore lint/suspicious/noExplicitAny: each command has its own result and option types */
type AnyCommand = Command<any, any>;

/** Name → module. A command pays only for itself. One line each, in order; the module exports `command`. */
export const table: Readonly<Record<string, () => Promise<{ readonly command: AnyCommand }>>> = {
  add: () => import('./add.js'),
  'check-attr': () => import('./check-attr.js'),
  'check-ignore': () => import('./check-ignore.js'),
  'check-ref-format': () => import('./check-ref-format.js'),
  'checkout-index': () => import('./checkout-index.js'),
  'count-objects': () => import('./count-objects.js'),
  fetch: () => import('./fetch.js'),
  get: () => import('./get.js'),
  'get-tar-commit-id': () => import('./get-tar-commit-id.js'),
  help: () => import('./help.js'),
  'index-pack': () => import('./index-pack.js'),
  init: () => import('./init.js'),
  list: () => import('./list.js'),
  'ls-files': () => import('./ls-files.js'),
  'pack-objects': () => import('./pack-objects.js'),
  'pack-refs': () => import('./pack-refs.js'),
  'prune-packed': () => import('./prune-packed.js'),
  put: () => import('./put.js'),
  'read-tree': () => import('./read-tree.js'),
  'receive-pack': () => import('./receive-pack.js'),
  reflog: () => import('./reflog.js'),
  refs: () => import('./refs.js'),
  remove: () => import('./remove.js'),
  'show-index': () => import('./show-index.js'),
  'show-ref': () => import('./show-ref.js'),
  'symbolic-ref': () => import('./symbolic-ref.js'),
  transact: () => import('./transact.js'),
  'unpack-file': () => import('./unpack-file.js'),
  'unpack-objects': () => import('./unpack-objects.js'),
  'update-index': () => import('./update-index.js'),
  'update-ref': () => import('./update-ref.js'),
  'upload-pack': () => import('./upload-pack.js'),
  'verify-pack': () => import('./verify-pack.js'),
  version: () => import('./version.js'),
  watch: () => import('./watch.js'),
  'write-tree': () => import('./write-tree.js'),
};
