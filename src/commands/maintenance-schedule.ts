import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { LockFile } from '../platform/lock.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';

/** How often, the most often first. */
const FREQUENCIES = ['hourly', 'daily', 'weekly'] as const;
type Frequency = (typeof FREQUENCIES)[number];

const BEGIN = '# BEGIN GIT MAINTENANCE SCHEDULE';
const END = '# END GIT MAINTENANCE SCHEDULE';

/** What keeps the time: each can be asked whether it is here, be set up, and be cleared. */
interface Scheduler {
  readonly name: string;
  available(): boolean;
  enable(): boolean;
  disable(): boolean;
}

class Place {
  readonly #context: CommandContext;
  readonly repository: Repository;
  /** The minute at which everything runs: not the same on every machine. */
  readonly minute: number;
  readonly #stubs: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(context: CommandContext, repository: Repository) {
    this.#context = context;
    this.repository = repository;
    const named = context.env['GIT_TEST_MAINT_SCHEDULER'];
    this.#stubs =
      named === undefined
        ? undefined
        : new Map(
            named.split(',').map((each) => {
              const colon = each.indexOf(':');
              return [each.slice(0, colon), each.slice(colon + 1).split(' ')];
            }),
          );
    this.minute = this.#stubs === undefined ? Math.floor(context.platform.now() / 1000) % 60 : 13;
  }

  get fs() {
    return this.#context.platform.fs;
  }

  get home(): string {
    const home = this.#context.env['HOME'];
    if (home === undefined) throw new GitError('CONFIG', '$HOME not set');
    return home;
  }

  get configHome(): string {
    const named = this.#context.env['XDG_CONFIG_HOME'];
    return named === undefined || named === '' ? `${this.home}/.config` : named;
  }

  /** `undefined`: the environment says nothing of it. */
  stubbed(program: string): boolean | undefined {
    return this.#stubs?.has(program);
  }

  run(program: string, words: readonly string[], input?: string): { code: number; output: string } {
    const { processes } = this.#context.platform;
    const [first, ...rest] = [...(this.#stubs?.get(program) ?? [program]), ...words];
    const ran = processes?.runSync([first!, ...rest], {
      cwd: this.#context.cwd,
      env: this.#context.env,
      ...(input === undefined ? {} : { input: encodeText(input) }),
    });
    return { code: ran?.code ?? 127, output: decodeText(ran?.stdout ?? new Uint8Array(0)) };
  }

  write(path: string, text: string): void {
    this.fs.makeDirectory(path.slice(0, path.lastIndexOf('/')), { recursive: true });
    this.fs.writeFile(path, encodeText(text));
  }

  /** What runs at each beat: this program, asking nobody for passwords. */
  words(frequency: string): string[] {
    return [
      process.execPath,
      process.argv[1] ?? 'git',
      '-c',
      'credential.interactive=false',
      '-c',
      'core.askPass=true',
      'for-each-repo',
      '--keep-going',
      '--config=maintenance.repo',
      'maintenance',
      'run',
      `--schedule=${frequency}`,
    ];
  }
}

class Crontab implements Scheduler {
  readonly name = 'crontab';
  constructor(readonly place: Place) {}

  available(): boolean {
    return this.place.stubbed('crontab') ?? this.place.run('crontab', ['-l']).code !== 127;
  }

  #edit(lines: readonly string[]): boolean {
    const { place } = this;
    const old = place.run('crontab', ['-l']);
    const kept: string[] = [];
    let ours = false;
    for (const line of old.code === 0 ? old.output.split('\n') : []) {
      if (line === BEGIN) ours = true;
      else if (line === END) ours = false;
      else if (!ours) kept.push(line);
    }
    while (kept[kept.length - 1] === '') kept.pop();
    const text = [...kept, ...lines].map((line) => `${line}\n`).join('');
    const path = `${place.repository.gitDir}/CRONTAB_EDIT`;
    place.fs.writeFile(path, encodeText(text));
    try {
      return place.run('crontab', [path]).code === 0;
    } finally {
      place.fs.remove(path);
    }
  }

  enable(): boolean {
    const { minute } = this.place;
    const line = (when: string, frequency: Frequency): string => {
      const [node, script, ...rest] = this.place.words(frequency);
      // A percent sign ends a line of a crontab.
      const quote = (path: string): string => `"${path.replaceAll('%', '\\%')}"`;
      return `${minute} ${when} ${quote(node!)} ${quote(script!)} ${rest.join(' ')}`;
    };
    return this.#edit([
      BEGIN,
      '# What stands between these two lines is written by git and replaced by it.',
      '',
      line('1-23 * * *', 'hourly'),
      line('0 * * 1-6', 'daily'),
      line('0 * * 0', 'weekly'),
      '',
      END,
    ]);
  }

  disable(): boolean {
    return this.#edit([]);
  }
}

class Systemd implements Scheduler {
  readonly name = 'systemctl';
  constructor(readonly place: Place) {}

  available(): boolean {
    return this.place.stubbed('systemctl') ?? this.place.run('systemctl', ['--user', 'list-timers']).code === 0;
  }

  get #directory(): string {
    return `${this.place.configHome}/systemd/user`;
  }

  #switch(how: 'enable' | 'disable'): boolean {
    return FREQUENCIES.every(
      (each) => this.place.run('systemctl', ['--user', how, '--now', `git-maintenance@${each}.timer`]).code === 0,
    );
  }

  enable(): boolean {
    const { place } = this;
    const words = place.words('%i').map((word) => `"${word}"`);
    const times: Record<Frequency, string> = {
      hourly: `*-*-* 1..23:${place.minute}:00`,
      daily: `Tue..Sun *-*-* 0:${place.minute}:00`,
      weekly: `Mon 0:${place.minute}:00`,
    };
    place.write(
      `${this.#directory}/git-maintenance@.service`,
      `[Unit]\nDescription=Optimize Git repositories data\n\n[Service]\nType=oneshot\nExecStart=${words.join(' ')}\nLockPersonality=yes\nMemoryDenyWriteExecute=no\nNoNewPrivileges=yes\n`,
    );
    for (const each of FREQUENCIES) {
      place.write(
        `${this.#directory}/git-maintenance@${each}.timer`,
        `[Unit]\nDescription=Optimize Git repositories data\n\n[Timer]\nOnCalendar=${times[each]}\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n`,
      );
    }
    if (this.#switch('enable')) return true;
    this.#remove();
    return false;
  }

  #remove(): void {
    for (const each of FREQUENCIES) this.place.fs.remove(`${this.#directory}/git-maintenance@${each}.timer`);
    this.place.fs.remove(`${this.#directory}/git-maintenance@.service`);
  }

  disable(): boolean {
    const good = this.#switch('disable');
    this.#remove();
    return good;
  }
}

const xml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

class Launchctl implements Scheduler {
  readonly name = 'launchctl';
  constructor(readonly place: Place) {}

  available(): boolean {
    return this.place.stubbed('launchctl') ?? process.platform === 'darwin';
  }

  #path(frequency: Frequency): string {
    return `${this.place.home}/Library/LaunchAgents/org.git-scm.git.${frequency}.plist`;
  }

  readonly #domain = `gui/${process.getuid?.() ?? 0}`;

  #text(frequency: Frequency): string {
    const { minute } = this.place;
    const at = (day: number | undefined, hour: number): string =>
      `<dict>${day === undefined ? '' : `<key>Weekday</key><integer>${day}</integer>`}<key>Hour</key><integer>${hour}</integer><key>Minute</key><integer>${minute}</integer></dict>\n`;
    const times =
      frequency === 'hourly'
        ? Array.from({ length: 23 }, (_, hour) => at(undefined, hour + 1))
        : frequency === 'daily'
          ? [1, 2, 3, 4, 5, 6].map((day) => at(day, 0))
          : [at(0, 0)];
    const words = this.place.words(frequency).map((word) => `<string>${xml(word)}</string>\n`);
    return (
      '<?xml version="1.0"?>\n' +
      '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n' +
      `<plist version="1.0"><dict>\n<key>Label</key><string>org.git-scm.git.${frequency}</string>\n` +
      `<key>ProgramArguments</key>\n<array>\n${words.join('')}</array>\n` +
      `<key>StartCalendarInterval</key>\n<array>\n${times.join('')}</array>\n</dict></plist>\n`
    );
  }

  enable(): boolean {
    for (const frequency of FREQUENCIES) {
      const { place } = this;
      const path = this.#path(frequency);
      const text = this.#text(frequency);
      const there = place.fs.readFile(path);
      if (there !== undefined && decodeText(there) === text) {
        if (place.run('launchctl', ['list', `org.git-scm.git.${frequency}`]).code === 0) continue;
      }
      place.write(path, text);
      // One of that name may run already.
      place.run('launchctl', ['bootout', this.#domain, path]);
      if (place.run('launchctl', ['bootstrap', this.#domain, path]).code !== 0) {
        throw new GitError('CONFIG', `failed to bootstrap service ${path}`);
      }
    }
    return true;
  }

  disable(): boolean {
    for (const frequency of FREQUENCIES) {
      this.place.run('launchctl', ['bootout', this.#domain, this.#path(frequency)]);
      this.place.fs.remove(this.#path(frequency));
    }
    return true;
  }
}

class Schtasks implements Scheduler {
  readonly name = 'schtasks';
  constructor(readonly place: Place) {}

  available(): boolean {
    return this.place.stubbed('schtasks') ?? process.platform === 'win32';
  }

  #text(frequency: Frequency): string {
    const minute = String(this.place.minute).padStart(2, '0');
    const [program, ...words] = this.place.words(frequency);
    const days = (names: readonly string[]): string =>
      `<ScheduleByWeek><WeeksInterval>1</WeeksInterval><DaysOfWeek>${names.map((day) => `<${day} />`).join('')}</DaysOfWeek></ScheduleByWeek>`;
    const when =
      frequency === 'hourly'
        ? '<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay><Repetition><Interval>PT1H</Interval><Duration>PT23H</Duration><StopAtDurationEnd>false</StopAtDurationEnd></Repetition>'
        : frequency === 'daily'
          ? days(['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'])
          : days(['Sunday']);
    const start = `2020-01-01T0${frequency === 'hourly' ? 1 : 0}:${minute}:00`;
    return (
      '<?xml version="1.0" ?>\n<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">\n' +
      `<Triggers><CalendarTrigger><StartBoundary>${start}</StartBoundary><Enabled>true</Enabled>${when}</CalendarTrigger></Triggers>\n` +
      '<Principals><Principal id="Author"><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>\n' +
      '<Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy><Enabled>true</Enabled><Hidden>true</Hidden><ExecutionTimeLimit>PT72H</ExecutionTimeLimit><Priority>7</Priority></Settings>\n' +
      `<Actions Context="Author"><Exec><Command>"${xml(program!)}"</Command><Arguments>${xml(words.map((word) => (word.includes(' ') ? `"${word}"` : word)).join(' '))}</Arguments></Exec></Actions>\n</Task>\n`
    );
  }

  enable(): boolean {
    const { place } = this;
    return FREQUENCIES.every((frequency) => {
      const path = `${place.repository.commonDir}/schedule_${frequency}_${process.pid}`;
      place.write(path, this.#text(frequency));
      try {
        return (
          place.run('schtasks', ['/create', '/tn', `Git Maintenance (${frequency})`, '/f', '/xml', path]).code === 0
        );
      } finally {
        place.fs.remove(path);
      }
    });
  }

  disable(): boolean {
    return FREQUENCIES.every(
      (frequency) => this.place.run('schtasks', ['/delete', '/tn', `Git Maintenance (${frequency})`, '/f']).code === 0,
    );
  }
}

export const schedulerNames = ['auto', 'crontab', 'systemd', 'systemd-timer', 'launchctl', 'schtasks'] as const;
export type SchedulerName = (typeof schedulerNames)[number];

function schedulers(place: Place): readonly Scheduler[] {
  return [new Crontab(place), new Systemd(place), new Launchctl(place), new Schtasks(place)];
}

function locked<T>(context: CommandContext, repository: Repository, run: () => T): T {
  const path = `${repository.objectDirectories[0]!.path}/schedule`;
  const lock = LockFile.tryAcquire(context.platform.fs, path);
  if (lock === undefined) {
    throw new GitError(
      'LOCKED',
      `unable to create '${path}.lock': File exists.\n\nAnother scheduled git-maintenance(1) process seems to be running in this\nrepository. Please make sure no other maintenance processes are running and\nthen try again. If it still fails, a git-maintenance(1) process may have\ncrashed in this repository earlier: remove the file manually to continue.`,
    );
  }
  try {
    return run();
  } finally {
    lock.rollback();
  }
}

/** Makes a scheduler run maintenance of all registered repositories, and the other ones stop doing it. */
export function startSchedule(context: CommandContext, repository: Repository, name: SchedulerName): void {
  const place = new Place(context, repository);
  const all = schedulers(place);
  const wanted = name.startsWith('systemd') ? 'systemctl' : name;
  const automatic = (): Scheduler | undefined => {
    const order = { darwin: ['launchctl'], win32: ['schtasks'] }[process.platform as string] ?? [
      'systemctl',
      'crontab',
    ];
    return order.map((each) => all.find((one) => one.name === each)!).find((each) => each.available());
  };
  const chosen = wanted === 'auto' ? automatic() : all.find((each) => each.name === wanted);
  if (chosen === undefined || !chosen.available()) {
    const shown = name === 'auto' ? 'crontab' : name.startsWith('systemd') ? 'systemctl' : name;
    throw new GitError('CONFIG', `${shown} scheduler is not available`);
  }
  locked(context, repository, () => {
    for (const other of all) if (other !== chosen && other.available()) other.disable();
    if (!chosen.enable()) throw new GitError('CONFIG', 'failed to set up maintenance schedule');
  });
}

/** Takes the schedule away from every scheduler that is here. */
export function stopSchedule(context: CommandContext, repository: Repository): number {
  const place = new Place(context, repository);
  return locked(context, repository, () => {
    let good = true;
    for (const each of schedulers(place)) if (each.available() && !each.disable()) good = false;
    return good ? 0 : 1;
  });
}
