import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { serveHttp } from '../server/http-service.js';
import { defineCommand, refuseJson, renderText } from './command.js';
import { receiveServices } from './receive-services.js';
import { agent } from './service-io.js';

export const command = defineCommand({
  name: 'http-backend',
  summary: 'Serve repositories over http, started by a web server',
  usage: ['http-backend'],
  options: {},
  async *run(context): AsyncGenerator<{ text: string }, number> {
    refuseJson(context);
    const { env, io } = context;
    const root = env['GIT_PROJECT_ROOT'];
    const info = env['PATH_INFO'];
    let path: string | undefined;
    let fault: string | undefined;
    if (root !== undefined && root !== '') {
      if (info === undefined || info === '') fault = 'GIT_PROJECT_ROOT is set but PATH_INFO is not';
      else if (info.split('/').includes('..')) fault = `'${info}': aliased`;
      else path = root.replace(/\/+$/, '') + (info.startsWith('/') ? info : `/${info}`);
    } else if (env['PATH_TRANSLATED'] !== undefined) path = env['PATH_TRANSLATED'];
    else fault = 'No GIT_PROJECT_ROOT or PATH_TRANSLATED from server';
    const method = env['REQUEST_METHOD'];
    if (method === undefined) fault ??= 'No REQUEST_METHOD from server';
    const head = (status: number, reason: string, headers: readonly (readonly [string, string])[]): void => {
      if (status !== 200) io.stdout.write(`Status: ${status} ${reason}\r\n`);
      for (const [name, value] of headers) io.stdout.write(`${name}: ${value}\r\n`);
      io.stdout.write('\r\n');
    };
    if (fault !== undefined || path === undefined) {
      context.printError(`${fault}\n`);
      head(500, 'Internal Server Error', [
        ['Expires', 'Fri, 01 Jan 1980 00:00:00 GMT'],
        ['Pragma', 'no-cache'],
        ['Cache-Control', 'no-cache, max-age=0, must-revalidate'],
      ]);
      return 0;
    }
    const declared = env['CONTENT_LENGTH'];
    const length = declared === undefined || declared === '' ? undefined : Number(declared);
    if (length !== undefined && (!Number.isSafeInteger(length) || length < 0)) {
      throw new GitError('USAGE', `failed to parse CONTENT_LENGTH: ${declared}`);
    }
    const response = await serveHttp(
      {
        method: method!,
        path,
        query: env['QUERY_STRING'] ?? '',
        contentType: env['CONTENT_TYPE'],
        contentEncoding: env['HTTP_CONTENT_ENCODING'],
        protocol: env['GIT_PROTOCOL'] ?? env['HTTP_GIT_PROTOCOL'],
        body: limited(io.stdin.stream(), length),
        user: env['REMOTE_USER'] === '' ? undefined : env['REMOTE_USER'],
        address: env['REMOTE_ADDR'],
      },
      {
        platform: context.platform,
        env,
        agent: agent(context),
        exportAll: env['GIT_HTTP_EXPORT_ALL'] !== undefined,
        errors: (text) => context.printError(text),
        signal: context.signal,
        receive: receiveServices,
      },
    );
    const plain = response.status === 405 && env['SERVER_PROTOCOL'] !== 'HTTP/1.1';
    head(plain ? 400 : response.status, plain ? 'Bad Request' : response.reason, response.headers);
    if (method === 'HEAD') return 0;
    await response.content({
      async write(data: Bytes) {
        io.stdout.write(data);
        io.stdout.flush();
      },
      async end() {},
    });
    return 0;
  },
  render: renderText,
});

/** Web servers may leave standard input open behind the body. */
async function* limited(input: AsyncIterable<Bytes>, length: number | undefined): AsyncGenerator<Bytes> {
  if (length === undefined) {
    yield* input;
    return;
  }
  let left = length;
  if (left === 0) return;
  for await (const chunk of input) {
    const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= part.length;
    yield part;
    if (left <= 0) return;
  }
}
