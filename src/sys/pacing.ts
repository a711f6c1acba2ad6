/**
 * Pacing of what a TCP socket sends: its congestion control may have the kernel space it out by a timer.
 *
 * BBR does, and some hosts have it as their usual one (net.ipv4.tcp_congestion_control). Towards a network that is what it
 * is for. Between two processes of one host there is nothing to congest, and the timers cost more than the sending:
 * measured on loopback, bulk moves half as fast, and a small request costs some per cent more. CUBIC, which Linux takes
 * where nobody chose, has no timer.
 *
 * A socket gets its pacing when its connection is made, and keeps it whatever it is set to later (bbr_init of the
 * kernel's tcp_bbr.c): it has to be taken off before, for accepted sockets from their listener
 * (test/platform/congestion.test.ts).
 */
import { openFfi } from './ffi.js';
import { IPPROTO_TCP, TCP_CONGESTION } from './in.js';
import { mapRegion } from './mman.js';
import { socketCalls } from './socket.js';

/** TCP_CA_NAME_MAX of the kernel: the longest name, with the zero behind it. */
const nameBytes = 16;
const unpacedName = new TextEncoder().encode('cubic');

/** Where the parts of the memory begin: the name that is set, the name that is read, and its length. */
const place = { set: 0, read: 64, length: 128 } as const;

let calls: ReturnType<typeof openCalls> | undefined;
function openCalls() {
  openFfi();
  const { address, buffer } = mapRegion(4096);
  const { getsockopt, setsockopt } = socketCalls();
  const bytes = new Uint8Array(buffer);
  bytes.set(unpacedName, place.set);
  return { getsockopt, setsockopt, address, bytes, words: new Int32Array(buffer) };
}

/** `bbr` or `cubic`: a TCP socket's congestion control (tcp(7)); empty where the kernel tells of none. */
export function congestionControlOf(socket: number): string {
  calls ??= openCalls();
  const { getsockopt, address, bytes, words } = calls;
  words[place.length >> 2] = nameBytes;
  const [name, length] = [address + place.read, address + place.length];
  if (getsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name, length) < 0) return '';
  const read = bytes.subarray(place.read, place.read + nameBytes);
  return new TextDecoder().decode(read.subarray(0, read.indexOf(0)));
}

/** True where a socket will be paced once it is connected: by BBR, of whatever version. */
export function isPaced(socket: number): boolean {
  return congestionControlOf(socket).startsWith('bbr');
}

/** For a socket that is not connected yet. False where the kernel would not: it lacks CUBIC, or may not give it to us. */
export function takePacingOff(socket: number): boolean {
  calls ??= openCalls();
  const { setsockopt, address } = calls;
  return setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, address + place.set, unpacedName.length) === 0;
}
