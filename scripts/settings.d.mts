export function mentioned(name: string, sources: readonly string[]): boolean;
export function sourcesOf(root: string): string[];
