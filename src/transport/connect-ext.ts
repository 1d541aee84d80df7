import { encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { protocolEnvironment, throughProgram } from './connect-local.js';
import type { Connection, Service, TransportContext } from './connection.js';
import { packet } from './pkt-line.js';

interface ExtCommand {
  readonly argv: readonly string[];
  /** `%G`: the repository of a git:// request that goes ahead. */
  readonly repository: string | undefined;
  /** `%V`: the host it names. */
  readonly host: string | undefined;
}

/** Takes `ext::<command> <arguments>` apart: words at spaces, `% ` a space, `%s` and `%S` the service. */
function parseExtCommand(text: string, service: Service): ExtCommand {
  const argv: string[] = [];
  let repository: string | undefined;
  let host: string | undefined;
  for (const word of text.match(/(?:%.|[^% ]|%$)+/gs) ?? []) {
    const kind = /^%[GV]/.exec(word)?.[0];
    const body = kind === undefined ? word : word.slice(2);
    const expanded = body.replace(/%(.?)/gs, (_all, letter: string) => {
      switch (letter) {
        case ' ':
        case '%':
          return letter;
        case 's':
          return service;
        case 'S':
          return `git-${service}`;
        case 'G':
        case 'V':
          throw new GitError('USAGE', `Bad remote-ext placeholder '%${letter}'.`);
        case '':
          throw new GitError('USAGE', 'remote-ext command has incomplete placeholder');
        default:
          throw new GitError('USAGE', `Bad remote-ext placeholder '%${letter}'.`);
      }
    });
    if (kind === '%G') repository = expanded;
    else if (kind === '%V') host = expanded;
    else argv.push(expanded);
  }
  return { argv, repository, host };
}

/** A server behind any command (git remote-ext). */
export async function connectExt(service: Service, text: string, context: TransportContext): Promise<Connection> {
  const { argv, repository, host } = parseExtCommand(text, service);
  const [program, ...words] = argv;
  if (program === undefined) throw new GitError('USAGE', 'remote-ext: no command given');
  // Such a command may speak to whoever it likes: nobody has agreed on a version.
  const env = {
    ...protocolEnvironment(context.env, 0),
    GIT_EXT_SERVICE: `git-${service}`,
    GIT_EXT_SERVICE_NOPREFIX: service,
  };
  const first = `git-${service} ${repository}\0${host === undefined ? '' : `host=${host}\0`}`;
  const greeting = repository === undefined ? undefined : packet(encodeText(first));
  return throughProgram(context, [program, ...words], env, greeting);
}
