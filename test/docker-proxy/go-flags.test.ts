import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { flagTable, readRequest } from '../../src/docker-proxy/flags.js';
import { parseFlags, usageOf } from '../../src/docker-proxy/go-flags.js';

function valuesOf(args: readonly string[]) {
  const parsed = parseFlags(flagTable, args);
  if (parsed.kind !== 'values') throw new Error(JSON.stringify(parsed));
  return parsed.values;
}

function faultOf(args: readonly string[]): string {
  const parsed = parseFlags(flagTable, args);
  return parsed.kind === 'fault' ? parsed.message : parsed.kind;
}

describe("a flag, as Go's flag package reads it", () => {
  test.each([
    { args: ['-proto', 'udp'], proto: 'udp' },
    { args: ['--proto', 'udp'], proto: 'udp' },
    { args: ['-proto=udp'], proto: 'udp' },
    { args: ['--proto=udp'], proto: 'udp' },
    { args: ['-proto='], proto: '' },
    { args: ['-proto', '-v'], proto: '-v' },
    { args: ['-proto=a=b'], proto: 'a=b' },
    { args: ['-proto', 'tcp', '-proto', 'udp'], proto: 'udp' },
    { args: ['--', '-proto', 'udp'], proto: 'tcp' },
    { args: ['word', '-proto', 'udp'], proto: 'tcp' },
    { args: ['-', '-proto', 'udp'], proto: 'tcp' },
    { args: [], proto: 'tcp' },
  ])('$args leaves -proto $proto', ({ args, proto }) => {
    expect(valuesOf(args).proto).toBe(proto);
  });

  test.each([
    ['80', 80],
    ['+80', 80],
    ['-1', -1],
    ['0x1F90', 8080],
    ['0b11', 3],
    ['0o17', 15],
    ['017', 15],
    ['8_080', 8080],
    ['0', 0],
  ])('an int %s is %d', (text, value) => {
    expect(valuesOf([`-host-port=${text}`])['host-port']).toBe(value);
  });

  test.each(['', ' 80', '80 ', '8e1', '0x', '09', '_1', '1__0', '1_', 'eighty'])(
    'an int %j is none',
    (text) => {
      expect(faultOf([`-host-port=${text}`])).toBe(
        `invalid value ${JSON.stringify(text)} for flag -host-port: parse error`,
      );
    },
  );

  test.each([
    { args: ['-use-listen-fd'], value: true },
    { args: ['-use-listen-fd=true'], value: true },
    { args: ['-use-listen-fd=F'], value: false },
    { args: ['-use-listen-fd', 'false'], value: true },
  ])('a boolean takes its value only with =: $args', ({ args, value }) => {
    expect(valuesOf(args)['use-listen-fd']).toBe(value);
  });

  test.each([
    { args: ['-x'], fault: 'flag provided but not defined: -x' },
    { args: ['-constructor'], fault: 'flag provided but not defined: -constructor' },
    { args: ['---proto'], fault: 'bad flag syntax: ---proto' },
    { args: ['-=udp'], fault: 'bad flag syntax: -=udp' },
    { args: ['-host-port'], fault: 'flag needs an argument: -host-port' },
    {
      args: ['-host-port', '99999999999999999999'],
      fault: 'invalid value "99999999999999999999" for flag -host-port: value out of range',
    },
    { args: ['-v=yes'], fault: 'invalid boolean value "yes" for -v: parse error' },
    {
      args: ['-host-ip', '1.2.3'],
      fault: 'invalid value "1.2.3" for flag -host-ip: invalid IP address: 1.2.3',
    },
    { args: ['-h'], fault: 'help' },
    { args: ['--help'], fault: 'help' },
  ])('$args is told of as $fault', ({ args, fault }) => {
    expect(faultOf(args)).toBe(fault);
  });

  it('is listed as Go lists it', () => {
    expect(usageOf('docker-proxy', flagTable)).toBe(
      [
        'Usage of docker-proxy:',
        '  -container-ip value',
        '    \tcontainer ip (default 0.0.0.0)',
        '  -container-port int',
        '    \tcontainer port (default -1)',
        '  -host-ip value',
        '    \thost ip (default 0.0.0.0)',
        '  -host-port int',
        '    \thost port (default -1)',
        '  -proto string',
        '    \tproxy protocol (default "tcp")',
        '  -use-listen-fd',
        '    \tuse a supplied listen fd',
        '  -v\tprint version information and quit',
        '  -version',
        '    \tprint version information and quit',
        '',
      ].join('\n'),
    );
  });

  it('is never met with anything but values, help or a fault in words', () => {
    const word = fc.oneof(fc.string(), fc.constantFrom(...Object.keys(flagTable).map((name) => `-${name}`)));
    fc.assert(
      fc.property(fc.array(word), (args) => {
        expect(['values', 'help', 'fault']).toContain(parseFlags(flagTable, args).kind);
      }),
    );
  });
});

describe('a request', () => {
  const whole = [
    '-host-ip',
    '::',
    '-host-port',
    '8080',
    '-container-ip',
    '172.17.0.2',
    '-container-port',
    '80',
  ];

  it('has the addresses and ports of its flags', () => {
    expect(readRequest(valuesOf(whole))).toEqual({
      protocol: 'tcp',
      host: { ip: { family: 6, text: '::' }, port: 8080 },
      container: { ip: { family: 4, text: '172.17.0.2' }, port: 80 },
      useListenDescriptor: false,
    });
  });

  test.each([
    { more: ['-proto', 'sctp'], message: 'unsupported protocol sctp' },
    { more: ['-proto', 'TCP'], message: 'unsupported protocol TCP' },
    { more: ['-host-port', '65536'], message: '-host-port 65536 is no port: it has to be from 0 to 65535' },
    { more: ['-container-port', '0'], message: '-container-port 0 is no port: it has to be from 1 to 65535' },
  ])('with $more is refused: $message', ({ more, message }) => {
    expect(() => readRequest(valuesOf([...whole, ...more]))).toThrow(message);
  });

  it('needs no host port where the socket is there already', () => {
    const values = valuesOf(['-use-listen-fd', '-container-ip', '172.17.0.2', '-container-port', '80']);
    expect(readRequest(values)).toMatchObject({ useListenDescriptor: true, host: { port: 0 } });
  });
});
