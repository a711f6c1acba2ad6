/** Constants and structure layouts of src/sys, beside what the C compiler of this machine says. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as epoll from '../../src/sys/epoll.js';
import { Errno } from '../../src/sys/errno.js';
import * as fcntl from '../../src/sys/fcntl.js';
import * as inet from '../../src/sys/in.js';
import * as interfaces from '../../src/sys/interface-index.js';
import { layoutsOf } from '../../src/sys/platform.js';
import * as sched from '../../src/sys/sched.js';
import { sockaddrIn6Bytes, sockaddrIn6ScopeId, sockaddrInBytes } from '../../src/sys/sockaddr.js';
import * as socket from '../../src/sys/socket.js';
import * as udp from '../../src/sys/udp.js';
import { describeWhere } from '../support/machine.js';

const headers = [
  ...['errno', 'fcntl', 'sched', 'stddef', 'stdio'],
  ...['sys/epoll', 'sys/ioctl', 'sys/socket', 'sys/un', 'net/if', 'netinet/in', 'netinet/tcp', 'netinet/udp'],
];

/** <linux/sched/types.h> defines anew what older libcs have in <sched.h>: it is asked by itself. */
const turnHeaders = ['stddef', 'stdio', 'linux/sched/types', 'sys/syscall'];

const size = (type: string) => `sizeof(${type})`;
const offset = (type: string, field: string) => `offsetof(${type}, ${field})`;

/** Every number of a module, under its own name: those are C's. */
function constantsOf(module: object): [string, number][] {
  return Object.entries(module).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
}

function expectations(): [string, number][] {
  const { epollEventBytes, epollDataOffset } = layoutsOf();
  const { msghdr, mmsghdr, iovec, cmsghdr } = socket;
  const { inPktinfo, in6Pktinfo } = inet;
  return [
    ...[epoll, fcntl, inet, interfaces, sched, socket, udp, Errno].flatMap(constantsOf),
    [size('struct epoll_event'), epollEventBytes],
    [offset('struct epoll_event', 'events'), 0],
    [offset('struct epoll_event', 'data'), epollDataOffset],
    [size('struct msghdr'), msghdr.bytes],
    [offset('struct msghdr', 'msg_name'), msghdr.name],
    [offset('struct msghdr', 'msg_namelen'), msghdr.nameLength],
    [offset('struct msghdr', 'msg_iov'), msghdr.iov],
    [offset('struct msghdr', 'msg_iovlen'), msghdr.iovLength],
    [offset('struct msghdr', 'msg_control'), msghdr.control],
    [offset('struct msghdr', 'msg_controllen'), msghdr.controlLength],
    [offset('struct msghdr', 'msg_flags'), msghdr.flags],
    [size('struct mmsghdr'), mmsghdr.bytes],
    [offset('struct mmsghdr', 'msg_len'), mmsghdr.length],
    [size('struct iovec'), iovec.bytes],
    [offset('struct iovec', 'iov_base'), iovec.base],
    [offset('struct iovec', 'iov_len'), iovec.length],
    [size('struct cmsghdr'), cmsghdr.bytes],
    [offset('struct cmsghdr', 'cmsg_len'), cmsghdr.length],
    [offset('struct cmsghdr', 'cmsg_level'), cmsghdr.level],
    [offset('struct cmsghdr', 'cmsg_type'), cmsghdr.type],
    ['CMSG_SPACE(sizeof(struct in_pktinfo))', socket.cmsgAlign(cmsghdr.bytes + inPktinfo.bytes)],
    ['CMSG_SPACE(sizeof(struct in6_pktinfo))', socket.cmsgAlign(cmsghdr.bytes + in6Pktinfo.bytes)],
    ['CMSG_SPACE(sizeof(unsigned short))', socket.cmsgAlign(cmsghdr.bytes + 2)],
    [size('struct in_pktinfo'), inPktinfo.bytes],
    [offset('struct in_pktinfo', 'ipi_ifindex'), inPktinfo.ifindex],
    [offset('struct in_pktinfo', 'ipi_spec_dst'), inPktinfo.specDst],
    [offset('struct in_pktinfo', 'ipi_addr'), inPktinfo.addr],
    [size('struct in6_pktinfo'), in6Pktinfo.bytes],
    [offset('struct in6_pktinfo', 'ipi6_addr'), in6Pktinfo.addr],
    [offset('struct in6_pktinfo', 'ipi6_ifindex'), in6Pktinfo.ifindex],
    [size('struct sockaddr_in'), sockaddrInBytes],
    [offset('struct sockaddr_in', 'sin_port'), 2],
    [offset('struct sockaddr_in', 'sin_addr'), 4],
    [size('struct sockaddr_in6'), sockaddrIn6Bytes],
    [offset('struct sockaddr_in6', 'sin6_port'), 2],
    [offset('struct sockaddr_in6', 'sin6_addr'), 8],
    [offset('struct sockaddr_in6', 'sin6_scope_id'), sockaddrIn6ScopeId],
    [size('struct ifreq'), interfaces.ifreq.bytes],
    [offset('struct ifreq', 'ifr_name'), 0],
    ['IFNAMSIZ', interfaces.ifreq.nameBytes],
    [offset('struct ifreq', 'ifr_ifindex'), interfaces.ifreq.index],
    [size('struct sockaddr_un'), 110],
    [offset('struct sockaddr_un', 'sun_path'), 2],
    [size('struct linger'), 8],
    [offset('struct linger', 'l_onoff'), 0],
    [offset('struct linger', 'l_linger'), 4],
  ];
}

function turnExpectations(): [string, number][] {
  const { schedSetattr, schedGetattr } = layoutsOf();
  const { bytes, policy, runtime } = sched.schedAttr;
  return [
    ['SYS_sched_setattr', schedSetattr],
    ['SYS_sched_getattr', schedGetattr],
    // Newer headers have a longer one, and the kernel takes both.
    [`${offset('struct sched_attr', 'sched_period')} + 8`, bytes],
    [offset('struct sched_attr', 'sched_policy'), policy],
    [offset('struct sched_attr', 'sched_runtime'), runtime],
  ];
}

/** What a C program says each expression is. */
function compiled(headers: readonly string[], expressions: readonly string[]): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  try {
    const lines = expressions.map((expression) => `printf("%d\\n", (int)(${expression}));`);
    const program = ['#define _GNU_SOURCE', ...headers.map((name) => `#include <${name}.h>`)];
    writeFileSync(join(folder, 'say.c'), [...program, 'int main(void) {', ...lines, '}', ''].join('\n'));
    execFileSync('cc', ['-o', join(folder, 'say'), join(folder, 'say.c')]);
    return execFileSync(join(folder, 'say'), { encoding: 'utf8' }).trim().split('\n').map(Number);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;

describeWhere(hasCompiler, 'no cc', 'src/sys, beside the C compiler', () => {
  test.each([
    ['and every layout', headers, expectations],
    ['and layout of a thread’s turns', turnHeaders, turnExpectations],
  ])('has every constant %s right', (_, headers, expectations) => {
    const expected = expectations();
    const values = compiled(
      headers,
      expected.map(([expression]) => expression),
    );
    expect(expected.map(([expression], index) => [expression, values[index]])).toEqual(expected);
  });
});

describe('a machine whose layouts are not known', () => {
  test.each([
    ['darwin', 'arm64'],
    ['linux', 'ia32'],
    ['win32', 'x64'],
  ])('is refused by name: %s %s', (platform, arch) => {
    expect(() => layoutsOf(platform, arch)).toThrow(`not on ${platform} ${arch}`);
  });

  test('is none of the two there are', () => {
    expect(layoutsOf('linux', 'x64')).toMatchObject({ epollEventBytes: 12, schedSetattr: 314 });
    expect(layoutsOf('linux', 'arm64')).toMatchObject({ epollEventBytes: 16, schedSetattr: 274 });
  });
});
