import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BatchCase, bundleCommands, runBatch, stockAnswer } from '../support/batch.js';
import { Random } from '../support/random.js';
import { Sandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';
import { diffCase, historyStream, logCase, mailmap } from './cases.js';

// BOUGH_LOG_CASES: how many commands of each kind (a hand run takes thousands); BOUGH_LOG_SEED: where to begin.
const count = Number(process.env['BOUGH_LOG_CASES'] ?? 120);
const seed = Number(process.env['BOUGH_LOG_SEED'] ?? 1);
const known = { current };

let folder: string;
let bundle: string;
const repositories: string[] = [];
let box: Sandbox;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'bough-log-')));
  box = new Sandbox(folder);
  mkdirSync(join(folder, 'bundle'));
  bundle = await bundleCommands(join(folder, 'bundle'));
  for (let i = 0; i < 3; i++) {
    const name = `r${i}`;
    const random = new Random(1000 + i + seed);
    box.git(['init', '-q', '-b', 'main', name]);
    const cwd = name;
    const imported = box.tryGit(['fast-import', '--quiet', '--done'], { cwd, input: historyStream(random, 60) });
    if (imported.code !== 0) throw new Error(imported.stderr);
    box.git(['reset', '-q', '--hard'], { cwd });
    writeFileSync(join(folder, name, '.mailmap'), mailmap);
    box.git(['notes', 'add', '-m', 'a note\n\nof two lines', 'main~1'], { cwd });
    box.git(['notes', '--ref=other', 'add', '-m', 'another', 'main'], { cwd });
    box.git(['pack-refs', '--all'], { cwd });
    repositories.push(join(folder, name));
  }
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What changed between the versions of git that machines have: compared with the current one only. */
const changed =
  /format\.pretty=reference|iso-strict|%[-+ ]?[ac]I|--default-prefix|--no-walk|%>>|%<?\|?\([^)]*\)%[-+ ]|^-s$|^-g$|^-I|color=always|remerge|email|mboxrd|--signature/;

function settled(make: (random: Random) => string[], random: Random): string[] {
  let words = make(random);
  while (!known.current && words.some((word) => changed.test(word))) words = make(random);
  return words;
}

function compare(make: (random: Random) => string[]): void {
  const random = new Random(seed);
  const cases: BatchCase[] = Array.from({ length: count }, () => ({
    cwd: random.pick(repositories),
    words: settled(make, random),
    env: { GIT_TEST_DATE_NOW: '1500000000', COLUMNS: '80' },
  }));
  // Where git itself dies on a signal there is nothing to compare with.
  const differing: string[] = [];
  let told = 0;
  const answers = runBatch(folder, bundle, cases, box.env);
  for (const [i, one] of cases.entries()) {
    const theirs = stockAnswer(one, box.env);
    const ours = answers[i]!;
    if (theirs.code > 129 && theirs.code !== 128) continue;
    if (theirs.code === 0 && theirs.stdout !== '') told++;
    // Messages of failures are compared elsewhere.
    const same = ours.code === theirs.code && ours.stdout === theirs.stdout;
    if (same) continue;
    differing.push(`git ${one.words.map((word) => JSON.stringify(word)).join(' ')} (${one.cwd})${shown(ours, theirs)}`);
  }
  if (process.env['BOUGH_LOG_CASES'] !== undefined) console.log(`${cases.length} cases, ${differing.length} differ`);
  expect(differing.slice(0, 40)).toEqual([]);
  // Refusals and empty answers are easily the same.
  expect(told).toBeGreaterThan(cases.length / 2);
}

/** The first line that is another one. */
function shown(
  ours: { code: number; stdout: string; stderr: string },
  theirs: { code: number; stdout: string },
): string {
  if (ours.code !== theirs.code) return `: exit ${ours.code}, not ${theirs.code}; ${ours.stderr.slice(0, 200)}`;
  const [a, b] = [ours.stdout.split('\n'), theirs.stdout.split('\n')];
  const at = a.findIndex((line, i) => line !== b[i]);
  const i = at < 0 ? a.length : at;
  return `: line ${i + 1}: ${JSON.stringify(a[i])}, not ${JSON.stringify(b[i])}`;
}

it(`log and show: ${count} random commands answer as stock git`, { timeout: 3_600_000 }, () => {
  compare((random) => logCase(random, known));
});

it(`diff and diff-tree: ${count} random commands answer as stock git`, { timeout: 3_600_000 }, () => {
  compare((random) => diffCase(random, known));
});
