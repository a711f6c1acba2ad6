import { describe, expect, it } from '@jest/globals';
import { quickRunOptions } from '../../src/cli/quick-run.js';

const defaults = {
  drainTimeout: '10s',
  engine: 'auto',
  logLevel: 'info',
  accessLog: true,
  control: true,
  publishAll: false,
};

describe('a run that is plainly right', () => {
  it.each([
    [['-p', '8080:80', '172.17.0.2'], { publish: ['8080:80'], target: '172.17.0.2' }],
    [
      ['172.17.0.2', '-p', '80', '--publish=53:53/udp'],
      { publish: ['80', '53:53/udp'], target: '172.17.0.2' },
    ],
    [['-P', 'web'], { publishAll: true, target: 'web' }],
    [['--publish-all', '--network', 'my-net', 'web'], { publishAll: true, network: 'my-net', target: 'web' }],
    [['-p80', 'db'], { publish: ['80'], target: 'db' }],
    [
      ['-p8080:80', '-p=127.0.0.1::81', '-p[::1]::82/udp', 'db'],
      { publish: ['8080:80', '127.0.0.1::81', '[::1]::82/udp'], target: 'db' },
    ],
    [['-Pp8080:80', 'db'], { publish: ['8080:80'], publishAll: true, target: 'db' }],
    [['--config', 'edge.json'], { config: 'edge.json' }],
    [['-p', '80', 'db', '--no-access-log'], { publish: ['80'], target: 'db', accessLog: false }],
    [
      [
        '-p',
        '80',
        'db',
        '--engine',
        'stream',
        '--log-level=warn',
        '--max-flows',
        '5',
        '--idle-timeout',
        '1m',
        '--wait=0s',
      ],
      {
        publish: ['80'],
        target: 'db',
        engine: 'stream',
        logLevel: 'warn',
        maxFlows: '5',
        idleTimeout: '1m',
        wait: '0s',
      },
    ],
    [['-p', '80', 'db', '--no-control'], { publish: ['80'], target: 'db', control: false }],
    [['-p', '80', '--', 'db'], { publish: ['80'], target: 'db' }],
    [['-p', '80', '--', '-p80'], { publish: ['80'], target: '-p80' }],
    [['-p', '80', '10.0'], { publish: ['80'], target: '10.0' }],
  ])('%j is read at once', (argv, options) => {
    expect(quickRunOptions(['run', ...argv])).toEqual({ ...defaults, ...options });
  });
});

describe('everything else', () => {
  it.each([
    [[]],
    [['check', 'edge.json']],
    [['run']],
    [['run', '--help']],
    [['run', '-h', '-p', '80', 'db']],
    [['run', '--version']],
    [['run', '-p', '80', 'db', 'extra']],
    [['run', '-p', '80', 'db', '--', 'extra']],
    [['run', '-p', '80', 'db', '--', '-p', '81']],
    [['run', '--config', 'edge.json', 'db']],
    [['run', '-p']],
    [['run', '-p', '80', 'db', '--nope']],
    [['run', '-p', '80', 'db', '--nope=1']],
    [['run', '-p', '80', 'db', '-x']],
    [['run', '-p', '80', 'db', '--engine', 'warp']],
    [['run', '-p', '80', 'db', '--log-level', 'loud']],
    [['run', '-p', '80', 'db', '--name', '']],
    [['run', '-p', '80', 'db', '--name']],
    [['run', '-p', '80', 'db', '--engine']],
    [['run', '--log-level', '-p', '80', 'db']],
    [['run', '-p', '80', 'db', '--name', 'a', '--name', 'b']],
    [['run', '-p', '80', '--network', '', 'db']],
    [['run', '-p', '80', 'db', '--constructor', '1']],
    [['run', '-p', '80', 'db', '--__proto__', '1']],
  ])('%j is left to the whole parser', (argv) => {
    expect(quickRunOptions(argv)).toBeUndefined();
  });
});

it.each([
  [['run', '-p', '80', 'db', '--access-log=maybe'], '--access-log=maybe: it must be true or false'],
  [['run', '-p', '80', 'db', '--no-control=false'], '--no-control=false: it takes no value'],
  [['run', '--no-publish', 'db'], '--no-publish: only what is on or off takes --no-'],
])('%j is refused at once', (argv, message) => {
  expect(() => quickRunOptions(argv)).toThrow(message);
});
