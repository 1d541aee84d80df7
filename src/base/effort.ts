/** Lines compared, or as much other work, after which nobody can call it short any more. */
const SHORT = 2000;

let left = SHORT;
let heard: (() => void) | undefined;

/** Is told once when work that reads and writes nothing has become long. The last one that asks is told. */
export function onEffort(listener: () => void): void {
  heard = listener;
  left = SHORT;
}

/** Said before work that goes on for some while without reading or writing anything; one unit is a line compared. */
export function effort(units: number): void {
  if (heard === undefined) return;
  left -= units;
  if (left > 0) return;
  const listener = heard;
  heard = undefined;
  listener();
}
