import type { Config } from './config.js';

/**
 * What a first branch is called: `init.defaultBranch`, else `master`. `advise` is told the name where nobody has chosen
 * it (git's `advice.defaultBranchName`).
 */
export function defaultBranch(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  advise?: (name: string) => void,
): string {
  const forTests = env['GIT_TEST_DEFAULT_INITIAL_BRANCH_NAME'];
  if (forTests !== undefined && forTests !== '') return forTests;
  const configured = config.get('init.defaultbranch');
  if (configured !== undefined && configured !== '') return configured;
  advise?.('master');
  return 'master';
}
