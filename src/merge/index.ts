export * from './combinators.js';
export * from './driver.js';
export * from './hook.js';
