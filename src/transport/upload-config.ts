import type { Config } from '../repo/config.js';
import { HiddenRefs } from './hidden-refs.js';

/** `uploadpack.*` and what else upload-pack reads. */
export interface UploadConfig {
  readonly hidden: HiddenRefs;
  readonly allowTip: boolean;
  readonly allowReachable: boolean;
  readonly allowAny: boolean;
  readonly allowFilter: boolean;
  readonly allowRefInWant: boolean;
  readonly allowSideBandAll: boolean;
  readonly advertiseSessionId: boolean;
  readonly advertiseObjectInfo: boolean;
  readonly advertiseBundleUris: boolean;
  readonly unborn: 'advertise' | 'allow' | 'ignore';
  /** Seconds of silence while a pack is made after which an empty packet is sent; 0 never. */
  readonly keepAlive: number;
  readonly packObjectsHook: string | undefined;
}

export function readUploadConfig(config: Config, env: Readonly<Record<string, string | undefined>>): UploadConfig {
  const allowAny = config.getBool('uploadpack.allowanysha1inwant', false);
  const unborn = config.get('lsrefs.unborn');
  return {
    hidden: HiddenRefs.fromConfig(config, 'uploadpack'),
    allowTip: allowAny || config.getBool('uploadpack.allowtipsha1inwant', false),
    allowReachable: allowAny || config.getBool('uploadpack.allowreachablesha1inwant', false),
    allowAny,
    allowFilter: config.getBool('uploadpack.allowfilter', false),
    allowRefInWant: config.getBool('uploadpack.allowrefinwant', false),
    allowSideBandAll:
      config.getBool('uploadpack.allowsidebandall', false) ||
      env['GIT_TEST_SIDEBAND_ALL'] === '1' ||
      env['GIT_TEST_SIDEBAND_ALL'] === 'true',
    advertiseSessionId: config.getBool('transfer.advertisesid', false),
    advertiseObjectInfo: config.getBool('transfer.advertiseobjectinfo', false),
    advertiseBundleUris: config.getBool('uploadpack.advertisebundleuris', false),
    unborn: unborn === 'allow' || unborn === 'ignore' ? unborn : 'advertise',
    keepAlive: config.getInt('uploadpack.keepalive', 5),
    packObjectsHook: protectedValue(config, 'uploadpack.packobjectshook'),
  };
}

/** A program to run must come from the user or the machine, never from the repository that is served. */
function protectedValue(config: Config, key: string): string | undefined {
  const trusted = config
    .entries()
    .filter((entry) => entry.key === key && /^(?:system|global|command)$/.test(entry.scope));
  return trusted[trusted.length - 1]?.value;
}

/** Is this kind of filter allowed (`uploadpackfilter.allow`, `uploadpackfilter.<kind>.allow`)? Answers git's reason where not. */
export function filterFault(config: Config, filter: string): string | undefined {
  const kinds = filter.startsWith('combine:')
    ? filter
        .slice(8)
        .split('+')
        .map((part) => decodeURIComponent(part))
    : [filter];
  const check = (name: string) =>
    config.getBool(`uploadpackfilter.${name}.allow`) ?? config.getBool('uploadpackfilter.allow', true);
  if (filter.startsWith('combine:') && !check('combine')) return "filter 'combine' not supported";
  for (const kind of kinds) {
    const name = kind.startsWith('blob:') ? kind.split('=')[0]! : kind.split(':')[0]!;
    if (!check(name)) return `filter '${name}' not supported`;
    if (name === 'tree') {
      const most = config.getInt('uploadpackfilter.tree.maxdepth');
      const depth = Number(kind.slice(5));
      if (most !== undefined && depth > most) return `tree filter allows max depth ${most}, but got ${depth}`;
    }
  }
  return undefined;
}
