import type { Ref } from '../refs/store.js';
import { parseBool } from './config-values.js';
import type { Repository } from './repository.js';

/**
 * The refs that say which history is worth keeping, in byte order. One that cannot be read is given too (marked
 * broken, its id all zeros): whoever removes, copies or walks what refs lead to must fail there, not go on as if the
 * history behind it were nobody's. `GIT_REF_PARANOIA=0` leaves such refs out, to save what can be saved.
 */
export function keptRefs(
  repository: Repository,
  prefix = 'refs/',
  /** Told of refs without their object, which are then left out too. */
  onMissingObject?: (name: string) => void,
): AsyncIterable<Ref> {
  if (parseBool(repository.env['GIT_REF_PARANOIA']) !== false)
    return repository.refs.list(prefix, { broken: 'unreadable' });
  return repository.refs.list(prefix, onMissingObject === undefined ? {} : { onMissingObject });
}
