import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeText } from '../../src/base/bytes.js';
import { LockFile } from '../../src/platform/lock.js';
import { nodeFileSystem } from '../../src/platform/node/fs.js';
import { nodeLockOwner } from '../../src/platform/node/lock-owner.js';
import { sandbox } from '../support/sandbox.js';

const deadTag = (): string => nodeLockOwner.tag.replace(/\d+$/, String(spawnSync('true').pid));

test('a lock is held by one, writes what it is given, and leaves nothing else behind', () => {
  const box = sandbox();
  const file = box.path('file');
  const lock = LockFile.acquire(nodeFileSystem, file);
  expect(LockFile.tryAcquire(nodeFileSystem, file)).toBeUndefined();
  expect(() => LockFile.acquire(nodeFileSystem, file)).toThrow(`Unable to create '${file}.lock': File exists.`);
  lock.write(encodeText('content\n'));
  lock.commit();
  expect(readFileSync(file, 'utf8')).toBe('content\n');
  LockFile.acquire(nodeFileSystem, file).rollback();
  expect(readdirSync(box.directory)).toEqual(['file']);
});

test('the lock of a process that was killed is cleared away', () => {
  const box = sandbox();
  const file = box.path('file');
  const owned = `${file}.bough-${deadTag()}-0.lock`;
  writeFileSync(owned, 'half');
  linkSync(owned, `${file}.lock`);
  const lock = LockFile.acquire(nodeFileSystem, file);
  lock.write(encodeText('whole'));
  lock.commit();
  expect(readFileSync(file, 'utf8')).toBe('whole');
  expect(readdirSync(box.directory)).toEqual(['file']);
});

test('what a process killed after its rename left behind is no lock', () => {
  const box = sandbox();
  const file = box.path('file');
  writeFileSync(file, 'done');
  linkSync(file, `${file}.bough-${deadTag()}-0.lock`);
  LockFile.acquire(nodeFileSystem, file).rollback();
  expect(readFileSync(file, 'utf8')).toBe('done');
});

test('locks of stock git, of other machines and of running processes stay', () => {
  const box = sandbox();
  const plain = box.path('plain');
  writeFileSync(`${plain}.lock`, '');
  expect(LockFile.tryAcquire(nodeFileSystem, plain)).toBeUndefined();
  const elsewhere = box.path('elsewhere');
  writeFileSync(`${elsewhere}.bough-otherhost-1-2-0.lock`, '');
  linkSync(`${elsewhere}.bough-otherhost-1-2-0.lock`, `${elsewhere}.lock`);
  expect(LockFile.tryAcquire(nodeFileSystem, elsewhere)).toBeUndefined();
  const running = box.path('running');
  const tag = nodeLockOwner.tag.replace(/\d+$/, String(process.ppid));
  writeFileSync(`${running}.bough-${tag}-0.lock`, '');
  linkSync(`${running}.bough-${tag}-0.lock`, `${running}.lock`);
  expect(LockFile.tryAcquire(nodeFileSystem, running)).toBeUndefined();
  for (const file of [plain, elsewhere, running]) expect(existsSync(`${file}.lock`)).toBe(true);
});
