/**
 * The pipe on which dockerd waits for the start of its proxy: descriptor 3. It makes one read of two bytes, so what is
 * said first has to come in one write; after `1\n` it reads the rest, to its end, as the error to show
 * (moby: daemon/libnetwork/portmapper/proxy_linux.go).
 */
import { closeSync, fstatSync, writeSync } from 'node:fs';
import { limits } from '../limits.js';

const pipeDescriptor = 3;

export interface ParentPipe {
  serving(): void;
  failed(message: string): void;
}

/**
 * Looks for the pipe. Started by hand there is none, and descriptor 3 is something of Node's own, never a pipe or a
 * socket, that must be left alone: then what is said goes nowhere.
 */
export function openParentPipe(): ParentPipe | undefined {
  const stat = fstatSync(pipeDescriptor);
  if (!stat.isFIFO() && !stat.isSocket()) return undefined;
  return {
    serving: () => say('0\n'),
    failed: (message) => say(`1\n${message}`),
  };
}

/** A dockerd that does not wait any more is no reason to stop. */
function say(text: string): void {
  try {
    writeSync(pipeDescriptor, Buffer.from(text).subarray(0, limits.dockerProxyMessageBytes));
  } catch {
    // EPIPE: nobody is left to be told.
  }
  closeSync(pipeDescriptor);
}
