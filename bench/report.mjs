// The benchmark's table as text, and a run taken together with an earlier one that did other workloads.

const seconds = (value) =>
  value === undefined || value === null || Number.isNaN(value)
    ? '–'
    : value < 1
      ? `${(value * 1000).toFixed(0)} ms`
      : `${value.toFixed(2)} s`;

function line(program, limit) {
  if (program.failed !== undefined) return `  ${program.name.padEnd(16)} failed: ${program.failed}\n`;
  const memory = `${program.memory.toFixed(0)} MB`;
  let text = `  ${program.name.padEnd(16)} ${seconds(program.wall).padStart(9)} wall ${seconds(program.cpu).padStart(9)} cpu ${memory.padStart(8)} ${`${program.ratio.toFixed(2)}×`.padStart(8)}`;
  if (program.measured !== undefined)
    text += `   aim ${limit.toFixed(2)}: ${program.measured.toFixed(2)} ${program.met ? 'met' : 'MISSED'}${program.measuredCpu === undefined ? '' : `, by processor time ${program.measuredCpu.toFixed(2)}`}`;
  if (program.sizeRatio !== undefined) text += `   pack ${program.sizeRatio.toFixed(2)}×`;
  return `${text}${program.same === false ? '   ANSWER DIFFERS' : ''}\n`;
}

/** The table: what it was measured on, then each workload with all programs. */
export function report({ facts, results }) {
  const peers = ['isomorphic-git', 'es-git', 'JGit', 'dulwich']
    .filter((name) => facts[name] !== undefined)
    .map((name) => `${name} ${facts[name]}`)
    .join(', ');
  let text = `${facts.cpu}, ${facts.memory}; Node ${facts.node}; ${facts.git}; repository: ${facts.repository}, ${facts.commits} commits; ${facts.date}\n`;
  text += `peers: ${peers}${(facts.skipped ?? []).map((one) => `; skipped: ${one}`).join('')}\n`;
  text += `medians of whole processes; × is the ratio of wall times to stock git, pair by pair. Aims: wall time; where git takes less than\n0.3 s, net of the ${seconds(facts.nodeStart)} that \`node -e 0\` takes here${facts.nodeStartCpu === undefined ? '' : ` (processor time ${seconds(facts.nodeStartCpu)})`}. Load: processes that wanted a processor, these included\n`;
  if (facts.note !== undefined) text += `${facts.note}\n`;
  const earlier = results.filter(({ earlier }) => earlier === true).map(({ name }) => name);
  if (earlier.length > 0) text += `of an earlier run, on an earlier build: ${earlier.join(', ')}\n`;
  for (const { title, aim, limit, load, programs } of results) {
    const beside = load === undefined ? '' : `   [load ${load.toFixed(1)}]`;
    text += `\n${title}   (aim: ${aim})${beside}\n`;
    for (const program of programs) text += line(program, limit);
  }
  return text;
}

/** This run, with the workloads that only an earlier one did, in the earlier one's order. */
export function together(before, now) {
  const fresh = new Map(now.results.map((result) => [result.name, result]));
  const results = before.results.map((result) => fresh.get(result.name) ?? { ...result, earlier: true });
  const known = new Set(before.results.map(({ name }) => name));
  return { facts: now.facts, results: [...results, ...now.results.filter(({ name }) => !known.has(name))] };
}
