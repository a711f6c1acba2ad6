/** Which machines the constants, call numbers and layouts of src/sys are right for. */

export interface Layouts {
  /** struct epoll_event: packed on x86-64, so 12 bytes with `data` at 4; 16 with `data` at 8 elsewhere. */
  readonly epollEventBytes: number;
  readonly epollDataOffset: number;
  /** Numbers of calls that libc has no name for everywhere (syscalls(2)). */
  readonly schedSetattr: number;
  readonly schedGetattr: number;
}

const layoutsByArch: Readonly<Record<string, Layouts>> = {
  x64: { epollEventBytes: 12, epollDataOffset: 4, schedSetattr: 314, schedGetattr: 315 },
  arm64: { epollEventBytes: 16, epollDataOffset: 8, schedSetattr: 274, schedGetattr: 275 },
};

/** @throws Error that says which machine it is, where its layouts are not known */
export function layoutsOf(platform: string = process.platform, arch: string = process.arch): Layouts {
  const layouts = platform === 'linux' ? layoutsByArch[arch] : undefined;
  if (layouts === undefined) {
    throw new Error(`system calls are known on Linux x86-64 and arm64, not on ${platform} ${arch}`);
  }
  return layouts;
}
