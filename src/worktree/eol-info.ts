import type { Bytes } from '../base/bytes.js';
import type { Conversion } from './convert.js';
import { looksBinary, textStatistics } from './eol.js';

/** What `ls-files --eol` says of a content: `lf`, `crlf`, `mixed`, `none` or `-text`; '' where there is none. */
export function eolInfo(data: Bytes | undefined): string {
  if (data === undefined) return '';
  const stats = textStatistics(data);
  if (looksBinary(stats)) return '-text';
  if (stats.loneLf > 0) return stats.crlf > 0 ? 'mixed' : 'lf';
  return stats.crlf > 0 ? 'crlf' : 'none';
}

/** What `ls-files --eol` says of the attributes. */
export function eolAttribute(conversion: Conversion): string {
  switch (conversion.attributeEol) {
    case 'undefined':
      return '';
    case 'binary':
      return '-text';
    case 'text':
      return 'text';
    case 'text-input':
      return 'text eol=lf';
    case 'text-crlf':
      return 'text eol=crlf';
    case 'auto':
      return 'text=auto';
    case 'auto-crlf':
      return 'text=auto eol=crlf';
    case 'auto-input':
      return 'text=auto eol=lf';
  }
}
