const two = (value: number): string => String(value).padStart(2, '0');

/** A size as git says it: `202 bytes`, `1.50 KiB`, … */
export function sizeText(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes > size) return `${Math.floor(bytes / size)}.${two(Math.floor(((bytes % size) * 100) / size))} ${unit}`;
  }
  return `${bytes} byte${bytes === 1 ? '' : 's'}`;
}

/** What stands behind a counter in progress lines: `, 1.50 MiB | 3.00 MiB/s`. */
export function throughput(bytes: number, milliseconds: number): string {
  const rate = Math.floor((bytes * 1000) / 1024 / Math.max(1, milliseconds)) * 1024;
  return `, ${sizeText(bytes)} | ${sizeText(rate)}/s`;
}
