import { describe, expect, it } from '@jest/globals';
import {
  defaultFlowOptions,
  expandSpec,
  formatHostSide,
  formatPublished,
  formatTargetPort,
} from '../../src/publish/mapping.js';
import { parsePublishSpec } from '../../src/publish/publish-spec.js';
import { parseTarget } from '../../src/publish/target-spec.js';
import { mappingsOf } from '../support/mappings.js';
import { thrownBy } from '../support/thrown.js';

const onUnixSocket = {
  name: 'app',
  in: undefined,
  target: parseTarget('unix:/run/app.sock'),
  options: defaultFlowOptions,
};

describe('expandSpec', () => {
  it('gives one mapping a container port, each with the host port beside it', () => {
    const pairs = mappingsOf('9000-9002:80-82/udp').map(({ hostPort, targetPort, protocol }) => ({
      hostPort,
      targetPort,
      protocol,
    }));
    expect(pairs).toEqual([
      { hostPort: { kind: 'fixed', port: 9000 }, targetPort: 80, protocol: 'udp' },
      { hostPort: { kind: 'fixed', port: 9001 }, targetPort: 81, protocol: 'udp' },
      { hostPort: { kind: 'fixed', port: 9002 }, targetPort: 82, protocol: 'udp' },
    ]);
  });

  it('asks for a free port for each container port where no host port is given', () => {
    const mappings = mappingsOf('80-81');
    expect(mappings.map(({ hostPort }) => hostPort)).toEqual([{ kind: 'free' }, { kind: 'free' }]);
    expect(mappings.map(({ targetPort }) => targetPort)).toEqual([80, 81]);
  });

  it('makes a pool of a host range for one container port', () => {
    expect(mappingsOf('9000-9010:80').map(({ hostPort }) => hostPort)).toEqual([
      { kind: 'pool', first: 9000, last: 9010 },
    ]);
  });

  it('keeps name, target, host ip and options in every mapping', () => {
    const [first, second] = mappingsOf('127.0.0.1:9000-9001:80-81');
    expect(first).toMatchObject({
      name: 'web',
      hostIp: { family: 4, text: '127.0.0.1' },
      target: { kind: 'ip', ip: { family: 4, text: '10.0.0.1' } },
      options: defaultFlowOptions,
    });
    expect(second).toMatchObject({ name: 'web', hostIp: first?.hostIp, target: first?.target });
  });

  it('takes every port there is', () => {
    expect(mappingsOf('1-65535:1-65535')).toHaveLength(65_535);
  });

  it('refuses SCTP, which parses', () => {
    expect(thrownBy(() => mappingsOf('8080:80/sctp'))).toMatchObject({
      code: 'SLUICE_UNSUPPORTED_PROTOCOL',
      message: 'unsupported protocol sctp: sluice forwards tcp and udp',
    });
  });

  it('forwards TCP, but not UDP, to a unix socket', () => {
    expect(expandSpec(parsePublishSpec('8080:80'), onUnixSocket)).toHaveLength(1);
    expect(thrownBy(() => expandSpec(parsePublishSpec('53/udp'), onUnixSocket))).toMatchObject({
      code: 'SLUICE_UNSUPPORTED_PROTOCOL',
      message: 'a unix socket takes tcp only, not udp',
    });
  });
});

describe('a mapping in words', () => {
  it.each([
    ['8080:80', '80/tcp', '8080', '0.0.0.0:8080'],
    ['53/udp', '53/udp', '', '0.0.0.0:0'],
    ['[::1]:8000-8010:80', '80/tcp', '8000-8010', '[::1]:8000-8010'],
  ])('of %s', (spec, targetPort, published, hostSide) => {
    const words = mappingsOf(spec).map((mapping) => [
      formatTargetPort(mapping),
      formatPublished(mapping.hostPort),
      formatHostSide(mapping),
    ]);
    expect(words).toEqual([[targetPort, published, hostSide]]);
  });
});
