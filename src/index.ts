export * from './base/awaitable.js';
export * from './base/bytes.js';
export * from './base/errors.js';
export * from './base/oid.js';
export * from './base/path.js';
