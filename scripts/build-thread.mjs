// What a thread runs, in one piece: it is put as text into the library and the command line, so that a thread can be
// started wherever they end up (in a bundle of somebody else's too).
import { build } from 'esbuild';

/** The module that gives the text; the build puts another one in its place. */
export const THREAD_SOURCE = 'src/platform/node/thread-source.ts';

export const threadModule = (text) => `export const threadSource = (): string => ${JSON.stringify(text)};\n`;

export async function buildThread(root) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/commands/thread.ts'],
    bundle: true,
    write: false,
    minify: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'warning',
    legalComments: 'none',
    // A thread starts no threads.
    plugins: [
      {
        name: 'no-threads',
        setup({ onLoad }) {
          onLoad({ filter: /thread-source\.ts$/ }, () => ({
            contents: 'export const threadSource = () => undefined;',
            loader: 'js',
          }));
        },
      },
    ],
  });
  return outputFiles[0].text;
}
