/** Advice as git prints it, each line behind `hint:`. */
export const hintLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => `hint:${line === '' ? '' : ` ${line}`}\n`)
    .join('');
