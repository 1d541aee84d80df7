export interface KindResult {
  cases: number;
  /** How to see each again, and the first line that differs. */
  differences: string[];
}
export declare function compareHistories(options: {
  readonly repository: string;
  readonly count?: number;
  readonly seed?: number;
  readonly git?: string;
  readonly only?: readonly string[];
  readonly tell?: (text: string) => void;
}): Record<string, KindResult>;
