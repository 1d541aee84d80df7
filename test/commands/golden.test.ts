import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fixtures, record } from '../fixtures/golden.mjs';
import { root } from '../support/root.js';
import { sandbox } from '../support/sandbox.js';

test.each(fixtures)(
  'fixture %s: bough makes it and answers as stock git did',
  (name) => {
    const box = sandbox();
    mkdirSync(box.path('bin'));
    writeFileSync(box.path('bin/git'), `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'bin/git')}' "$@"\n`, {
      mode: 0o755,
    });
    const rows = record(name, `${box.path('bin')}:/usr/bin:/bin`);
    const expected = JSON.parse(readFileSync(join(root, 'test/fixtures', name, 'expected.json'), 'utf8')).rows;
    expect(rows.length).toBe(expected.length);
    const wrong = rows
      .filter((row, i) => JSON.stringify(row) !== JSON.stringify(expected[i]))
      .map((row) => ({
        ours: row,
        theirs: expected.find((other: { command: string }) => other.command === row.command),
      }));
    expect(wrong).toEqual([]);
  },
  240_000,
);
