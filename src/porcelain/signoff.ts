import type { Config } from '../repo/config.js';
import { stripSpace } from './message.js';
import type { TrailerSettings } from './trailers.js';
import { parseTrailers } from './trailers.js';

/** What configuration says about trailers: separators, and keys that count as known. */
export function trailerSettings(config: Config, comment = '#'): TrailerSettings {
  const knownKeys = config.subsections('trailer').flatMap((name) => [name, config.get(`trailer.${name}.key`) ?? name]);
  return { separators: config.get('trailer.separators') ?? ':', comment, knownKeys, noDivider: true };
}

/**
 * Adds a `Signed-off-by` line for `person` (`Name <mail>`), unless it is the last trailer already. git's
 * `append_signoff`.
 */
export function appendSignoff(
  message: string,
  person: string,
  settings: TrailerSettings = { noDivider: true },
): string {
  const line = `Signed-off-by: ${person}\n`;
  let text = message;
  if (text !== '' && !text.endsWith('\n')) text += '\n';
  if (stripSpace(text) === '') return `\n\n${line}`;
  const bare = text.replace(/\n+$/, '\n');
  const { trailers } = parseTrailers(bare, settings);
  if (trailers.length === 0) return `${bare}\n${line}`;
  const last = trailers[trailers.length - 1]!;
  if (last.key === 'Signed-off-by' && last.value === person) return text;
  return `${bare}${line}`;
}
