import type { Config } from '../repo/config.js';
import { HiddenRefs } from './hidden-refs.js';

export type DenyAction = 'unconfigured' | 'ignore' | 'warn' | 'refuse' | 'update-instead';

/** `receive.*` and what else receive-pack reads. */
export interface ReceiveConfig {
  readonly hidden: HiddenRefs;
  readonly denyDeletes: boolean;
  readonly denyNonFastForwards: boolean;
  readonly denyCurrentBranch: DenyAction;
  readonly denyDeleteCurrent: DenyAction;
  readonly unpackLimit: number;
  readonly maxInputSize: number;
  readonly advertiseAtomic: boolean;
  readonly advertisePushOptions: boolean;
  readonly advertiseSessionId: boolean;
  readonly preferOffsets: boolean;
  readonly shallowUpdate: boolean;
  readonly updateServerInfo: boolean;
  readonly autoGc: boolean;
  /** Signed pushes are asked for; with this the nonces are made. */
  readonly certNonceSeed: string | undefined;
  /** Seconds that a nonce may be old where the conversation has no memory. */
  readonly certNonceSlop: number;
}

function action(config: Config, key: string): DenyAction {
  const text = config.get(key);
  if (text === undefined) return config.has(key) ? 'refuse' : 'unconfigured';
  switch (text.toLowerCase()) {
    case 'ignore':
      return 'ignore';
    case 'warn':
      return 'warn';
    case 'refuse':
      return 'refuse';
    case 'updateinstead':
      return 'update-instead';
    default:
      return config.getBool(key, false) ? 'refuse' : 'ignore';
  }
}

export function readReceiveConfig(config: Config): ReceiveConfig {
  const limit = (section: string) => {
    const value = config.getInt(`${section}.unpacklimit`);
    return value !== undefined && value >= 0 ? value : undefined;
  };
  return {
    hidden: HiddenRefs.fromConfig(config, 'receive'),
    denyDeletes: config.getBool('receive.denydeletes', false),
    denyNonFastForwards: config.getBool('receive.denynonfastforwards', false),
    denyCurrentBranch: action(config, 'receive.denycurrentbranch'),
    denyDeleteCurrent: action(config, 'receive.denydeletecurrent'),
    unpackLimit: limit('receive') ?? limit('transfer') ?? 100,
    maxInputSize: config.getSize('receive.maxinputsize', 0),
    advertiseAtomic: config.getBool('receive.advertiseatomic', true),
    advertisePushOptions: config.getBool('receive.advertisepushoptions', false),
    advertiseSessionId: config.getBool('transfer.advertisesid', false),
    preferOffsets: config.getBool('repack.usedeltabaseoffset', true),
    shallowUpdate: config.getBool('receive.shallowupdate', false),
    updateServerInfo: config.getBool('receive.updateserverinfo', false),
    autoGc: config.getBool('receive.autogc', true),
    certNonceSeed: config.get('receive.certnonceseed'),
    certNonceSlop: config.getInt('receive.certnonceslop', 0),
  };
}
