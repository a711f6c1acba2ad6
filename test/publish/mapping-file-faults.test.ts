import { describe, expect, it } from '@jest/globals';
import { limits } from '../../src/limits.js';
import { parseMappingFile } from '../../src/publish/mapping-file.js';
import { targetAllowed } from '../../src/publish/target-spec.js';
import { thrownBy } from '../support/thrown.js';

const portAllowed =
  'a publish spec such as "8080:80", "127.0.0.1:5353:53/udp" or "9000-9010:9000-9010", a port, ' +
  'or an object with "target" and, as you like, "published", "host_ip" and "protocol"';
const durationAllowed = 'a duration such as "500ms", "5s" or "1m30s", at most 24 days (576h)';
const nameAllowed = 'a name of letters, digits, "_", "." and "-", starting with a letter or digit';
const flowsAllowed = 'a whole number from 1 to 1048576';
const entryKeys = 'name, to, network, ports, connect_timeout, wait, idle_timeout, udp_timeout, max_flows';

function faultsOf(text: string): readonly string[] {
  const error = thrownBy(() => parseMappingFile(text, 'f.json'));
  expect(error.code).toBe('SLUICE_BAD_MAPPING_FILE');
  return error.faults;
}

/** The faults of a file on one line, without the file's name and the place in its text. */
function faultsOfFile(file: unknown): string[] {
  return faultsOf(JSON.stringify(file)).map((fault) => fault.replace(/^f\.json:1:\d+: /, ''));
}

const faultsOfEntry = (keys: object) => faultsOfFile({ mappings: [{ to: 'db', ports: ['80'], ...keys }] });
const faultsOfPorts = (...ports: unknown[]) => faultsOfEntry({ ports });

describe('every fault of a file is told at once', () => {
  it('in the order of the text, each with its line, column, place, value and what is allowed', () => {
    const text = `{
  "nmae": "edge",
  "mappings": [
    { "to": "10.0.0.300", "ports": ["8080:80", "x:80"], "max_flows": 0 },
    { "ports": [{ "target": 0 }], "idle_timeout": 5,
      "ports": [70000] }
  ]
}`;
    const error = thrownBy(() => parseMappingFile(text, 'edge.json'));
    expect(error.message).toBe('edge.json has 8 faults: nothing is published from it');
    expect(error.faults).toEqual([
      'edge.json:2:11: nmae: unknown key, did you mean "name"? (known: $schema, name, mappings)',
      `edge.json:4:13: mappings[0].to: "10.0.0.300": invalid target "10.0.0.300": it must be ${targetAllowed}`,
      `edge.json:4:48: mappings[0].ports[1]: "x:80": invalid hostPort: x; it must be ${portAllowed}`,
      'edge.json:4:70: mappings[0].max_flows: 0 is not allowed: it must be a whole number from 1 to 1048576',
      'edge.json:5:5: mappings[1].to: "to" is missing',
      `edge.json:5:51: mappings[1].idle_timeout: 5 is not allowed: it must be ${durationAllowed}`,
      'edge.json:6:7: mappings[1].ports: this key stands here twice',
      'edge.json:6:17: mappings[1].ports[0]: 70000 is not allowed: it must be a port from 1 to 65535, or a range such as "8000-8010"',
    ]);
  });

  it('up to a limit, past which their number is told', () => {
    const ports = Array.from({ length: limits.faultsTold + 3 }, () => 'x');
    const faults = faultsOfPorts(...ports);
    expect(faults).toHaveLength(limits.faultsTold + 1);
    expect(faults.at(-1)).toBe('f.json: and 3 more');
  });

  it('and one is told in the singular', () => {
    expect(thrownBy(() => parseMappingFile('{}', 'f.json')).message).toBe(
      'f.json has 1 fault: nothing is published from it',
    );
  });
});

describe('a file that is no JSON', () => {
  it.each([
    ['', 'f.json:1:1: not JSON: the file is empty'],
    [
      '{"mappings": [],}',
      'f.json:1:17: not JSON: Expected double-quoted property name (JSON has no comments and no trailing commas)',
    ],
    ['\u0000{}', "f.json:1:1: not JSON: Unexpected token '\\u0000'"],
    [
      '// edge\n{}',
      "f.json:1:1: not JSON: Unexpected token '/' (JSON has no comments and no trailing commas)",
    ],
    ['['.repeat(50_000) + ']'.repeat(50_000), 'f.json:1:1: its values are nested too deeply'],
  ])('%#', (text, fault) => {
    expect(faultsOf(text)).toEqual([fault]);
  });
});

describe('unknown keys', () => {
  it.each([
    ['prots', 'ports'],
    ['port', 'ports'],
    ['Ports', 'ports'],
    ['connect-timeout', 'connect_timeout'],
    ['connectTimeout', 'connect_timeout'],
    ['maxflows', 'max_flows'],
    ['nam', 'name'],
  ])('%s: the nearest known one is %s', (key, nearest) => {
    expect(faultsOfEntry({ [key]: 1 })).toEqual([
      expect.stringContaining(`: unknown key, did you mean "${nearest}"? (known: ${entryKeys})`),
    ]);
  });

  it.each(['a', 'x-comment', 'zzzzzzzzzz', 'constructor', 'prototype', ''])('%j is near to none', (key) => {
    expect(faultsOfEntry({ [key]: 1 })).toEqual([
      expect.stringMatching(/^mappings\[0\].*: unknown key \(known: name, to, /),
    ]);
  });

  it('__proto__ is one', () => {
    expect(faultsOf('{"mappings":[{"to":"db","ports":["80"],"__proto__":{}}]}')).toEqual([
      `f.json:1:52: mappings[0].__proto__: unknown key (known: ${entryKeys})`,
    ]);
  });

  it('are told of a port too', () => {
    expect(faultsOfPorts({ target: 80, publish: 8080 })).toEqual([
      'mappings[0].ports[0].publish: unknown key, did you mean "published"? (known: target, published, host_ip, protocol)',
    ]);
  });

  it('are told along with what is wrong beside them', () => {
    expect(faultsOfEntry({ to: 7, a: 1, b: 2 })).toEqual([
      `mappings[0].to: 7 is not allowed: it must be ${targetAllowed}`,
      `mappings[0].a: unknown key (known: ${entryKeys})`,
      `mappings[0].b: unknown key (known: ${entryKeys})`,
    ]);
  });
});

describe('a value of the wrong kind', () => {
  it.each([null, [], 3, true, 'x'])('%j is no file', (file) => {
    expect(faultsOf(JSON.stringify(file))).toEqual([
      `f.json:1:1: ${JSON.stringify(file)} is not allowed: it must be an object with "mappings"`,
    ]);
  });

  it.each([null, [], 3, true, 'x'])('%j is no mapping', (entry) => {
    expect(faultsOfFile({ mappings: [entry] })).toEqual([
      `mappings[0]: ${JSON.stringify(entry)} is not allowed: it must be an object with "to" and "ports"`,
    ]);
  });

  it.each([null, [], true])('%j is no port', (port) => {
    expect(faultsOfPorts(port)).toEqual([
      `mappings[0].ports[0]: ${JSON.stringify(port)} is not allowed: it must be ${portAllowed}`,
    ]);
  });

  it.each([
    [{ mappings: {} }, 'mappings: {} is not allowed: it must be a list of mappings'],
    [{ mappings: [] }, 'mappings: [] is not allowed: it must be a list with at least one mapping'],
    [{}, 'mappings: "mappings" is missing'],
  ])('%j', (file, fault) => {
    expect(faultsOfFile(file)).toEqual([fault]);
  });

  it.each([
    ['name', null, nameAllowed],
    ['name', '', nameAllowed],
    ['name', '-web', nameAllowed],
    ['name', 'a b', nameAllowed],
    ['to', null, targetAllowed],
    ['network', 7, 'the name of a Docker network that the container is on'],
    ['network', 'a b', 'the name of a Docker network that the container is on'],
    ['ports', '80', 'a list of ports'],
    ['ports', [], 'a list with at least one port'],
    ['connect_timeout', '5', durationAllowed],
    ['wait', 10, durationAllowed],
    ['idle_timeout', -1, durationAllowed],
    ['udp_timeout', {}, durationAllowed],
    ['max_flows', '5', flowsAllowed],
    ['max_flows', 1.5, flowsAllowed],
    ['max_flows', 0.5, flowsAllowed],
    ['max_flows', 1_048_577, flowsAllowed],
    ['max_flows', 1e300, flowsAllowed],
  ])('%s may not be %j', (key, value, allowed) => {
    expect(faultsOfEntry({ [key]: value })).toEqual([
      `mappings[0].${key}: ${JSON.stringify(value)} is not allowed: it must be ${allowed}`,
    ]);
  });

  it('a number past what JSON can hold is told as one', () => {
    expect(faultsOf('{"mappings":[{"to":"db","ports":["80"],"max_flows":1e999}]}')).toEqual([
      'f.json:1:52: mappings[0].max_flows: Infinity is not allowed: it must be a whole number from 1 to 1048576',
    ]);
  });

  it('is cut short where it is long', () => {
    const [fault] = faultsOfEntry({ to: ['x'.repeat(1000)] });
    expect(fault?.length).toBeLessThan(targetAllowed.length + 150);
  });
});

describe('a value of the right kind that cannot be', () => {
  it.each(['connect_timeout', 'udp_timeout'])('no time at all for %s', (key) => {
    expect(faultsOfEntry({ [key]: '0s' })).toEqual([
      `mappings[0].${key}: "0s": invalid duration "0s": it must be 1ms or more`,
    ]);
  });

  it('a duration past the longest', () => {
    expect(faultsOfEntry({ udp_timeout: '577h' })).toEqual([
      `mappings[0].udp_timeout: "577h": invalid duration "577h": it must be ${durationAllowed}`,
    ]);
  });

  const port = 'a port from 1 to 65535, or a range such as "8000-8010"';
  it.each([
    [0, `mappings[0].ports[0]: 0 is not allowed: it must be ${port}`],
    ['0', `mappings[0].ports[0]: "0": invalid containerPort: 0; it must be ${portAllowed}`],
    [{}, 'mappings[0].ports[0].target: "target" is missing'],
    [{ target: 0 }, `mappings[0].ports[0].target: 0 is not allowed: it must be ${port}`],
    [{ target: null }, `mappings[0].ports[0].target: null is not allowed: it must be ${port}`],
    [
      { target: 'x' },
      `mappings[0].ports[0]: {"target":"x"}: invalid containerPort: x; it must be ${portAllowed}`,
    ],
    [
      { target: 80, published: 65_536 },
      `mappings[0].ports[0].published: 65536 is not allowed: it must be ${port}; "" or 0 is a free port`,
    ],
    [
      { target: 80, host_ip: 'web' },
      `mappings[0].ports[0]: {"target":80,"host_ip":"web"}: invalid IP address: web; it must be ${portAllowed}`,
    ],
    [
      { target: 80, protocol: 'sctp' },
      'mappings[0].ports[0].protocol: "sctp" is not allowed: it must be one of "tcp" and "udp"',
    ],
    ['80/sctp', 'mappings[0].ports[0]: "80/sctp": unsupported protocol sctp: sluice forwards tcp and udp'],
  ])('%j', (value, fault) => {
    expect(faultsOfPorts(value)).toEqual([fault]);
  });

  it('UDP to a unix socket', () => {
    expect(faultsOfEntry({ to: 'unix:/run/app.sock', ports: ['80', '53/udp'] })).toEqual([
      'mappings[0].ports[1]: "53/udp": a unix socket takes tcp only, not udp',
    ]);
  });
});

it('a network beside a target that is no container is a fault', () => {
  expect(faultsOfEntry({ to: '10.0.0.1', network: 'my-net' })).toEqual([
    'mappings[0].network: "my-net": a network is one of a container\'s, and 10.0.0.1 is no container',
  ]);
});

describe('what may stand in a file once only', () => {
  it('a key', () => {
    expect(faultsOf('{"name":"a","name":"b","mappings":[{"to":"db","ports":["80"]}]}')).toEqual([
      'f.json:1:13: name: this key stands here twice',
    ]);
  });

  it("a host port, on an address or inside another's wildcard", () => {
    const first = { to: 'a', ports: ['80:1', '81:1'] };
    const second = { to: 'b', ports: ['80:1', '127.0.0.1:81:1', '[::1]:81:1', '80:1/udp'] };
    expect(faultsOfFile({ mappings: [first, second] })).toEqual([
      'mappings[1].ports[0]: 0.0.0.0:80/tcp: port is already allocated, by mappings[0].ports[0]',
      'mappings[1].ports[1]: 127.0.0.1:81/tcp: port is already allocated, by mappings[0].ports[1]',
      'mappings[1].ports[2]: [::1]:81/tcp: port is already allocated, by mappings[0].ports[1]',
    ]);
  });

  it('a host port and a name, wherever else the file is at fault', () => {
    const first = { name: 'web', too: 'a', ports: ['80:1', true] };
    const second = { name: 'web', to: 7, ports: ['80:1'], max_flows: 0 };
    expect(faultsOfFile({ mappings: [first, second, null], nmae: 'edge' })).toEqual([
      'mappings[0].to: "to" is missing',
      `mappings[0].too: unknown key, did you mean "to"? (known: ${entryKeys})`,
      `mappings[0].ports[1]: true is not allowed: it must be ${portAllowed}`,
      'mappings[1].name: "web": this name is taken, by mappings[0]',
      `mappings[1].to: 7 is not allowed: it must be ${targetAllowed}`,
      'mappings[1].ports[0]: 0.0.0.0:80/tcp: port is already allocated, by mappings[0].ports[0]',
      `mappings[1].max_flows: 0 is not allowed: it must be ${flowsAllowed}`,
      'mappings[2]: null is not allowed: it must be an object with "to" and "ports"',
      'nmae: unknown key, did you mean "name"? (known: $schema, name, mappings)',
    ]);
  });

  it('a host port of entries that are no list of mappings is nobody’s', () => {
    expect(faultsOfFile({ mappings: { ports: ['80:1', '80:1'] } })).toEqual([
      'mappings: {"ports":["80:1","80:1"]} is not allowed: it must be a list of mappings',
    ]);
  });

  it('while 0.0.0.0 and [::] are apart', () => {
    const text = JSON.stringify({ mappings: [{ to: 'a', ports: ['0.0.0.0:80:1', '[::]:80:1'] }] });
    expect(parseMappingFile(text, 'f.json').mappings).toHaveLength(2);
  });

  it('a name', () => {
    const entry = { name: 'web', to: 'a', ports: ['80'] };
    expect(faultsOfFile({ mappings: [entry, { ...entry, name: 'db' }, entry] })).toEqual([
      'mappings[2].name: "web": this name is taken, by mappings[0]',
    ]);
  });

  it('every port of one protocol is the most there can be', () => {
    expect(faultsOfEntry({ ports: ['1-65535:1-65535', '1-2:1-2/udp'] })).toEqual([
      `mappings: 65537 ports are more than the ${limits.publishedPorts} of one instance`,
    ]);
  });
});
