import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { LooseObjects } from '../../src/objects/loose.js';
import { nodePlatform } from '../../src/platform/node/node-platform.js';
import { sandbox } from '../support/sandbox.js';

const content = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff);

test('small loose objects are stored as they are, larger ones deflated; git reads both, and a level asked for is kept', () => {
  const box = sandbox();
  box.git(['init', '-q', '-b', 'main']);
  const directory = box.path('.git/objects');
  const plain = new LooseObjects(nodePlatform, directory, 'sha1');
  const asked = new LooseObjects(nodePlatform, directory, 'sha1', { compression: 6 });
  const lengths = Array.from({ length: 600 }, (_, i) => i);
  const oids = lengths.map((length) => plain.write('blob', content(length)));
  for (const [length, oid] of oids.entries()) {
    const file = readFileSync(plain.pathOf(oid));
    const whole = Buffer.concat([Buffer.from(`blob ${length}\0`), content(length)]);
    expect(inflateSync(file).equals(whole)).toBe(true);
    // The third byte begins the only block: the last one, stored.
    expect(file[2] === 1, `${length}`).toBe(length <= 512);
    if (length <= 512) expect(file.length).toBe(whole.length + 11);
    expect(plain.read(oid)?.data).toEqual(content(length));
  }
  const check = box.git(['cat-file', '--batch-check'], { input: `${oids.join('\n')}\n` });
  expect(check).toBe(oids.map((oid, length) => `${oid} blob ${length}\n`).join(''));
  expect(box.tryGit(['fsck', '--no-dangling'])).toMatchObject({ code: 0 });
  const zeros = new Uint8Array(500);
  expect(readFileSync(asked.pathOf(asked.write('blob', zeros))).length).toBeLessThan(60);
});
