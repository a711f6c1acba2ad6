/**
 * The index of the interface that the zone of an IPv6 address names: its scope id. The kernel is asked through the socket
 * that the address is for, and answers of the network namespace which that socket is in, wherever this thread is.
 */
import { openFfi } from './ffi.js';
import { mapRegion } from './mman.js';

/** <sys/ioctl.h> */
export const SIOCGIFINDEX = 0x8933;
/** struct ifreq of <net/if.h>, in bytes: the name, with a zero behind it, and in the place after it the answer. */
export const ifreq = { bytes: 40, nameBytes: 16, index: 16 } as const;

/** Looked up when first needed: most addresses have no zone. */
let calls: ReturnType<typeof openCalls> | undefined;
function openCalls() {
  const { address, buffer } = mapRegion(4096);
  const ioctl = openFfi().call('ioctl', 'int', ['int', 'int64_t', 'int64_t']);
  return { ioctl, address, bytes: new Uint8Array(buffer), view: new DataView(buffer) };
}

/** `%eth0` of `fe80::1%eth0`; empty where an address has no zone. */
export function zoneOf(text: string): string {
  const start = text.indexOf('%');
  return start < 0 ? '' : text.slice(start);
}

/**
 * 2 for `%eth0` where eth0 is the second interface, and for `%2`; 0 without a zone. -1, and errno, where no interface has
 * that name.
 */
export function interfaceIndex(socket: number, zone: string): number {
  const name = zone.slice(1);
  if (/^\d*$/.test(name)) return Number(name);
  calls ??= openCalls();
  const { ioctl, address, bytes, view } = calls;
  bytes.fill(0, 0, ifreq.bytes);
  new TextEncoder().encodeInto(name, bytes.subarray(0, ifreq.nameBytes - 1));
  return ioctl(socket, SIOCGIFINDEX, address) < 0 ? -1 : view.getInt32(ifreq.index, true);
}
