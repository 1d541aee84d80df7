import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/root.js';
import { sandbox } from '../support/sandbox.js';

test('the command reference is what the commands themselves say', () => {
  const ran = sandbox().run(process.execPath, [join(root, 'scripts/docs.mjs'), '--check']);
  expect(ran.stderr).toBe('');
  expect(ran.code).toBe(0);
});
