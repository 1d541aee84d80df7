import type { Threads, ThreadRun } from '../platform.js';
import { os, workerThreads } from './builtins.js';
import { threadSource } from './thread-source.js';

let source: string | undefined;
let looked = false;

export const nodeThreads: Threads = {
  get processors() {
    return os().availableParallelism();
  },
  start(task: string, data: unknown): ThreadRun | undefined {
    if (!looked) {
      source = threadSource();
      looked = true;
    }
    if (source === undefined) return undefined;
    const { Worker } = workerThreads();
    let worker: InstanceType<typeof Worker>;
    try {
      // The parent's flags may be none that a thread takes.
      worker = new Worker(source, { eval: true, workerData: { task, data }, execArgv: [] });
    } catch {
      return undefined;
    }
    const result = new Promise<unknown>((resolve, reject) => {
      worker.once('message', (message) => {
        resolve(message);
        void worker.terminate();
      });
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('a thread ended without an answer')));
    });
    // Whoever started it asks later: until then a failure is nobody's.
    result.catch(() => {});
    return {
      result,
      stop: () => {
        void worker.terminate();
      },
    };
  },
};
