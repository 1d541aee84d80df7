import { verifyCertificate } from '../porcelain/push-sign.js';
import { updateServerInfo, updateWorkTreeInstead } from '../porcelain/update-instead.js';
import type { ReceiveOptions } from '../transport/receive-pack.js';

/** `receive.autogc`, loaded when a push has been taken. */
const tidyAfterPush: NonNullable<ReceiveOptions['autoGc']> = async (repository, say) =>
  (await import('./auto-maintenance.js')).tidyAfterPush(repository, say);

/** What whoever takes in a push needs beside the transport itself. */
export const receiveServices = {
  updateWorkTree: updateWorkTreeInstead,
  verifyCertificate,
  updateServerInfo,
  autoGc: tidyAfterPush,
} as const;
