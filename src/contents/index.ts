export * from './bytes.js';
export * from './collections.js';
export * from './contents.js';
export * from './counter.js';
export * from './json.js';
export * from './log.js';
export * from './lww.js';
export * from './queue.js';
