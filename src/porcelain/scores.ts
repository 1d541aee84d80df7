/**
 * A similarity as options give it (`90%`, `9`, `90`, `0.9`) from 0 to 60,000; `undefined` when it is no number. Digits
 * without a percent sign are a fraction's: `-M5` is one half.
 */
export function parseScore(text: string): number | undefined {
  const match = /^(\d*)(?:\.(\d*))?(%?)$/.exec(text);
  if (match === null || text === '' || text === '%') return undefined;
  const digits = (match[1] ?? '') + (match[2] ?? '');
  let fraction: number;
  if (match[3] === '%') fraction = Number(`${match[1] || '0'}.${match[2] ?? '0'}`) / 100;
  else if (match[2] !== undefined) fraction = Number(`${match[1] || '0'}.${match[2] || '0'}`);
  else fraction = Number(`0.${digits}`);
  return Math.min(60_000, Math.floor(fraction * 60_000));
}
