/** What a fresh clone needs before anything runs: the packages, then the build. */
export function prepare(root: string, options?: { types?: boolean }): void;
