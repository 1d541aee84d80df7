import { prepare } from '../../scripts/prepare.mjs';
import { root } from './root.js';

/** Builds the command line once before the suite, if the sources are newer. */
export default function setup(): void {
  prepare(root);
}
