import { throughput } from '../base/throughput.js';
import type { Progress } from './command.js';
import type { Output } from './io.js';

const DELAY = 2000;
const INTERVAL = 100;

/** Progress as git shows it: `title:  45% (9/20)`, redrawn in place, only after two seconds. */
export function startProgress(
  output: Output,
  title: string,
  options: { total?: number; shown: boolean; now: () => number; delay?: number },
): Progress {
  if (!options.shown) return { update() {}, done() {} };
  const start = options.now();
  let last = 0;
  let drawn = false;
  let line = '';
  let latest: [number, number | undefined, number | undefined] = [0, options.total, undefined];
  const draw = (suffix: string): void => {
    const [done, total, bytes] = latest;
    const rate = bytes === undefined ? '' : throughput(bytes, options.now() - start);
    const text =
      (total === undefined
        ? `${title}: ${done}`
        : `${title}: ${String(total === 0 ? 100 : Math.floor((done * 100) / total)).padStart(3)}% (${done}/${total})`) +
      rate;
    output.write(`${text}${suffix}${' '.repeat(Math.max(0, line.length - text.length))}${suffix === '' ? '\r' : '\n'}`);
    line = text;
    drawn = true;
  };
  return {
    update(done, total, bytes) {
      latest = [done, total ?? options.total, bytes];
      const now = options.now();
      if (now - start < (options.delay ?? DELAY) || now - last < INTERVAL) return;
      last = now;
      draw('');
    },
    done() {
      if (drawn || options.now() - start >= (options.delay ?? DELAY)) draw(', done.');
    },
  };
}
