import type { Peer } from './peer.js';

/** No proxy: what the machine, the target and the load generator can do at most. */
export const direct: Peer = {
  name: 'direct',
  protocols: ['tcp', 'udp'],
  kind: 'none',
  choices: { 'no proxy': 'clients go straight to the target, which no proxy can better' },
  missing: () => undefined,
  version: () => '-',
};
