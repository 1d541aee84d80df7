// What the servers of a trial cost: every descendant of this process that is not in the client's process group, looked at
// in /proc every 100 ms. Processor seconds are those last seen of each process; the peak is that of the largest.
import { readdirSync, readFileSync } from 'node:fs';

const ticks = 100; // of a second, the kernel's USER_HZ

/** Parent, process group and processor seconds of one process, or undefined where it is gone. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      parent: Number(fields[1]),
      group: Number(fields[2]),
      cpu: (Number(fields[11]) + Number(fields[12])) / ticks,
    };
  } catch {
    return undefined;
  }
}

/** Most memory a process has ever held, in MB. */
function peakOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Watches until the function it answers is called, which gives `{ cpu, memory }`; undefined where there is no /proc. */
export function watchServers(clientGroup) {
  const seen = new Map();
  const look = () => {
    const all = new Map();
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const stat = statOf(name);
      if (stat) all.set(Number(name), stat);
    }
    const ours = (pid) => {
      for (let at = pid, depth = 0; depth < 64; depth++) {
        const stat = all.get(at);
        if (!stat) return false;
        if (stat.parent === process.pid) return true;
        at = stat.parent;
      }
      return false;
    };
    for (const [pid, stat] of all) {
      if (stat.group === clientGroup || !ours(pid)) continue;
      const before = seen.get(pid);
      seen.set(pid, { cpu: stat.cpu, memory: Math.max(peakOf(pid), before?.memory ?? 0) });
    }
  };
  let timer;
  try {
    look();
    timer = setInterval(look, 100);
  } catch {
    return () => undefined;
  }
  return () => {
    clearInterval(timer);
    let cpu = 0;
    let memory = 0;
    for (const process of seen.values()) {
      cpu += process.cpu;
      memory = Math.max(memory, process.memory);
    }
    return { cpu, memory };
  };
}
