import { parentPort, workerData } from 'node:worker_threads';
import { runThreadTask } from '../packs/thread-tasks.js';
import { nodePlatform } from '../platform/node/node-platform.js';

// What a thread runs (see `Platform.threads`): one task, one answer. It is built into one piece of its own.
const { task, data } = workerData as { task: string; data: unknown };
void runThreadTask(nodePlatform, task, data).then(({ answer, transfer }) =>
  parentPort!.postMessage(answer, transfer as ArrayBuffer[]),
);
