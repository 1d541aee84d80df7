import { expect, test } from 'vitest';
import { mentioned, sourcesOf } from '../../scripts/settings.mjs';
import { completionNames, completionSections, settingNames } from '../../src/commands/setting-names.js';
import { root } from '../support/root.js';
import { sandbox } from '../support/sandbox.js';

test('help -c lists only variables that are read here', () => {
  const sources = sourcesOf(root);
  const names = settingNames();
  expect(names.length).toBeGreaterThan(500);
  expect(names.filter((name) => !mentioned(name, sources))).toEqual([]);
  expect(mentioned('core.noSuchVariable', sources)).toBe(false);
  expect(completionNames()).toContain('branch.');
  expect(completionSections()).toContain('branch');
});

test('merge.branchdesc puts what is said of a branch into the list of its commits', () => {
  const box = sandbox();
  const env = (day: number) => ({ GIT_COMMITTER_DATE: `2024-01-0${day} 00:00:00 +0000` });
  box.git(['init', '-q', '-b', 'main', '.']);
  box.git(['commit', '-q', '--allow-empty', '-m', 'base'], { env: env(1) });
  box.git(['checkout', '-q', '-b', 'topic']);
  box.git(['commit', '-q', '--allow-empty', '-m', 'one'], { env: env(2) });
  box.git(['commit', '-q', '--allow-empty', '-m', 'two'], { env: env(3) });
  box.git(['checkout', '-q', 'main']);
  const oid = box.git(['rev-parse', 'topic']).trim();
  const input = `${oid}\t\tbranch 'topic' of .\n${oid}\t\tbranch 'topic' of ../elsewhere\n`;
  for (const text of ['what it is for', 'two\nlines\n', '', 'a\n\nb']) {
    box.git(['config', 'branch.topic.description', text]);
    for (const log of ['1', 'true']) {
      const words = ['-c', 'merge.branchdesc=true', '-c', `merge.log=${log}`, 'fmt-merge-msg'];
      expect(box.bough(words, { input })).toBe(box.git(words, { input }));
    }
  }
});
