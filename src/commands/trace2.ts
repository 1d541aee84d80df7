import * as fs from 'node:fs';
import * as path from 'node:path';
import { encodeText } from '../base/bytes.js';
import { alsoListenToTrace, listenToTrace, traceEvent } from '../base/trace.js';
import { GIT_VERSION } from './version.js';

/** `GIT_TRACE2_EVENT`: events of this run as JSON lines, to stderr, a descriptor, a file, or a new file in a folder. */
export function startTrace2(target: string, words: readonly string[], env: Record<string, string | undefined>): void {
  const started = process.hrtime.bigint();
  const stamp = new Date().toISOString().replace(/[-:]/g, '').replace('Z', '000Z');
  const own = `${stamp}-Hlocalhost-P${process.pid.toString(16).padStart(8, '0')}`;
  const parent = env['GIT_TRACE2_PARENT_SID'];
  const sid = parent === undefined || parent === '' ? own : `${parent}/${own}`;
  env['GIT_TRACE2_PARENT_SID'] = sid;
  const write = writer(target, own);
  if (write === undefined) return;
  listenToTrace((event, fields) => {
    const head = { event, sid, thread: 'main', time: new Date().toISOString().replace('Z', '000Z') };
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    const time =
      event === 'exit' || event === 'start' || event === 'atexit'
        ? { t_abs: seconds }
        : event.startsWith('data')
          ? { t_abs: seconds, t_rel: seconds }
          : event === 'region_leave' || event === 'child_exit'
            ? { t_rel: seconds }
            : {};
    write(`${JSON.stringify({ ...head, ...time, ...fields })}\n`);
  });
  traceEvent('version', { evt: '4', exe: GIT_VERSION });
  traceEvent('start', { argv: ['git', ...words] });
}

/** `GIT_TRACE2_PERF`: the same as lines of columns for people to read. */
export function startTrace2Perf(target: string, words: readonly string[]): void {
  const started = process.hrtime.bigint();
  const write = writer(target, `P${process.pid}`);
  if (write === undefined) return;
  const seconds = (): string => (Number(process.hrtime.bigint() - started) / 1e9).toFixed(6).padStart(9);
  alsoListenToTrace((event, fields) => {
    const { category = '', key, value, label, argv, code, name, exe, nesting } = fields as Record<string, unknown>;
    // What is told inside of regions stands to the right of them.
    const indent = typeof nesting === 'number' ? '..'.repeat(nesting - 1) : '';
    const repository = event.startsWith('data') || event.startsWith('region') ? 'r0' : '';
    const text =
      key !== undefined
        ? `${key}:${typeof value === 'object' ? JSON.stringify(value) : value}`
        : label !== undefined
          ? `label:${label}`
          : Array.isArray(argv)
            ? argv.join(' ')
            : code !== undefined
              ? `code:${code}`
              : String(name ?? exe ?? '');
    const time = new Date().toISOString().slice(11, 23);
    write(
      `${time}000 ${'bough'.padEnd(28)} | d0 | main                     | ${event.padEnd(12)} | ${repository.padEnd(3)} | ${seconds()} | ${seconds()} | ${String(category).slice(0, 12).padEnd(12)} | ${indent}${text}\n`,
    );
  });
  traceEvent('version', { exe: GIT_VERSION });
  traceEvent('start', { argv: ['git', ...words] });
}

function writer(target: string, name: string): ((line: string) => void) | undefined {
  if (target === '1' || target.toLowerCase() === 'true') return (line) => fs.writeSync(2, encodeText(line));
  if (/^[2-9]$/.test(target)) return (line) => fs.writeSync(Number(target), encodeText(line));
  if (!path.isAbsolute(target)) return undefined;
  let file = target;
  try {
    if (fs.statSync(target).isDirectory()) file = path.join(target, name);
  } catch {
    // Made with the first line.
  }
  return (line) => {
    try {
      fs.appendFileSync(file, encodeText(line));
    } catch {
      // Whoever traces must not break what is traced; the folder may still come (that of a clone).
    }
  };
}
