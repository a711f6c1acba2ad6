/** Binds with system calls, for the splice engine: a descriptor that nobody but its shards looks at. */
import type { Endpoint } from '../address/endpoint.js';
import { isWildcard } from '../address/ip.js';
import type { SpliceListener } from '../engine/splice/splice-listener.js';
import { limits } from '../limits.js';
import type { Protocol } from '../publish/protocol.js';
import { checked } from '../sys/errno.js';
import { IPPROTO_IPV6, IPV6_V6ONLY } from '../sys/in.js';
import { NetworkNamespaces } from '../sys/network-namespace.js';
import { AF_INET, AF_INET6, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM } from '../sys/socket.js';
import type { Binder } from './binder.js';
import { listenerOn, localAddressOptions, type Option, Sockets, udpOptions } from './descriptor-sockets.js';

const v6Only: Option = [IPPROTO_IPV6, IPV6_V6ONLY, 1];

export function descriptorBinder(): Binder<SpliceListener> {
  const sockets = new Sockets();
  const namespaces = new NetworkNamespaces();
  return {
    // Nothing here waits, so that nothing else runs while this thread is in another namespace; it is a promise for those
    // binders that do.
    bind: async (protocol, endpoint, namespace) => {
      const bound = () => bind(sockets, protocol, endpoint);
      return namespace === undefined ? bound() : namespaces.within(namespace, bound);
    },
  };
}

function bind(sockets: Sockets, protocol: Protocol, { ip, port }: Endpoint): SpliceListener {
  const { calls } = sockets;
  const domain = ip.family === 6 ? AF_INET6 : AF_INET;
  const kind = protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM;
  const descriptor = checked('socket', calls.socket(domain, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  try {
    if (protocol === 'tcp') sockets.setTcp(descriptor, ip);
    else for (const option of udpOptions) sockets.set(descriptor, option);
    if (ip.family === 6) sockets.set(descriptor, v6Only);
    if (protocol === 'udp' && isWildcard(ip)) sockets.set(descriptor, localAddressOptions[ip.family]);
    sockets.bind(descriptor, { ip, port });
    if (protocol === 'tcp') checked('listen', calls.listen(descriptor, limits.listenBacklog));
    return listenerOn(sockets, protocol, descriptor, { ip, port: sockets.name(descriptor).port });
  } catch (error) {
    calls.close(descriptor);
    throw error;
  }
}
