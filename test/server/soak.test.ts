import { expect, it } from 'vitest';
import { join } from 'node:path';
import { root } from '../support/root.js';
import { sandbox } from '../support/sandbox.js';

it('clients that clone and push at once lose nothing, whoever breaks off beside them', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main', 'real']);
  for (let i = 0; i < 8; i++) box.git(['commit', '-q', '--allow-empty', '-m', `c${i}`], { cwd: 'real' });
  const script = join(root, 'test/transport/soak.mjs');
  const ran = box.run(process.execPath, [
    script,
    '--rounds=1',
    '--clients=4',
    '--pushes=1',
    '--seed=5',
    `--repo=${box.path('real')}`,
  ]);
  expect(ran.stdout).toContain('ok     nothing lost, every ref accounted for');
  expect(ran.code).toBe(0);
}, 240_000);
