/** Languages whose string literals `for-each-ref` can write. */
export type QuoteStyle = 'none' | 'shell' | 'perl' | 'python' | 'tcl';

const tclEscapes: Readonly<Record<string, string>> = {
  '\f': '\\f',
  '\r': '\\r',
  '\n': '\\n',
  '\t': '\\t',
  '\v': '\\v',
};

/** A text as a string literal of the language; unchanged for `none`. */
export function quoteFor(style: QuoteStyle, text: string): string {
  switch (style) {
    case 'none':
      return text;
    case 'shell':
      return `'${text.replace(/['!]/g, (char) => `'\\${char}'`)}'`;
    case 'perl':
      return `'${text.replace(/['\\]/g, '\\$&')}'`;
    case 'python':
      return `'${text.replace(/['\\]/g, '\\$&').replaceAll('\n', '\\n')}'`;
    case 'tcl':
      return `"${text.replace(/[[\]{}$\\"]/g, '\\$&').replace(/[\f\r\n\t\v]/g, (char) => tclEscapes[char]!)}"`;
  }
}
