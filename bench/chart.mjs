// A bar per program and workload on a logarithmic scale: how many times stock git's wall time.
const colours = {
  bough: '#2f855a',
  'bough cat-file': '#68d391',
  'isomorphic-git': '#dd6b20',
  'es-git': '#3182ce',
  JGit: '#805ad5',
  dulwich: '#b7791f',
};

export function chart(facts, results) {
  const left = 330;
  const width = 900;
  const scale = (ratio) => left + ((Math.log10(Math.min(Math.max(ratio, 0.1), 1000)) + 1) / 4) * (width - left - 60);
  let y = 60;
  let body = '';
  for (const { title, limit, programs } of results) {
    const shown = programs.filter((program) => program.name in colours && program.ratio !== undefined);
    if (shown.length === 0) continue;
    body += `<text x="${left - 10}" y="${y + 12}" text-anchor="end" font-size="12">${title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
    const top = y;
    for (const { name, ratio } of shown) {
      const from = scale(1);
      const to = scale(ratio);
      body += `<rect x="${Math.min(from, to).toFixed(1)}" y="${y}" width="${Math.max(1, Math.abs(to - from)).toFixed(1)}" height="12" fill="${colours[name]}"><title>${name}: ${ratio.toFixed(2)}×</title></rect>`;
      body += `<text x="${(Math.max(from, to) + 4).toFixed(1)}" y="${y + 10}" font-size="10">${ratio.toFixed(2)}×</text>`;
      y += 14;
    }
    if (limit !== undefined && title.indexOf('start-up') < 0) {
      const x = scale(limit).toFixed(1);
      body += `<line x1="${x}" x2="${x}" y1="${top - 3}" y2="${y}" stroke="#e53e3e" stroke-width="2"><title>aim: ${limit}×</title></line>`;
    }
    y += 10;
  }
  let grid = '';
  for (const tick of [0.1, 1, 10, 100, 1000]) {
    const x = scale(tick).toFixed(1);
    grid += `<line x1="${x}" x2="${x}" y1="50" y2="${y}" stroke="${tick === 1 ? '#333' : '#ccc'}"/><text x="${x}" y="44" font-size="10" text-anchor="middle">${tick}×</text>`;
  }
  let legend = '';
  Object.entries(colours).forEach(([name, colour], i) => {
    legend += `<rect x="${left - 200 + i * 125}" y="${y + 8}" width="10" height="10" fill="${colour}"/><text x="${left - 186 + i * 125}" y="${y + 17}" font-size="11">${name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 30}" font-family="sans-serif"><title>Wall time of bough and others, times stock git</title><rect width="100%" height="100%" fill="#fff"/><text x="10" y="20" font-size="14" font-weight="bold">Wall time, times stock git (1× is ${facts.git}); left of 1× is faster; red: the aim</text>${grid}${body}${legend}</svg>\n`;
}
