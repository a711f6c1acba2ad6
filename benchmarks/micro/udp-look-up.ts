import { AssociationIndex, hashOf } from '../../src/engine/splice/association-index.js';
import { localWords, nameWords, UdpAssociation } from '../../src/engine/splice/udp-association.js';
import { UdpTable } from '../../src/engine/udp-table.js';
import { functionPart } from './part.js';

const clients = 1_000;

/** What the splice engine does for a datagram of a client that it knows: it finds the association and renews it. */
export const udpLookUp = functionPart(
  `finding one of ${clients.toLocaleString('en-US')} UDP associations`,
  () => {
    const index = new AssociationIndex();
    const noTimer = { wakeAt: () => undefined, ended: () => undefined };
    const table = new UdpTable<UdpAssociation>({ unansweredMs: 30_000, answeredMs: 90_000 }, noTimer);
    const local = new Int32Array(localWords);
    const host = { fromTarget: () => undefined, fault: () => undefined };
    // As batches have them: one sockaddr behind the other, each of its own port of one host.
    const names = new Int32Array(clients * nameWords);
    for (let client = 0; client < clients; client += 1) {
      names.set([2 | ((1_024 + client) << 16), 0x0100007f], client * nameWords);
      const name = names.slice(client * nameWords, (client + 1) * nameWords);
      const association = new UdpAssociation(hashOf(name, 0, local), name, local, 0, host);
      index.add(association);
      table.add(association, 0);
    }
    let client = 0;
    return () => {
      client = (client + 389) % clients;
      const word = client * nameWords;
      const found = index.find(hashOf(names, word, local), names, word, local);
      if (found === undefined) throw new Error('an association is not found');
      table.renew(found, 1, true);
    };
  },
);
