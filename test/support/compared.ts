import { appendFileSync } from 'node:fs';
import { expect } from 'vitest';

/** How many cases to make where the suite usually makes `usual`: BOUGH_CASES multiplies (`npm run differential`). */
export const cases = (usual: number): number => Math.ceil(usual * Number(process.env['BOUGH_CASES'] ?? 1));

/** Cases of one kind, each compared with stock git. All are run before the test fails, so that one run shows all. */
export class Compared {
  readonly #kind: string;
  #cases = 0;
  readonly #differences: { given: unknown; ours: unknown; theirs: unknown }[] = [];

  constructor(kind: string) {
    this.#kind = kind;
  }

  /** Counts one case; answers whether both sides are the same. */
  same(given: unknown, ours: unknown, theirs: unknown): boolean {
    this.#cases++;
    if (JSON.stringify(ours) === JSON.stringify(theirs)) return true;
    this.#differences.push({ given, ours, theirs });
    return false;
  }

  /** Ends the kind: fails when something differed. */
  finish(): void {
    const report = process.env['BOUGH_CASES_REPORT'];
    if (report !== undefined) {
      const differences = this.#differences.slice(0, 50);
      const row = { kind: this.#kind, cases: this.#cases, different: this.#differences.length, differences };
      appendFileSync(report, `${JSON.stringify(row)}\n`);
    }
    expect(this.#cases).toBeGreaterThan(0);
    expect(this.#differences.slice(0, 5)).toEqual([]);
  }
}
