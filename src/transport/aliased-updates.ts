import { abbreviate } from '../repo/revision-short.js';
import type { Repository } from '../repo/repository.js';
import type { ReceiveCommand } from './receive-command.js';
import { servedNamespace } from './served-refs.js';

/**
 * A symbolic ref and the ref it leads to, both in one push: the same change is made once, two different ones are
 * refused both.
 */
export async function checkAliasedUpdates(
  repository: Repository,
  commands: readonly ReceiveCommand[],
  say: (text: string) => Promise<void>,
): Promise<void> {
  const namespace = servedNamespace(repository);
  const byName = new Map(commands.map((command) => [command.name, command]));
  const short = (oid: ReceiveCommand['old']) => abbreviate(repository, oid);
  for (const command of commands) {
    if (command.error !== undefined) continue;
    const raw = await repository.refs.readRaw(namespace + command.name);
    if (raw?.kind !== 'symbolic') continue;
    const full = (await repository.refs.resolveFull(namespace + command.name))?.name ?? raw.target;
    if (!full.startsWith(namespace)) {
      await say(`error: refusing update to broken symref '${command.name}'\n`);
      command.error = 'broken symref';
      continue;
    }
    const target = byName.get(full.slice(namespace.length));
    if (target === undefined || target === command || target.error !== undefined) continue;
    if (command.old === target.old && command.new === target.new) {
      command.skip = true;
      continue;
    }
    const range = async (of: ReceiveCommand) => `(${await short(of.old)}..${await short(of.new)})`;
    await say(
      `error: refusing inconsistent update between symref '${command.name}' ${await range(command)} and its target '${target.name}' ${await range(target)}\n`,
    );
    command.error = 'inconsistent aliased update';
    target.error = 'inconsistent aliased update';
  }
}
