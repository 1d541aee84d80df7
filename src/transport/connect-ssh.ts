import { GitError } from '../base/errors.js';
import { protocolEnvironment, throughProgram } from './connect-local.js';
import type { ConnectOptions, Connection, Service, TransportContext } from './connection.js';
import { foreignEnvironment, shellQuote } from './connection.js';

type Variant = 'auto' | 'simple' | 'ssh' | 'plink' | 'putty' | 'tortoiseplink';

/** The program that plays ssh, and whether a shell takes it apart. */
interface SshProgram {
  readonly command: string;
  readonly shell: boolean;
}

function sshProgram(context: TransportContext): SshProgram {
  const line = context.env['GIT_SSH_COMMAND'] ?? context.config.get('core.sshcommand');
  if (line !== undefined) return { command: line, shell: true };
  return { command: context.env['GIT_SSH'] ?? 'ssh', shell: false };
}

/** The first word of a command line, for telling which ssh it is. */
function programName(program: SshProgram): string {
  let word = program.command;
  if (program.shell) {
    const match = /^\s*(?:"([^"]*)"|'([^']*)'|(\S+))/.exec(word);
    word = match?.[1] ?? match?.[2] ?? match?.[3] ?? word;
  }
  return word.slice(Math.max(word.lastIndexOf('/'), word.lastIndexOf('\\')) + 1).toLowerCase();
}

function variantOf(context: TransportContext, program: SshProgram): Variant {
  const said = context.env['GIT_SSH_VARIANT'] ?? context.config.get('ssh.variant');
  if (said !== undefined && said !== 'auto') {
    if (said === 'plink' || said === 'putty' || said === 'tortoiseplink' || said === 'simple') return said;
    return 'ssh';
  }
  const name = programName(program).replace(/\.exe$/, '');
  if (name === 'ssh') return 'ssh';
  if (name === 'plink') return 'plink';
  if (name === 'tortoiseplink') return 'tortoiseplink';
  return 'auto';
}

/** Options for one variant. Throws where it cannot do what is asked. */
function variantOptions(
  variant: Variant,
  version: 0 | 1 | 2,
  port: string | undefined,
  family: 4 | 6 | undefined,
): string[] {
  const options: string[] = [];
  if (variant === 'ssh' && version > 0) options.push('-o', 'SendEnv=GIT_PROTOCOL');
  if (family !== undefined) {
    if (variant === 'simple') throw new GitError('UNSUPPORTED', `ssh variant 'simple' does not support -${family}`);
    options.push(`-${family}`);
  }
  if (variant === 'tortoiseplink') options.push('-batch');
  if (port !== undefined) {
    if (variant === 'simple') throw new GitError('UNSUPPORTED', "ssh variant 'simple' does not support setting port");
    options.push(variant === 'ssh' ? '-p' : '-P', port);
  }
  return options;
}

/** A server reached by the system's ssh, or what stands in for it. */
export async function connectSsh(
  service: Service,
  host: string,
  port: string | undefined,
  path: string,
  context: TransportContext,
  options: ConnectOptions,
): Promise<Connection> {
  const program = sshProgram(context);
  const env = protocolEnvironment(foreignEnvironment(context.env), options.version);
  let variant = variantOf(context, program);
  const argv = (words: readonly string[]): readonly [string, ...string[]] =>
    program.shell
      ? ['/bin/sh', '-c', `${program.command} "$@"`, program.command, ...words]
      : [program.command, ...words];
  if (variant === 'auto') {
    // OpenSSH answers -G with its configuration; simpler programs do not know it.
    const probe = await context.platform.processes!.run(
      argv(['-G', ...variantOptions('ssh', options.version, port, context.family), host]),
      { env, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
    );
    variant = probe.code === 0 ? 'ssh' : 'simple';
  }
  const words = variantOptions(variant, options.version, port, context.family);
  const remote = `${options.program ?? `git-${service}`} ${shellQuote(path)}`;
  return throughProgram(context, argv([...words, host, remote]), env);
}
