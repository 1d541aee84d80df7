import { compareText } from '../base/bytes.js';
import type { DiffOptions } from './options.js';
import { exists, type FilePair } from './pair.js';
import { chunksOf, countChanges } from './similarity.js';
import type { FileStat } from './stat.js';

export interface DirstatOptions {
  /** What counts: bytes moved in or out of files, lines, or files. */
  readonly by?: 'changes' | 'lines' | 'files' | undefined;
  /** Directories below this share, in thousandths, are left out; 30 by default. */
  readonly permille?: number | undefined;
  /** A directory shown counts for its parents too. */
  readonly cumulative?: boolean | undefined;
}

interface Damage {
  readonly path: string;
  readonly amount: number;
}

/** `--dirstat`: the share of the changes in each directory. `stats` are needed by lines. */
export async function dirstatText(
  pairs: readonly FilePair[],
  stats: readonly FileStat[],
  options: DiffOptions,
  dirstat: DirstatOptions,
): Promise<string> {
  const files: Damage[] = [];
  if (dirstat.by === 'lines') {
    for (const stat of stats) {
      const amount = stat.added + stat.deleted;
      // bytes of binary files are taken for lines of 64 bytes
      files.push({ path: stat.path, amount: stat.binary ? Math.ceil(amount / 64) : amount });
    }
  } else {
    for (const pair of pairs) {
      const amount = await damageOf(pair, dirstat.by === 'files');
      files.push({ path: pair.new.path, amount });
    }
  }
  const total = files.reduce((sum, file) => sum + file.amount, 0);
  if (total === 0) return '';
  files.sort((a, b) => compareText(a.path, b.path));
  return new Gathering(files, total, options.linePrefix ?? '', dirstat).text();
}

async function damageOf(pair: FilePair, byFile: boolean): Promise<number> {
  const { old, new: fresh } = pair;
  if (old.oid === fresh.oid && !/^0+$/.test(old.oid)) return 0;
  if (byFile) return 1;
  if (pair.status === 'U') return 0;
  let damage: number;
  if (exists(old) && exists(fresh)) {
    const from = chunksOf(await old.read());
    const { copied, added } = countChanges(from, chunksOf(await fresh.read()));
    damage = from.size - copied + added;
  } else {
    damage = (await (exists(old) ? old : fresh).read()).length;
  }
  return damage === 0 ? 1 : damage;
}

class Gathering {
  private at = 0;
  private out = '';

  constructor(
    private readonly files: readonly Damage[],
    private readonly total: number,
    private readonly prefix: string,
    private readonly options: DirstatOptions,
  ) {}

  text(): string {
    this.below('');
    return this.out;
  }

  private below(base: string): number {
    let sum = 0;
    let sources = 0;
    while (this.at < this.files.length) {
      const file = this.files[this.at]!;
      if (!file.path.startsWith(base)) break;
      const slash = file.path.indexOf('/', base.length);
      if (slash >= 0) {
        sum += this.below(file.path.slice(0, slash + 1));
        sources++;
      } else {
        sum += file.amount;
        this.at++;
        sources += 2;
      }
    }
    // neither the top, nor a directory whose changes are all in one below it
    if (base !== '' && sources !== 1 && sum > 0) {
      const permille = Math.floor((sum * 1000) / this.total);
      if (permille >= (this.options.permille ?? 30)) {
        const whole = String(Math.floor(permille / 10)).padStart(4);
        this.out += `${this.prefix}${whole}.${permille % 10}% ${base}\n`;
        if (this.options.cumulative !== true) return 0;
      }
    }
    return sum;
  }
}
