/** Docker's cases are those of go-connections' nat_test.go. */
import { describe, expect, it } from '@jest/globals';
import { formatPublishSpec, parsePublishSpec } from '../../src/publish/publish-spec.js';
import { thrownBy } from '../support/thrown.js';

/** A spec as its parts: host ip, host ports, container ports, protocol. */
function partsOf(text: string): (string | undefined)[] {
  const { hostIp, hostPorts, containerPorts, protocol } = parsePublishSpec(text);
  const range = (ports: { first: number; last: number }) => `${ports.first}-${ports.last}`;
  return [hostIp?.text, hostPorts && range(hostPorts), range(containerPorts), protocol];
}

describe('the short form', () => {
  it.each([
    ['80', undefined, undefined, '80-80', 'tcp'],
    [':80', undefined, undefined, '80-80', 'tcp'],
    ['::80', undefined, undefined, '80-80', 'tcp'],
    ['8080:80', undefined, '8080-8080', '80-80', 'tcp'],
    [':8080:80', undefined, '8080-8080', '80-80', 'tcp'],
    ['127.0.0.1:8080:80', '127.0.0.1', '8080-8080', '80-80', 'tcp'],
    ['127.0.0.1::80', '127.0.0.1', undefined, '80-80', 'tcp'],
    ['192.168.1.100::6000/udp', '192.168.1.100', undefined, '6000-6000', 'udp'],
    ['0.0.0.0:1234:3333/tcp', '0.0.0.0', '1234-1234', '3333-3333', 'tcp'],
  ])('%s', (text, ...parts) => {
    expect(partsOf(text)).toEqual(parts);
  });
});

describe('IPv6 host addresses', () => {
  it.each([
    ['[2001:4860:0:2001::68]::333', '2001:4860:0:2001::68', undefined, '333-333'],
    ['[::1]:80:80', '::1', '80-80', '80-80'],
    ['2001:4860:0:2001::68::333', '2001:4860:0:2001::68', undefined, '333-333'],
    ['::1:80:80', '::1', '80-80', '80-80'],
    ['::::80', '::', undefined, '80-80'],
    ['[::]::80', '::', undefined, '80-80'],
    ['[fe80::1%eth0]:80:80', 'fe80::1%eth0', '80-80', '80-80'],
    ['[::ffff:10.0.0.1]:80:80', '10.0.0.1', '80-80', '80-80'],
    ['[127.0.0.1]:80:80', '127.0.0.1', '80-80', '80-80'],
  ])('%s', (text, hostIp, hostPorts, containerPorts) => {
    expect(partsOf(text)).toEqual([hostIp, hostPorts, containerPorts, 'tcp']);
  });
});

describe('ranges', () => {
  it.each([
    ['9000-9010:9000-9010', undefined, '9000-9010', '9000-9010'],
    ['0.0.0.0:1234-1235:3333-3334', '0.0.0.0', '1234-1235', '3333-3334'],
    ['80-82', undefined, undefined, '80-82'],
    ['127.0.0.1::80-82', '127.0.0.1', undefined, '80-82'],
    ['80-80:80', undefined, '80-80', '80-80'],
  ])('%s has equal ends, or free host ports', (text, hostIp, hostPorts, containerPorts) => {
    expect(partsOf(text)).toEqual([hostIp, hostPorts, containerPorts, 'tcp']);
  });

  it('a host range for one container port is a pool', () => {
    expect(partsOf('9000-9010:80')).toEqual([undefined, '9000-9010', '80-80', 'tcp']);
  });
});

describe('a host port of 0', () => {
  it.each(['0:80', '0-0:80', ':80', 'target=80,published=0'])('%s asks for a free port', (text) => {
    expect(parsePublishSpec(text).hostPorts).toBeUndefined();
  });
});

describe('the protocol', () => {
  it.each([
    ['80/tcp', 'tcp'],
    ['80/TCP', 'tcp'],
    ['80/Udp', 'udp'],
    ['8080:80/UDP', 'udp'],
    ['80/sctp', 'sctp'],
    ['80/', 'tcp'],
  ])('of %s is %s', (text, protocol) => {
    expect(parsePublishSpec(text).protocol).toBe(protocol);
  });
});

describe('the long form', () => {
  it.each([
    ['target=80', undefined, undefined, '80-80', 'tcp'],
    ['target=80,published=8080,protocol=tcp,host_ip=127.0.0.1', '127.0.0.1', '8080-8080', '80-80', 'tcp'],
    ['protocol=UDP,published=5353,target=53', undefined, '5353-5353', '53-53', 'udp'],
    ['target=80,host_ip=::1', '::1', undefined, '80-80', 'tcp'],
    ['target=80,host_ip=[::1]', '::1', undefined, '80-80', 'tcp'],
    ['target=80-81,published=9000-9001', undefined, '9000-9001', '80-81', 'tcp'],
    ['target=80,published=9000-9010', undefined, '9000-9010', '80-80', 'tcp'],
    [' target = 80 , published = 8080 ', undefined, '8080-8080', '80-80', 'tcp'],
    ['target=80,published=,protocol=,host_ip=', undefined, undefined, '80-80', 'tcp'],
  ])('%s', (text, ...parts) => {
    expect(partsOf(text)).toEqual(parts);
  });

  it.each([
    ['published=80', "missing mandatory field 'target'"],
    ['target=', "missing mandatory field 'target'"],
    ['target=80,', "invalid publish opts format (should be name=value but got '')"],
    ['target=80,tcp', "invalid publish opts format (should be name=value but got 'tcp')"],
    ['=80', "invalid publish opts format (should be name=value but got '=80')"],
    ['target=80,mode=host', 'invalid field key: mode (known: target, published, protocol, host_ip)'],
    ['target=80,target=81', 'field given twice: target'],
    ['target=x', 'invalid containerPort: x'],
    ['target=80,published=x', 'invalid hostPort: x'],
    ['target=80,protocol=icmp', 'invalid proto: icmp'],
    ['target=80,host_ip=web', 'invalid IP address: web'],
  ])('%s is refused', (text, message) => {
    expect(thrownBy(() => parsePublishSpec(text))).toMatchObject({ code: 'SLUICE_BAD_SPEC', message });
  });
});

describe("faults, in Docker's words", () => {
  it.each([
    ['', 'no port specified: <empty>'],
    ['/tcp', 'no port specified: /tcp<empty>'],
    ['8080:', 'no port specified: 8080:<empty>'],
    ['0.0.0.0:1234-1235:/tcp', 'no port specified: 0.0.0.0:1234-1235:/tcp<empty>'],
    ['0.0.0.0:1234-1235:', 'no port specified: 0.0.0.0:1234-1235:<empty>'],
    ['80/icmp', 'invalid proto: icmp'],
    ['80/FOO', 'invalid proto: foo'],
    ['80/udp/tcp', 'invalid proto: udp/tcp'],
    ['localhost:1234:1234/tcp', 'invalid IP address: localhost'],
    ['[web]:80:80', 'invalid IP address: web'],
    ['256.0.0.1:80:80', 'invalid IP address: 256.0.0.1'],
    ['010.0.0.1:80:80', 'invalid IP address: 010.0.0.1'],
    ['::1]:80:80', 'invalid IP address: ::1]'],
    ['192.168.1.100', 'invalid containerPort: 192.168.1.100'],
    ['192.168.1.100:-1:-1', 'invalid containerPort: -1'],
    ['asdf', 'invalid containerPort: asdf'],
    ['8080:65536', 'invalid containerPort: 65536'],
    ['80:81-80', 'invalid containerPort: 81-80'],
    ['8080:0', 'invalid containerPort: 0'],
    ['x:80', 'invalid hostPort: x'],
    ['65536:80', 'invalid hostPort: 65536'],
    ['9010-9000:80', 'invalid hostPort: 9010-9000'],
    ['0-5:80', 'invalid hostPort: 0-5'],
    ['9000-9010:80-81', 'invalid ranges specified for container and host Ports: 80-81 and 9000-9010'],
    ['9000:80-81', 'invalid ranges specified for container and host Ports: 80-81 and 9000'],
  ])('%j: %s', (text, message) => {
    expect(thrownBy(() => parsePublishSpec(text))).toMatchObject({ code: 'SLUICE_BAD_SPEC', message });
  });

  it('are told on one line, whatever was written', () => {
    expect(thrownBy(() => parsePublishSpec('80\n\u001b[31m')).message).toBe(
      'invalid containerPort: 80\\n\\u001b[31m',
    );
  });

  it('tell of several the one that Docker tells', () => {
    expect(thrownBy(() => parsePublishSpec('web:x:y/icmp')).message).toBe('invalid proto: icmp');
    expect(thrownBy(() => parsePublishSpec('web:x:y')).message).toBe('invalid IP address: web');
    expect(thrownBy(() => parsePublishSpec('x:y')).message).toBe('invalid containerPort: y');
  });
});

describe('formatPublishSpec', () => {
  it.each([
    [':8080:6000/tcp', '8080:6000/tcp'],
    ['192.168.1.100:8080:6000', '192.168.1.100:8080:6000/tcp'],
    ['192.168.1.100::6000/udp', '192.168.1.100::6000/udp'],
    ['::6000', '6000/tcp'],
    ['::1:8080:6000/udp', '[::1]:8080:6000/udp'],
    ['::::6000/udp', '[::]::6000/udp'],
    ['9000-9010:80', '9000-9010:80/tcp'],
    ['0:80/sctp', '80/sctp'],
  ])('prints %s as %s', (text, printed) => {
    expect(formatPublishSpec(parsePublishSpec(text))).toBe(printed);
  });
});
