import { describe, expect, it } from '@jest/globals';
import { portsColumn } from '../../src/cli/port-texts.js';
import { limits } from '../../src/limits.js';

const mapping = (target: number, port: number, ips = ['0.0.0.0'], protocol = 'tcp') => ({
  ...{ mapping: 'web', to: '10.0.0.1', protocol, host_ip: '', published: '', target },
  listeners: ips.map((ip) => ({ ip, port })),
  ...{ at_run_time: false, draining: false, flows: 0, bytes_in: 0, bytes_out: 0, ends: {} },
  ...{ options: {}, counters: {} },
});

describe('the ports of an instance', () => {
  it('are written as docker ps writes them', () => {
    expect(portsColumn([mapping(5000, 49155, ['0.0.0.0', '::'])])).toEqual([
      '0.0.0.0:49155->5000/tcp',
      '[::]:49155->5000/tcp',
    ]);
  });

  it('in a row are one text, and apart where they are not, or lead elsewhere', () => {
    const row = [9002, 9000, 9001].map((port) => mapping(port, port));
    expect(portsColumn([...row, mapping(53, 9003), mapping(9003, 9003, ['0.0.0.0'], 'udp')])).toEqual([
      '0.0.0.0:9003->53/tcp',
      '0.0.0.0:9000-9002->9000-9002/tcp',
      '0.0.0.0:9003->9003/udp',
    ]);
  });

  it('say where they are, if not on this host', () => {
    const inside = { ...mapping(6379, 6379, ['127.0.0.1']), in: 'busybox1' };
    expect(portsColumn([inside, mapping(6380, 6380, ['127.0.0.1'])])).toEqual([
      '127.0.0.1:6379->6379/tcp inside busybox1',
      '127.0.0.1:6380->6380/tcp',
    ]);
  });

  it('are no longer a list than a person reads', () => {
    const many = Array.from({ length: 2000 }, (_, index) => mapping(80, 10_000 + index));
    const texts = portsColumn(many);
    expect(texts).toHaveLength(limits.portsShown + 1);
    expect(texts.at(-1)).toBe(`and ${2000 - limits.portsShown} more`);
  });
});
