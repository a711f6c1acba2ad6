/** What dockerd tells its proxy on the command line: moby's cmd/docker-proxy/main_linux.go. */
import { type Endpoint, formatEndpoint } from '../address/endpoint.js';
import { everyIpv4, type IpAddress, parseIp } from '../address/ip.js';
import { printable, SluiceError } from '../errors.js';
import { type Protocol, protocols } from '../publish/protocol.js';
import { boolFlag, type Flag, type FlagValues, intFlag, stringFlag } from './go-flags.js';

function ipFlag(usage: string): Flag<IpAddress> {
  return { kind: 'value', initial: everyIpv4, usage, shown: everyIpv4.text, read: readIp };
}

/** An address without a zone, as Go's net.IP is. */
function readIp(text: string): ReturnType<Flag<IpAddress>['read']> {
  const value = text.includes('%') ? undefined : parseIp(text);
  return value === undefined ? { fault: `invalid IP address: ${text}` } : { value };
}

export const flagTable = {
  'container-ip': ipFlag('container ip'),
  'container-port': intFlag(-1, 'container port'),
  'host-ip': ipFlag('host ip'),
  'host-port': intFlag(-1, 'host port'),
  proto: stringFlag('tcp', 'proxy protocol'),
  'use-listen-fd': boolFlag('use a supplied listen fd'),
  v: boolFlag('print version information and quit'),
  version: boolFlag('print version information and quit'),
} as const;

/** One published port. */
export interface ProxyRequest {
  readonly protocol: Protocol;
  readonly host: Endpoint;
  readonly container: Endpoint;
  /** The bound socket is there already. */
  readonly useListenDescriptor: boolean;
}

/**
 * Checks what Go's flags leave unchecked.
 *
 * @throws SluiceError for a protocol that is not carried, or a port that is none
 */
export function readRequest(values: FlagValues<typeof flagTable>): ProxyRequest {
  const protocol = protocols.find((known) => known === values.proto);
  if (protocol === undefined)
    throw new SluiceError('SLUICE_UNSUPPORTED_PROTOCOL', `unsupported protocol ${printable(values.proto)}`);
  const useListenDescriptor = values['use-listen-fd'];
  return {
    protocol,
    // Port 0 asks the kernel for one; with a socket that is bound already the flag says nothing.
    host: {
      ip: values['host-ip'],
      port: useListenDescriptor ? 0 : portOf('-host-port', values['host-port'], 0),
    },
    container: {
      ip: values['container-ip'],
      port: portOf('-container-port', values['container-port'], 1),
    },
    useListenDescriptor,
  };
}

function portOf(flag: string, port: number, least: number): number {
  if (port >= least && port <= 65_535) return port;
  throw new SluiceError('SLUICE_USAGE', `${flag} ${port} is no port: it has to be from ${least} to 65535`);
}

export function inWords({ protocol, host, container }: ProxyRequest): string {
  return `${protocol} ${formatEndpoint(host)} -> ${formatEndpoint(container)}`;
}
