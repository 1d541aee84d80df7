/**
 * What a run tells of itself to whoever listens (git's trace2 events): rooms say what they do, the program decides
 * whether anybody hears it. Nobody listening costs one comparison an event.
 */
export type TraceListener = (event: string, fields: Readonly<Record<string, unknown>>) => void;

let listener: TraceListener | undefined;
let nesting = 1;
let children = 0;

/** There is one listener for a process, as there is one environment. */
export function listenToTrace(to: TraceListener | undefined): void {
  listener = to;
}

/** One more that hears what the first one hears. */
export function alsoListenToTrace(to: TraceListener): void {
  const first = listener;
  listener =
    first &&
    ((event, fields) => {
      first(event, fields);
      to(event, fields);
    });
  listener ??= to;
}

/** Is anything worth being put together? */
export const isTracing = (): boolean => listener !== undefined;

const endings: (() => void)[] = [];

/** Runs something before the end of the run is told: sums of what was done. */
export function atTraceEnd(tell: () => void): void {
  endings.push(tell);
}

export function traceEvent(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  if (event === 'exit') for (const tell of endings.splice(0)) tell();
  listener?.(event, fields);
}

/** A number or word about what was done; an object is told as it is. */
export function traceData(category: string, key: string, value: string | number | object): void {
  if (listener === undefined) return;
  if (typeof value === 'object') listener('data_json', { nesting, category, key, value });
  else listener('data', { nesting, category, key, value: String(value) });
}

/** Runs something as a region of its own. */
export async function traceRegion<T>(category: string, label: string, run: () => Promise<T>): Promise<T> {
  if (listener === undefined) return run();
  listener('region_enter', { nesting: nesting++, category, label });
  try {
    return await run();
  } finally {
    listener?.('region_leave', { nesting: --nesting, category, label });
  }
}

/** A program is started, or what git starts a program for is done here. Answers what tells that it has ended. */
export function traceChild(argv: readonly string[], childClass = '?'): (code: number) => void {
  if (listener === undefined) return ended;
  const child = children++;
  listener('child_start', { child_id: child, child_class: childClass, use_shell: false, argv });
  return (code) => listener?.('child_exit', { child_id: child, pid: 0, code });
}

const ended = (): void => {};
