export function hasTerminal(): boolean;
export interface Terminal {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly answers?: readonly string[];
  readonly prompt?: RegExp;
  readonly columns?: number;
}
export function inTerminal(
  words: readonly string[],
  options?: Terminal,
): Promise<{ readonly code: number | null; readonly bytes: Buffer }>;
