import type { OptionValues } from './options.js';

/** What fetch and pull share. */
export const fetchOptionSpecs = {
  tags: { type: 'flag', short: 't', help: 'fetch all tags and associated objects' },
  force: { type: 'flag', short: 'f', help: 'force overwrite of local reference' },
  prune: { type: 'flag', short: 'p', help: 'prune remote-tracking branches no longer on remote' },
  'dry-run': { type: 'flag', help: 'dry run' },
  keep: { type: 'flag', short: 'k', help: 'keep downloaded pack' },
  append: { type: 'flag', short: 'a', help: 'append to .git/FETCH_HEAD instead of overwriting' },
  'upload-pack': { type: 'string', value: 'path', help: 'path to upload pack on remote end' },
  depth: { type: 'string', value: 'depth', help: 'deepen history of shallow clone' },
  'shallow-since': { type: 'string', value: 'time', help: 'deepen history of shallow repository based on time' },
  'shallow-exclude': { type: 'list', value: 'ref', help: 'deepen history of shallow clone, excluding ref' },
  deepen: { type: 'string', value: 'n', help: 'deepen history of shallow clone' },
  unshallow: { type: 'flag', negatable: false, help: 'convert to a complete repository' },
  'update-shallow': { type: 'flag', help: 'accept refs that update .git/shallow' },
  refmap: { type: 'list', value: 'refmap', negatable: false, help: 'specify fetch refmap' },
  'server-option': { type: 'list', short: 'o', value: 'server-specific', help: 'option to transmit' },
  ipv4: { type: 'flag', short: '4', negatable: false, help: 'use IPv4 addresses only' },
  ipv6: { type: 'flag', short: '6', negatable: false, help: 'use IPv6 addresses only' },
  'negotiation-restrict': {
    type: 'list',
    value: 'revision',
    aliases: ['negotiation-tip'],
    help: 'report that we have only objects reachable from this object',
  },
  'negotiation-include': {
    type: 'list',
    value: 'revision',
    help: 'report this object in any case',
  },
  'show-forced-updates': { type: 'flag', help: 'check for forced-updates on all updated branches' },
  'set-upstream': { type: 'flag', help: 'set upstream for git pull/fetch' },
  'recurse-submodules': {
    type: 'optional',
    value: 'on-demand',
    implied: 'yes',
    help: 'control recursive fetching of submodules',
  },
  jobs: { type: 'number', short: 'j', value: 'n', help: 'number of remotes fetched at once' },
  progress: { type: 'flag', help: 'force progress reporting' },
  all: { type: 'flag', help: 'fetch from all remotes' },
} as const;

export type FetchOptionValues = OptionValues<typeof fetchOptionSpecs>;
