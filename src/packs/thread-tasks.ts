import type { Platform } from '../platform/platform.js';
import { searchInThread, type SearchTask } from './delta-search-threads.js';
import { resolveInThread, type ResolveTask } from './resolve-threads.js';
import { threadFailure } from './thread-answer.js';

/** Runs a task in the thread it was sent to. The answer says what went wrong, too. */
export async function runThreadTask(
  platform: Platform,
  task: string,
  data: unknown,
): Promise<{ readonly answer: unknown; readonly transfer: readonly ArrayBufferLike[] }> {
  try {
    if (task === 'resolve') {
      await resolveInThread(platform, data as ResolveTask);
      return { answer: {}, transfer: [] };
    }
    const answer = await searchInThread(platform, data as SearchTask);
    return { answer, transfer: [answer.bytes.buffer, answer.rows.buffer, answer.lengths.buffer] };
  } catch (error) {
    return { answer: threadFailure(error), transfer: [] };
  }
}
