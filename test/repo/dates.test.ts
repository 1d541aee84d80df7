import { describe, expect, it } from 'vitest';
import { approxidate, formatDate, formatZone, parseDate, parseDateMode } from '../../src/repo/dates.js';
import { Compared, cases } from '../support/compared.js';
import { Random } from '../support/random.js';
import { sandbox } from '../support/sandbox.js';
import { current } from '../support/version.js';

const NOW = 1251660000; // 2009-08-30 19:20:00 UTC
const clock = { now: NOW, zone: () => 0 };

const pick = <T>(random: Random, ...items: readonly T[]): T => random.pick(items);

function strictText(random: Random): string {
  const year = random.between(1970, 2099);
  const month = String(random.between(1, 12)).padStart(2, '0');
  const day = String(random.between(1, 28)).padStart(2, '0');
  const time = `${String(random.below(24)).padStart(2, '0')}:${String(random.below(60)).padStart(2, '0')}:${String(random.below(60)).padStart(2, '0')}`;
  const zone = pick(random, '', ' +0000', ' -0500', ' +0530', ' Z', ' EST', ' +01', ' -05:00', ' CEST', ' +9999');
  const names = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  switch (random.below(9)) {
    case 0:
      return `${year}-${month}-${day} ${time}${zone}`;
    case 1:
      return `${year}-${month}-${day}T${time}${zone.trim()}`;
    case 2:
      return `${pick(random, 'Mon, ', 'Thu ', '')}${Number(day)} ${names[Number(month) - 1]} ${year} ${time}${zone}`;
    case 3:
      return `${names[Number(month) - 1]} ${Number(day)} ${time} ${year}${zone}`;
    case 4:
      return `@${random.below(2000000000)} ${pick(random, '+0000', '-0730', '+1400')}`;
    case 5:
      return `${random.between(1, 2000000000)} ${pick(random, '+0000', '-0730')}`;
    case 6:
      return `${year}${month}${day}T${time.replaceAll(':', '')}${zone}`;
    case 7:
      return `${pick(random, `${month}/${day}/${year}`, `${day}.${month}.${year}`, `${year}/${month}/${day}`)} ${time}${zone}`;
    default:
      return pick(random, 'never', 'noon', '', `${year}-${month}-${day}`, '2008', '12:30', `${time} ${year}`, '1.2.3');
  }
}

function approximateText(random: Random): string {
  const number = pick(random, '1', '2', '3', 'one', 'two', 'ten', 'last', '15', '40');
  const unit = pick(
    random,
    'second',
    'minutes',
    'hours',
    'day',
    'days',
    'weeks',
    'months',
    'month',
    'years',
    'fortnight',
  );
  const weekday = pick(random, 'monday', 'Friday', 'sun', 'tuesday');
  const when = pick(random, 'noon', 'midnight', 'tea', '5pm', '6 AM', '12:34', '15:00:01');
  const month = pick(random, 'January', 'jun', 'Sep', 'december');
  switch (random.below(8)) {
    case 0:
      return `${number} ${unit} ago`;
    case 1:
      return `${number}.${unit}.ago`;
    case 2:
      return `last ${weekday} ${pick(random, '', 'at ')}${when}`;
    case 3:
      return `yesterday ${pick(random, '', when)}`;
    case 4:
      return `${month} ${random.between(1, 28)}${pick(random, '', 'th', ', 2005', ' 1999')}`;
    case 5:
      return `${number} ${unit} ${pick(random, '2', '4')} ${pick(random, 'days', 'hours')} ago`;
    case 6:
      return `${when} ${pick(random, 'yesterday', `last ${weekday}`, '3 days ago')}`;
    default:
      return pick(random, 'now', '12/25/2005', '2005.04.07', '3:00', '2000 +0000', 'never', '10am noon', 'Jun 6, 5AM');
  }
}

describe('dates', () => {
  it('reads strict dates as git reads them', () => {
    const box = sandbox();
    const random = new Random(21);
    const compared = new Compared('dates: strict');
    for (let i = 0; i < cases(60); i++) {
      const text = strictText(random);
      const ran = box.tryGit(['var', 'GIT_AUTHOR_IDENT'], { env: { GIT_AUTHOR_DATE: text || '@' } });
      const parsed = parseDate(text || '@', clock);
      const theirs = ran.code === 0 ? /> (.*)\n$/.exec(ran.stdout)![1] : 'refused';
      const ours = parsed === undefined ? 'refused' : `${parsed.seconds} ${formatZone(parsed.zone)}`;
      compared.same(text, ours, theirs);
    }
    compared.finish();
  });

  it('reads approximate dates as git reads them', () => {
    const box = sandbox();
    box.git(['init', '-q']);
    const random = new Random(22);
    const texts = random.times(cases(150), () => approximateText(random));
    const answer = box.git(['rev-parse', ...texts.map((text) => `--since=${text}`)], {
      env: { GIT_TEST_DATE_NOW: String(NOW) },
    });
    const theirs = answer.trimEnd().split('\n');
    const compared = new Compared('dates: approximate');
    texts.forEach((text, i) => {
      // Before 1970 git counts below zero and round again; here it ends at 0.
      if (theirs[i]!.length > '--max-age='.length + 12) return;
      compared.same(text, `--max-age=${approxidate(text, clock).seconds}`, theirs[i]);
    });
    compared.finish();
  });

  // Older versions go back by a day even where one is named.
  it.skipIf(!current)('a time of day is the last one, unless a day is named', () => {
    const box = sandbox();
    box.git(['init', '-q']);
    const texts = ['noon', 'tea', 'midnight'].flatMap((time) =>
      [
        '',
        'today',
        'yesterday',
        'now',
        'last friday',
        '2 days ago',
        '1 month ago',
        '3 hours ago',
        'Jun 6',
        '6',
      ].flatMap((day) => [`${time} ${day}`, `${day} ${time}`]),
    );
    // 05:46 UTC: neither noon nor tea has come yet.
    const now = 1700200000;
    const answer = box.git(['rev-parse', ...texts.map((text) => `--since=${text}`)], {
      env: { GIT_TEST_DATE_NOW: String(now) },
    });
    const theirs = answer.trimEnd().split('\n');
    const ours = texts.map((text) => `--max-age=${approxidate(text, { ...clock, now }).seconds}`);
    expect(ours).toEqual(theirs);
  });

  it('shows dates as git shows them', () => {
    const box = sandbox();
    box.git(['init', '-q']);
    const random = new Random(23);
    const modes = [
      'default',
      'local',
      'relative',
      'iso',
      'iso-strict',
      'iso-local',
      'rfc',
      'short',
      'raw',
      'unix',
      'human',
      'raw-local',
      'format:%Y-%m-%d %H:%M:%S %z',
      'format:%a %A %b %B %c %d %e %I %j %p %s %u %U %V %G %W %y %% %D %F %T %R %n%t|',
      'format-local:%x %X %C %g %h %k %l',
    ];
    const compared = new Compared('dates: shown');
    for (let i = 0; i < cases(12); i++) {
      const seconds = pick(
        random,
        random.below(NOW),
        NOW - random.below(40000000),
        NOW - random.below(100000),
        NOW + 100,
      );
      const zone = pick(random, '+0000', '-0700', '+0530', '+1400');
      const tree = box.git(['mktree'], { input: '' }).trim();
      const oid = box.git(['commit-tree', '-m', 'x', tree], { env: { GIT_AUTHOR_DATE: `@${seconds} ${zone}` } }).trim();
      for (const mode of modes) {
        // UTC is `Z` since 2.45, `+00:00` before.
        if (mode === 'iso-strict' && zone === '+0000') continue;
        const theirs = box.git(['log', '-1', '--format=%ad', `--date=${mode}`, oid], {
          env: { GIT_TEST_DATE_NOW: String(NOW) },
        });
        const ours = formatDate(seconds, zone, parseDateMode(mode), clock);
        compared.same([mode, seconds, zone], `${ours}\n`, theirs);
      }
    }
    compared.finish();
  });
});
