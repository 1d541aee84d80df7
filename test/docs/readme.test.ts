import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/root.js';
import { sandbox } from '../support/sandbox.js';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The code block behind a marker. */
function example(name: string): string {
  const match = new RegExp(`<!-- example: ${name} -->\\n\`\`\`\\w+\\n([^]*?)\`\`\``).exec(readme);
  if (match === null) throw new Error(`README has no example '${name}'`);
  return match[1]!;
}

test('the first screen names both commands', () => {
  const screen = readme.split('\n').slice(0, 24).join('\n');
  expect(screen).toContain('npm run tour');
  expect(screen).toContain('npm test');
});

test('the example on the command line does what it says', () => {
  const box = sandbox();
  mkdirSync(box.path('bin'));
  writeFileSync(box.path('bin/bough'), `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'bin/bough.js')}' "$@"\n`, {
    mode: 0o755,
  });
  const ran = box.run('/bin/sh', ['-ec', example('shell')], { env: { PATH: `${box.path('bin')}:${box.env['PATH']}` } });
  expect(ran.stderr).toBe('');
  expect(
    ran.stdout
      .split('\n')
      .filter((line) => !line.startsWith('['))
      .slice(-3),
  ).toEqual(['14', 'both sides counted', '']);
  expect(ran.code).toBe(0);
});

test('the example in TypeScript does what it says', () => {
  const box = sandbox();
  mkdirSync(box.path('node_modules'));
  symlinkSync(root, box.path('node_modules/bough'));
  const ran = box.run(process.execPath, ['--input-type=module', '-e', example('typescript')]);
  expect(ran.stderr).toBe('');
  expect(ran.stdout).toBe('14\n');
  box.fsck('demo');
});
