import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { ObjectDatabase } from '../../src/objects/database.js';
import { MemoryObjectStore } from '../../src/objects/memory.js';
import type { ObjectKind, Oid } from '../../src/base/oid.js';
import { Random } from '../support/random.js';
import { root } from '../support/root.js';
import { type Sandbox, sandbox } from '../support/sandbox.js';

/** The value command under a limit on the size of files, as on a disk that has become full. */
function limited(box: Sandbox, kilobytes: number, program: string, args: readonly string[], input = '') {
  const words = [process.execPath, join(root, 'bin', program), ...args].map((word) => `'${word}'`).join(' ');
  return box.run('bash', ['-c', `trap '' XFSZ; ulimit -f ${kilobytes}; exec ${words}`], { cwd: 'r', input });
}

/** Names of files that a writer should have taken away. */
function leftovers(box: Sandbox): string[] {
  const all = readdirSync(box.path('r/.git'), { recursive: true }) as string[];
  return all.filter((name) => /tmp_|\.lock$/.test(name));
}

const noise = (random: Random, length: number): string => Buffer.from(random.bytes(length)).toString('base64');

describe('the object database', () => {
  it('writes again what could not be written before', async () => {
    class Refusing extends MemoryObjectStore {
      refuse = true;
      override write<K extends ObjectKind>(kind: K, data: Uint8Array): Oid<K> {
        if (this.refuse) throw new Error('no room');
        return super.write(kind, data);
      }
    }
    const memory = new Refusing('sha1', nodePlatform);
    const database = new ObjectDatabase(memory, [memory]);
    const data = new Uint8Array([1, 2, 3]);
    await expect(async () => database.write('blob', data)).rejects.toThrow('no room');
    memory.refuse = false;
    const oid = await database.write('blob', data);
    expect(memory.has(oid)).toBe(true);
  });
});

describe('a write that the system refuses loses nothing and says what happened', () => {
  it('when files can grow no more', () => {
    const random = new Random(7);
    const box = sandbox();
    box.git(['init', '-q', 'r']);
    expect(box.values(['put', 'a', 'one'], { cwd: 'r' }).code).toBe(0);
    const big = noise(random, 60_000);
    const put = limited(box, 16, 'bough.js', ['put', 'big', '-'], big);
    expect(put.code).toBe(128);
    expect(put.stderr).toContain('fatal: unable to write loose object file: File too large\nhint: free some space');
    const rows = random.times(1200, () => `k${random.below(1e9)}\t${noise(random, 60)}\n`).join('');
    const many = limited(box, 32, 'bough.js', ['put', '--stdin', '-q'], rows);
    expect(many.code).toBe(128);
    expect(many.stderr).toMatch(/tmp_pack_\w+': File too large\nhint: /);
    expect(leftovers(box)).toEqual([]);
    expect(box.values(['list'], { cwd: 'r' }).stdout).toBe('a\n');
    expect(box.git(['status', '--porcelain'], { cwd: 'r' })).toBe('');
    // Once there is room again everything goes on.
    expect(box.values(['put', 'big', '-'], { cwd: 'r', input: big }).code).toBe(0);
    expect(limited(box, 16, 'git', ['gc', '-q']).code).toBe(128);
    expect(leftovers(box)).toEqual([]);
    expect(box.values(['get', 'big'], { cwd: 'r' }).stdout).toBe(big);
    box.fsck('r');
  });

  it.skipIf(process.getuid?.() === 0)('when it is not permitted (needs a user that is not root)', () => {
    const box = sandbox();
    box.git(['init', '-q', 'r']);
    expect(box.values(['put', 'a', 'one'], { cwd: 'r' }).code).toBe(0);
    const objects = box.path('r/.git/objects');
    const folders = [objects, ...readdirSync(objects).map((name) => join(objects, name))];
    for (const folder of folders) chmodSync(folder, 0o555);
    const put = box.values(['put', 'a', 'two'], { cwd: 'r' });
    expect(put.code).toBe(128);
    expect(put.stderr).toContain(
      'insufficient permission for adding an object to repository database .git/objects\nhint: ',
    );
    for (const folder of folders) chmodSync(folder, 0o755);
    chmodSync(box.path('r/.git/refs/heads'), 0o555);
    const moved = box.tryBough(['update-ref', 'refs/heads/x', 'HEAD'], { cwd: 'r' });
    expect(moved.code).toBe(128);
    expect(moved.stderr).toMatch(
      /cannot lock ref 'refs\/heads\/x': Unable to create '.*x\.lock': Permission denied\n$/,
    );
    chmodSync(box.path('r/.git/refs/heads'), 0o755);
    expect(leftovers(box)).toEqual([]);
    expect(box.values(['get', 'a'], { cwd: 'r' }).stdout).toBe('one\n');
    box.fsck('r');
  });
});
