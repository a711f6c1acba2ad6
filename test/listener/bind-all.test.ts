/** How mappings become listeners, on a machine made up for each case. */
import { describe, expect, it } from '@jest/globals';
import { limits } from '../../src/limits.js';
import { bindAll } from '../../src/listener/bind-all.js';
import { FakeBinder } from '../support/fake-binder.js';
import { mappingsOf } from '../support/mappings.js';
import { rejectionOf } from '../support/thrown.js';

/** The endpoints that specs are bound to, a list a mapping. */
async function boundTo(binder: FakeBinder, ...specs: string[]): Promise<string[][]> {
  const bound = await bindAll(binder, mappingsOf(...specs));
  return bound.map(({ listeners }) =>
    listeners.map(({ endpoint }) => `${endpoint.ip.text}:${endpoint.port}`),
  );
}

const taking = (...taken: string[]) =>
  new FakeBinder(({ ip, port }) => (taken.includes(`${ip.text}:${port}`) ? 'EADDRINUSE' : undefined));

describe('a mapping', () => {
  it('with a host ip has one listener', async () => {
    expect(await boundTo(new FakeBinder(), '127.0.0.1:80:80', '[::1]:80:80')).toEqual([
      ['127.0.0.1:80'],
      ['::1:80'],
    ]);
  });

  it('without one has two, on 0.0.0.0 and [::] and on the same port, a free one too', async () => {
    expect(await boundTo(new FakeBinder(), '80:80', '81')).toEqual([
      ['0.0.0.0:80', ':::80'],
      ['0.0.0.0:49152', ':::49152'],
    ]);
  });

  it('is given back in the order asked for, whatever was bound first', async () => {
    expect(await boundTo(new FakeBinder(), '127.0.0.1::1', '127.0.0.1:90-91:2', '127.0.0.1:80:3')).toEqual([
      ['127.0.0.1:49152'],
      ['127.0.0.1:90'],
      ['127.0.0.1:80'],
    ]);
  });
});

describe('ports asked for by number', () => {
  it('are bound before pools, and pools before free ones', async () => {
    const binder = new FakeBinder();
    await boundTo(binder, '127.0.0.1::1', '127.0.0.1:90-91:2', '127.0.0.1:80:3');
    expect(binder.asked).toEqual(['tcp 127.0.0.1:80', 'tcp 127.0.0.1:90', 'tcp 127.0.0.1:0']);
  });

  it('are not taken by a pool that comes first', async () => {
    expect(await boundTo(new FakeBinder(), '127.0.0.1:80-81:1', '127.0.0.1:80:2')).toEqual([
      ['127.0.0.1:81'],
      ['127.0.0.1:80'],
    ]);
  });
});

describe('a pool', () => {
  it('takes the first port that is free on every address', async () => {
    const binder = taking('0.0.0.0:80', ':::81');
    expect(await boundTo(binder, '80-90:1')).toEqual([['0.0.0.0:82', ':::82']]);
    expect([...binder.bound]).toEqual(['tcp 0.0.0.0:82', 'tcp :::82']);
  });

  it('is shared: the first mapping has the first port', async () => {
    expect(await boundTo(new FakeBinder(), '127.0.0.1:80-81:1', '127.0.0.1:80-81:2')).toEqual([
      ['127.0.0.1:80'],
      ['127.0.0.1:81'],
    ]);
  });

  it('has the next mapping wait until it is settled, also where it was refused a port on [::]', async () => {
    expect(await boundTo(taking(':::80'), '80-82:1', '80-82:2')).toEqual([
      ['0.0.0.0:81', ':::81'],
      ['0.0.0.0:82', ':::82'],
    ]);
  });

  it('of which none is free fails in the words of Docker', async () => {
    const failure = await rejectionOf(
      boundTo(new FakeBinder(), '127.0.0.1:80-81:1', '127.0.0.1:80-81:2', '127.0.0.1:80-81:3'),
    );
    expect(failure).toMatchObject({
      code: 'SLUICE_PORT_ALLOCATED',
      message: 'Bind for 127.0.0.1:80-81 failed: all ports are allocated',
    });
  });

  it('that may not be bound fails at once, not after every port', async () => {
    const binder = new FakeBinder(() => 'EACCES');
    expect((await rejectionOf(boundTo(binder, '127.0.0.1:80-90:1'))).code).toBe('SLUICE_BIND_FAILED');
    expect(binder.asked).toHaveLength(1);
  });
});

describe('a free port', () => {
  it('that is taken on [::] is left for another', async () => {
    const binder = taking(':::49152', ':::49153');
    expect(await boundTo(binder, '80')).toEqual([['0.0.0.0:49154', ':::49154']]);
    expect([...binder.bound]).toEqual(['tcp 0.0.0.0:49154', 'tcp :::49154']);
  });

  it('is looked for a bounded number of times', async () => {
    const binder = new FakeBinder(({ ip }) => (ip.family === 6 ? 'EADDRINUSE' : undefined));
    const failure = await rejectionOf(boundTo(binder, '80'));
    const lastPort = 49_152 + limits.freePortAttempts - 1;
    expect(failure.message).toBe(`Bind for [::]:${lastPort} failed: port is already allocated`);
    expect(binder.asked).toHaveLength(2 * limits.freePortAttempts);
    expect(binder.bound.size).toBe(0);
  });
});

describe('a machine without IPv6', () => {
  const withoutIpv6 = (errno: string) => new FakeBinder(({ ip }) => (ip.family === 6 ? errno : undefined));

  it.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])(
    'serves IPv4 alone where binding [::] says %s',
    async (errno) => {
      expect(await boundTo(withoutIpv6(errno), '80:80', '81', '90-91:82')).toEqual([
        ['0.0.0.0:80'],
        ['0.0.0.0:49152'],
        ['0.0.0.0:90'],
      ]);
    },
  );

  it('fails where an IPv6 address was asked for by name', async () => {
    const failure = await rejectionOf(boundTo(withoutIpv6('EAFNOSUPPORT'), '[::]:80:80'));
    expect(failure).toMatchObject({
      code: 'SLUICE_BIND_FAILED',
      message: 'Bind for [::]:80 failed: this machine has no addresses of that family',
    });
  });
});

describe('all or nothing', () => {
  it('tells every failure, in the order asked for, and leaves nothing bound', async () => {
    const binder = taking('127.0.0.1:81', ':::83');
    const failure = await rejectionOf(
      boundTo(
        binder,
        '127.0.0.1::1',
        '127.0.0.1:80:80',
        '127.0.0.1:81:81',
        '127.0.0.1:81-81:82/udp',
        '83:83',
      ),
    );
    expect(failure).toMatchObject({
      code: 'SLUICE_PORT_ALLOCATED',
      message: '3 ports cannot be published:',
      faults: [
        'Bind for 127.0.0.1:81 failed: port is already allocated',
        'Bind for 127.0.0.1:81 failed: port is already allocated',
        'Bind for [::]:83 failed: port is already allocated',
      ],
    });
    expect(binder.bound.size).toBe(0);
  });

  it('refuses mappings that want one port before it binds any', async () => {
    const binder = new FakeBinder();
    const failure = await rejectionOf(boundTo(binder, '80:1', '127.0.0.1:80:2', '81:3'));
    expect(failure).toMatchObject({
      code: 'SLUICE_PORT_ALLOCATED',
      message:
        'Bind for 127.0.0.1:80 failed: port is already allocated (by 0.0.0.0:80 of web, in this request)',
    });
    expect(binder.asked).toEqual([]);
  });
});

describe('a thousand mappings', () => {
  it.each([
    ['fixed ports', '127.0.0.1:1001-2000:1001-2000'],
    ['free ports', '127.0.0.1::1001-2000'],
  ])('of %s are bound side by side, but not too many at once', async (_, spec) => {
    const binder = new FakeBinder();
    expect(await boundTo(binder, spec)).toHaveLength(1000);
    expect(binder.mostAtOnce).toBe(limits.bindsAtOnce);
    expect(binder.bound.size).toBe(1000);
  });
});
