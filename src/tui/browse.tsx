import { Box, render, Text, useApp, useInput, useStdout } from 'ink';
import { useEffect, useReducer, useState } from 'react';

/** One line of a directory of values. */
export interface BrowseRow {
  readonly name: string;
  readonly kind: 'value' | 'tree' | 'submodule';
}

/** One commit that changed what is at a path. */
export interface BrowseChange {
  readonly commit: string;
  readonly date: string;
  readonly author: string;
  readonly subject: string;
}

/** What the screen asks of the store; paths are relative to the root, '' is the root. */
export interface BrowseSource {
  readonly branch: string;
  rows(path: string): Promise<readonly BrowseRow[]>;
  /** The value as text to read; its head where it is long. */
  value(path: string): Promise<string>;
  history(path: string): Promise<readonly BrowseChange[]>;
}

/** Where the screen is drawn and where its keys come from. */
export interface BrowseStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

const KEYS = '↑↓ move  → open  ← back  h history  q quit';

/** Nothing that a repository holds may steer the terminal. */
export function visible(text: string): string {
  return text
    .replace(/\t/g, '    ')
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (char) => `^${String.fromCharCode(char.charCodeAt(0) + 64)}`)
    .replace(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff]/g, (char, at: number, all: string) => {
      const code = char.charCodeAt(0);
      const next = all.charCodeAt(at + 1);
      const before = all.charCodeAt(at - 1);
      if (code >= 0xd800 && code < 0xdc00 && next >= 0xdc00 && next < 0xe000) return char;
      if (code >= 0xdc00 && code < 0xe000 && before >= 0xd800 && before < 0xdc00) return char;
      return '\ufffd';
    });
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}/${name}`);

interface Content {
  readonly of: string;
  readonly lines: readonly string[];
}

interface Place {
  readonly path: string;
  /** `undefined` until they are read. */
  readonly rows: readonly BrowseRow[] | undefined;
  readonly chosen: number;
  readonly showHistory: boolean;
}

type Step =
  | 'up'
  | 'down'
  | 'open'
  | 'back'
  | 'history'
  | { readonly path: string; readonly rows: readonly BrowseRow[] };

/** Where a key leads. Keys may come faster than the screen is drawn, so each starts from where the one before led. */
function go(place: Place, step: Step): Place {
  if (typeof step === 'object') return step.path === place.path ? { ...place, rows: step.rows } : place;
  const enter = (path: string): Place => ({ ...place, path, rows: undefined, chosen: 0 });
  const row = place.rows?.[place.chosen];
  switch (step) {
    case 'up':
      return { ...place, chosen: Math.max(0, place.chosen - 1) };
    case 'down':
      return { ...place, chosen: Math.min(place.chosen + 1, Math.max(0, (place.rows?.length ?? 1) - 1)) };
    case 'open':
      return row?.kind === 'tree' ? enter(join(place.path, row.name)) : place;
    case 'back':
      return place.path === '' ? place : enter(place.path.split('/').slice(0, -1).join('/'));
    case 'history':
      return { ...place, showHistory: !place.showHistory };
  }
}

/** The screen itself: the directory on the left, the value or the history of the chosen line on the right. */
export function Browse({ source, path: start }: { source: BrowseSource; path: string }) {
  const { exit } = useApp();
  const { stdout } = useStdout();
  const height = Math.max(4, (stdout.rows ?? 24) - 4);
  const [place, take] = useReducer(go, { path: start, rows: undefined, chosen: 0, showHistory: false });
  const { path, rows, chosen, showHistory } = place;
  const [content, setContent] = useState<Content>();
  const [problem, setProblem] = useState('');
  const row = rows?.[chosen];
  const at = row === undefined ? path : join(path, row.name);

  useEffect(() => {
    let current = true;
    source.rows(path).then(
      (found) => current && take({ path, rows: found }),
      (error: Error) => current && setProblem(error.message),
    );
    return () => {
      current = false;
    };
  }, [source, path]);

  useEffect(() => {
    let current = true;
    const show = async (): Promise<readonly string[]> => {
      if (showHistory)
        return (await source.history(at)).map(
          (change) => `${change.commit.slice(0, 7)} ${change.date} ${change.author}: ${change.subject}`,
        );
      if (row?.kind !== 'value') return [];
      return (await source.value(at)).split('\n');
    };
    if (rows !== undefined)
      show().then(
        (lines) => current && setContent({ of: at, lines: lines.slice(0, height).map(visible) }),
        (error: Error) => current && setProblem(error.message),
      );
    return () => {
      current = false;
    };
  }, [source, rows, row, at, showHistory, height]);

  useInput((input, key) => {
    if (input === 'q' || key.escape) exit();
    else if (input === 'h') take('history');
    else if (key.downArrow || input === 'j') take('down');
    else if (key.upArrow || input === 'k') take('up');
    else if (key.rightArrow || key.return) take('open');
    else if (key.leftArrow) take('back');
  });

  const first = Math.max(0, Math.min(chosen - Math.floor(height / 2), (rows?.length ?? 0) - height));
  return (
    <Box flexDirection="column">
      <Text bold wrap="truncate">
        {visible(source.branch)}:{visible(path)}
      </Text>
      <Box>
        <Box flexDirection="column" width="40%" marginRight={1}>
          {rows?.slice(first, first + height).map((each, i) => (
            <Text key={each.name} inverse={first + i === chosen} wrap="truncate">
              {visible(each.name)}
              {each.kind === 'tree' ? '/' : ''}
            </Text>
          ))}
          {rows?.length === 0 ? <Text dimColor>no values</Text> : null}
        </Box>
        <Box flexDirection="column" width="60%">
          {(content?.of === at ? content.lines : []).map((text, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line of a value has no other name than its number
            <Text key={i} wrap="truncate">
              {text === '' ? ' ' : text}
            </Text>
          ))}
        </Box>
      </Box>
      {problem === '' ? null : <Text color="red">{visible(problem)}</Text>}
      <Text dimColor>{KEYS}</Text>
    </Box>
  );
}

/** Shows the values of a branch until the person leaves (`q`). */
export async function browse(source: BrowseSource, path: string, streams: BrowseStreams): Promise<void> {
  const screen = render(<Browse source={source} path={path} />, { ...streams, exitOnCtrlC: true, patchConsole: false });
  await screen.waitUntilExit();
}
