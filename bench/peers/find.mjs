// The peers that are no npm packages: how to run each, or why it cannot be.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname;

/** The newest jar of an artifact that Maven has fetched before. */
function jar(group, artifact, wanted = () => true) {
  const folder = join(homedir(), '.m2/repository', ...group.split('.'), artifact);
  if (!existsSync(folder)) return undefined;
  const found = readdirSync(folder)
    .filter((version) => wanted(version) && existsSync(join(folder, version, `${artifact}-${version}.jar`)))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const version = found.pop();
  return version === undefined ? undefined : join(folder, version, `${artifact}-${version}.jar`);
}

/** `{ run, version }`, or `{ missing }`: why there is none. */
export function jgit() {
  if (spawnSync('javac', ['-version']).status !== 0) return { missing: 'no Java compiler' };
  const main = jar('org.eclipse.jgit', 'org.eclipse.jgit', (version) => /^[67]\./.test(version));
  if (main === undefined) {
    return { missing: 'no jar: mvn dependency:get -Dartifact=org.eclipse.jgit:org.eclipse.jgit:7.3.0.202506031305-r' };
  }
  const jars = [
    main,
    jar('org.slf4j', 'slf4j-api', (version) => version.startsWith('1.7.')),
    jar('com.googlecode.javaewah', 'JavaEWAH'),
    jar('commons-codec', 'commons-codec'),
  ].filter((path) => path !== undefined);
  const classes = join(here, '../node_modules/.jgit');
  const source = join(here, 'JGit.java');
  const target = join(classes, 'JGit.class');
  if (!existsSync(target) || statSync(target).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(classes, { recursive: true });
    const made = spawnSync('javac', ['-nowarn', '-d', classes, '-cp', jars.join(':'), source], { encoding: 'utf8' });
    if (made.status !== 0) return { missing: `javac: ${made.stderr.split('\n')[0]}` };
  }
  const path = [classes, ...jars].join(':');
  return {
    version: /-(\d+\.\d+\.\d+)\.[^/]*\.jar$/.exec(main)?.[1] ?? '',
    run: (...words) => ['java', '-XX:+UseSerialGC', '-cp', path, 'JGit', ...words],
  };
}

export function dulwich() {
  const asked = spawnSync('python3', ['-c', 'import dulwich; print(".".join(map(str, dulwich.__version__)))'], {
    encoding: 'utf8',
  });
  if (asked.status !== 0) return { missing: 'python3 has no dulwich (pip install dulwich)' };
  return {
    version: asked.stdout.trim(),
    run: (...words) => ['python3', join(here, 'dulwich-peer.py'), ...words],
  };
}
