const shift = Number(process.env['BOUGH_SEED'] ?? 0);

/** What a test draws from for `seed`: itself, or another one for each `BOUGH_SEED`, so that what holds by chance is found by hand. */
export const seedOf = (seed: number): number => (seed + Math.imul(shift, 1_000_003)) | 0;

/** A seeded generator (mulberry32): the same numbers on every machine, others with `BOUGH_SEED`. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seedOf(seed) >>> 0;
  }
  /** 0 ≤ x < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  /** A whole number from 0 up to but not including `below`. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }
  times<T>(n: number, make: () => T): T[] {
    return Array.from({ length: n }, make);
  }
  chance(probability: number): boolean {
    return this.next() < probability;
  }
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}
