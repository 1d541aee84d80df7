import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/root.js';
import { sandbox } from '../support/sandbox.js';

test('npm pack gives a package that runs in an empty folder', () => {
  const box = sandbox();
  mkdirSync(box.path('away/node_modules'), { recursive: true });
  const packed = box.run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', box.directory], {
    cwd: root,
  });
  expect(packed.code).toBe(0);
  const file = readdirSync(box.directory).find((name) => name.endsWith('.tgz'))!;
  box.run('tar', ['-xzf', file, '-C', 'away/node_modules']);
  box.run('mv', ['package', 'bough'], { cwd: 'away/node_modules' });
  const installed = box.path('away/node_modules/bough');
  const program = join(installed, 'bin/bough.js');
  // The command line is bundled: it needs none of its dependencies installed to run.
  expect(box.run(process.execPath, [program, '--version']).stdout).toMatch(/^(?:git|bough) version/);
  expect(box.run(process.execPath, [program, 'init', '-q', '-b', 'main', 'r']).code).toBe(0);
  expect(box.run(process.execPath, [program, 'put', '-q', 'a', '1'], { cwd: 'r' }).code).toBe(0);
  expect(box.git(['show', 'HEAD:a'], { cwd: 'r' })).toBe('1\n');
  const code =
    "import { open, openStore, contents } from 'bough'; import { counter } from 'bough/contents'; import { trivial } from 'bough/merge'; const r = await open('../r', { env: process.env }); const s = await openStore(r, contents.bytes); console.log(new TextDecoder().decode(await s.get('a')) + typeof counter + typeof trivial);";
  const ran = box.run(process.execPath, ['--input-type=module', '-e', code], { cwd: 'away' });
  expect(ran.stderr).toBe('');
  expect(ran.stdout).toBe('1\nobjectfunction\n');
});
