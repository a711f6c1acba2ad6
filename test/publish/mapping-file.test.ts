import { describe, expect, it } from '@jest/globals';
import { parseMappingFile } from '../../src/publish/mapping-file.js';

const example = `{ "$schema": "./mapping-file.schema.json", "name": "edge",
  "mappings": [
    { "name": "web", "to": "172.17.0.2", "ports": ["8080:80", "127.0.0.1:5353:53/udp",
        { "target": 443, "published": "8443", "host_ip": "127.0.0.1", "protocol": "tcp" }],
      "connect_timeout": "5s", "wait": "30s", "idle_timeout": "10m", "udp_timeout": "90s", "max_flows": 10000 } ] }`;

/** The host and target sides that one entry of a file's "ports" stands for. */
function portsOf(port: unknown) {
  const text = JSON.stringify({ mappings: [{ to: 'db', ports: [port] }] });
  return parseMappingFile(text, 'f.json').mappings.map(({ hostIp, hostPort, protocol, targetPort }) => ({
    hostIp: hostIp?.text,
    hostPort,
    protocol,
    targetPort,
  }));
}

function onlyMapping(keys: object) {
  const text = JSON.stringify({ mappings: [{ to: 'db.internal', ports: ['80'], ...keys }] });
  const [mapping] = parseMappingFile(text, 'f.json').mappings;
  if (mapping === undefined) throw new Error('no mapping');
  return mapping;
}

describe('the example of the documentation', () => {
  const common = {
    name: 'web',
    target: { kind: 'ip', ip: { family: 4, text: '172.17.0.2' } },
    options: {
      connectTimeoutMs: 5_000,
      waitMs: 30_000,
      idleTimeoutMs: 600_000,
      udpTimeoutMs: 90_000,
      maxFlows: 10_000,
    },
  };
  const loopback = { family: 4, text: '127.0.0.1' };

  it('gives exactly these mappings', () => {
    expect(parseMappingFile(example, 'edge.json')).toEqual({
      name: 'edge',
      mappings: [
        {
          ...common,
          protocol: 'tcp',
          hostIp: undefined,
          hostPort: { kind: 'fixed', port: 8080 },
          targetPort: 80,
        },
        {
          ...common,
          protocol: 'udp',
          hostIp: loopback,
          hostPort: { kind: 'fixed', port: 5353 },
          targetPort: 53,
        },
        {
          ...common,
          protocol: 'tcp',
          hostIp: loopback,
          hostPort: { kind: 'fixed', port: 8443 },
          targetPort: 443,
        },
      ],
    });
  });
});

describe('what is left out has a default', () => {
  it('names no instance', () => {
    expect(parseMappingFile('{"mappings":[{"to":"db","ports":["80"]}]}', 'f.json').name).toBeUndefined();
  });

  it('names a mapping by its target', () => {
    expect(onlyMapping({ to: '[FD00::2]' }).name).toBe('fd00::2');
  });

  it('gives 10 s to connect, 10 s to a target that is absent, 90 s to UDP, no end to an idle TCP flow', () => {
    expect(onlyMapping({}).options).toEqual({
      connectTimeoutMs: 10_000,
      waitMs: 10_000,
      idleTimeoutMs: undefined,
      udpTimeoutMs: 90_000,
      maxFlows: 16_384,
    });
  });

  it('takes "0s" for no wait', () => {
    expect(onlyMapping({ wait: '0s' }).options.waitMs).toBe(0);
  });

  it('takes "0s" for no idle timeout', () => {
    expect(onlyMapping({ idle_timeout: '0s' }).options.idleTimeoutMs).toBeUndefined();
  });
});

describe('"to"', () => {
  it.each([
    ['172.17.0.2', { kind: 'ip', ip: { family: 4, text: '172.17.0.2' } }],
    ['db.internal', { kind: 'name', name: 'db.internal' }],
    ['docker:web', { kind: 'docker', container: 'web', network: undefined }],
    ['unix:/run/app.sock', { kind: 'unix', path: '/run/app.sock' }],
  ])('may be %s', (to, target) => {
    expect(onlyMapping({ to }).target).toEqual(target);
  });

  it('is a container beside "network"', () => {
    const target = { kind: 'docker', container: 'db', network: 'my-net' };
    expect(onlyMapping({ to: 'db', network: 'my-net' })).toMatchObject({ name: 'db', target });
  });
});

describe('a port', () => {
  const free = { kind: 'free' };
  it.each([
    ['a short spec', '8080:80', undefined, { kind: 'fixed', port: 8080 }],
    ['a spec with an address', '[::1]:8080:80', '::1', { kind: 'fixed', port: 8080 }],
    ['a pool', '9000-9010:80', undefined, { kind: 'pool', first: 9000, last: 9010 }],
    ['a number', 80, undefined, free],
    ['a long spec in a text', 'target=80,published=8080', undefined, { kind: 'fixed', port: 8080 }],
    ['an object', { target: 80 }, undefined, free],
    ['an object with texts', { target: '80', published: '8080' }, undefined, { kind: 'fixed', port: 8080 }],
    ['an object with numbers', { target: 80, published: 8080 }, undefined, { kind: 'fixed', port: 8080 }],
    ['an object with empty texts', { target: 80, published: '', host_ip: '' }, undefined, free],
    ['an object with published 0', { target: 80, published: 0 }, undefined, free],
    ['an object with published "0"', { target: 80, published: '0' }, undefined, free],
    ['an object with an address', { target: 80, host_ip: '[::1]' }, '::1', free],
    [
      'an object with a pool',
      { target: 80, published: '9000-9010' },
      undefined,
      { kind: 'pool', first: 9000, last: 9010 },
    ],
  ])('may be %s', (_, port, hostIp, hostPort) => {
    expect(portsOf(port)).toEqual([{ hostIp, hostPort, protocol: 'tcp', targetPort: 80 }]);
  });

  it('may be an object with ranges', () => {
    expect(portsOf({ target: '80-81', published: '9000-9001', protocol: 'UDP' })).toEqual([
      { hostIp: undefined, hostPort: { kind: 'fixed', port: 9000 }, protocol: 'udp', targetPort: 80 },
      { hostIp: undefined, hostPort: { kind: 'fixed', port: 9001 }, protocol: 'udp', targetPort: 81 },
    ]);
  });
});

describe('a file', () => {
  it('may begin with a byte order mark', () => {
    expect(parseMappingFile(`\uFEFF${example}`, 'edge.json').mappings).toHaveLength(3);
  });

  it('may publish every port', () => {
    expect(portsOf('1-65535:1-65535')).toHaveLength(65_535);
  });

  it('may have mappings that go to the same target without names', () => {
    const entry = { to: 'db', ports: ['80'] };
    expect(parseMappingFile(JSON.stringify({ mappings: [entry, entry] }), 'f.json').mappings).toHaveLength(2);
  });
});
