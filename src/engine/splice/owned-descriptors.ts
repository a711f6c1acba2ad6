/**
 * Descriptors a shard owns, a byte each, so that they can be closed after a shard that failed or whose thread died: its flows'
 * sockets, its pipes, its epoll and its thread's namespace. A mark goes before its descriptor is closed, since the number may
 * be another thread's at once.
 */
import { unistd } from '../../sys/unistd.js';

/** The most that Linux allows by default (fs.nr_open); pages of it that stay 0 take no memory. */
const mostDescriptors = 1 << 20;

export function ownedDescriptors(): SharedArrayBuffer {
  return new SharedArrayBuffer(mostDescriptors);
}

export function markOwned(memory: SharedArrayBuffer, descriptors: readonly number[]): void {
  const owned = new Uint8Array(memory);
  for (const descriptor of descriptors) owned[descriptor] = 1;
}

/** Descriptors belong to the process, not to a thread: what a dead shard still owned would stay open, and its peers would wait. */
export function closeOwned(memory: SharedArrayBuffer): void {
  const { close } = unistd();
  const owned = new Uint8Array(memory);
  for (let descriptor = owned.indexOf(1); descriptor >= 0; descriptor = owned.indexOf(1, descriptor + 1)) {
    close(descriptor);
    owned[descriptor] = 0;
  }
}
