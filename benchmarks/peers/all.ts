import { direct } from './direct.js';
import { dockerProxy } from './docker-proxy.js';
import { haproxy } from './haproxy.js';
import { nginx } from './nginx.js';
import type { Peer } from './peer.js';
import { sluiceSplice, sluiceStream } from './sluice.js';
import { socat } from './socat.js';

/** In the order of the tables. */
export const allPeers: readonly Peer[] = [
  direct,
  sluiceSplice,
  sluiceStream,
  dockerProxy,
  haproxy,
  nginx,
  socat,
];

/** Those of `npm run bench:quick`: not the engine for machines without the other. */
export const quickPeers: readonly Peer[] = allPeers.filter((peer) => peer !== sluiceStream);

/** Whose figures the others are held against. */
export const referencePeer = sluiceSplice.name;
