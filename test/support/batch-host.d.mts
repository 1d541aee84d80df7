export interface BatchCase {
  readonly cwd: string;
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface BatchAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function bundleCommands(folder: string): Promise<string>;
export function runBatch(
  folder: string,
  commands: string,
  cases: readonly BatchCase[],
  env: Readonly<Record<string, string | undefined>>,
): BatchAnswer[];
