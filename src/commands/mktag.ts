import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { fsckObject, FsckRules } from '../objects/fsck.js';
import { parseTag } from '../objects/tag.js';
import { readFsckConfig } from '../repo/fsck-config.js';
import { defineCommand } from './command.js';

export const command = defineCommand({
  name: 'mktag',
  summary: 'make a tag object, checked more strictly than usual',
  usage: ['mktag'],
  options: {
    strict: { type: 'flag', help: 'enable more strict checking' },
  },
  async *run(context, { values }): AsyncGenerator<{ oid: Oid<'tag'> }, void> {
    const repository = context.repository();
    const data = context.io.stdin.readAll();
    const rules = new FsckRules();
    rules.set('extraHeaderEntry', 'warn');
    if (values.strict !== false) rules.strict = true;
    readFsckConfig(repository, rules);
    let failed = false;
    for (const finding of fsckObject('tag', data, { algorithm: repository.objectFormat, rules })) {
      // What is only told elsewhere is wrong in a tag that is made now.
      const wrong = finding.severity === 'error' || values.strict !== false;
      if (wrong) {
        failed = true;
        context.error(`tag input does not pass fsck: ${finding.id}: ${finding.message}`);
      } else context.warning(`tag input does not pass fsck: ${finding.id}: ${finding.message}`);
    }
    if (failed) throw new GitError('OBJECT_CORRUPT', 'tag on stdin did not pass our strict fsck check');
    const tag = parseTag(data);
    const header = await repository.objects.readHeader(tag.target);
    if (header === undefined) {
      throw new GitError('OBJECT_MISSING', `could not read tagged object '${tag.target}'`);
    }
    if (header.kind !== tag.targetKind) {
      throw new GitError(
        'USAGE',
        `object '${tag.target}' tagged as '${tag.targetKind}', but is a '${header.kind}' type`,
      );
    }
    yield { oid: await repository.objects.write('tag', data) };
  },
  render: ({ oid }) => `${oid}\n`,
});
