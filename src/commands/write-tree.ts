import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { findInTree } from '../objects/tree.js';
import { isTreeMode } from '../objects/mode.js';
import { writeIndexTree } from '../worktree/write-tree.js';
import { defineCommand } from './command.js';
import { openWorkTree } from './work-tree.js';

export const command = defineCommand({
  name: 'write-tree',
  summary: 'make tree objects of the index',
  usage: ['write-tree [--missing-ok] [--prefix=<prefix>/]'],
  options: {
    'missing-ok': { type: 'flag', help: 'allow missing objects' },
    prefix: { type: 'string', value: '<prefix>/', help: 'write tree object for a subdirectory <prefix>' },
    'ignore-cache-tree': { type: 'flag', hidden: true, help: 'only useful for debugging' },
  },
  async *run(context, { values }): AsyncGenerator<{ oid: Oid<'tree'> }, void> {
    const tree = openWorkTree(context, { bareToo: true });
    const lock = tree.tryLockIndex();
    let oid: Oid<'tree'>;
    try {
      oid = await writeIndexTree(tree.index, tree.repository.objects, {
        missingOk: values['missing-ok'] === true,
        ignoreCacheTree: values['ignore-cache-tree'] === true,
      });
      if (lock !== undefined && tree.index.changed && tree.index.existed) tree.commitIndex(lock);
    } catch (error) {
      if (error instanceof GitError && error.message === 'error building trees') {
        throw new GitError(error.code, 'git-write-tree: error building trees', { data: error.data });
      }
      throw error;
    } finally {
      lock?.rollback();
    }
    const prefix = values.prefix?.replace(/\/+$/, '');
    if (prefix != null && prefix !== '') {
      for (const name of prefix.split('/')) {
        const object = await tree.repository.objects.read(oid);
        const row = object === undefined ? undefined : findInTree(object.data, tree.repository.oidLength, name);
        if (row === undefined || !isTreeMode(row.mode)) {
          throw new GitError('USAGE', `git-write-tree: prefix ${values.prefix} not found`);
        }
        oid = row.oid as Oid<'tree'>;
      }
    }
    yield { oid };
  },
  render: ({ oid }) => `${oid}\n`,
});
