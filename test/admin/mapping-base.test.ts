import { describe, expect, it } from '@jest/globals';
import { baseOf, type Whereabouts } from '../../src/admin/mapping-base.js';
import { defaultFlowOptions, expandSpec, type Mapping } from '../../src/publish/mapping.js';
import { parsePublishSpec } from '../../src/publish/publish-spec.js';
import { onNetwork, parseTarget } from '../../src/publish/target-spec.js';
import { thrownBy } from '../support/thrown.js';

interface Written {
  readonly name: string;
  readonly to: string;
  readonly network?: string;
  readonly in?: string;
}

function mapping({ name, to, network, in: container }: Written): Mapping {
  const target = parseTarget(to);
  const base = {
    name,
    in: container === undefined ? undefined : ({ kind: 'container', container } as const),
    target: network === undefined ? target : onNetwork(target, network),
    options: { ...defaultFlowOptions, waitMs: 1 },
  };
  const [only] = expandSpec(parsePublishSpec('80'), base);
  if (only === undefined) throw new Error('one port is one mapping');
  return only;
}

const nowhere: Whereabouts = { to: undefined, network: undefined, in: undefined };
const asked = (mappings: readonly Mapping[], whereabouts: Partial<Whereabouts> = {}) =>
  baseOf('edge', mappings, { ...nowhere, ...whereabouts });

const web = mapping({ name: 'web', to: 'docker:web' });
const webOnFront = mapping({ name: 'front', to: 'docker:web', network: 'front' });
const database = mapping({ name: 'db', to: '10.0.0.2', in: 'busybox' });

describe('what mappings published later have in common with those there are', () => {
  it('is everything, where all lead to one target', () => {
    expect(asked([web])).toMatchObject({ name: 'web', target: web.target, options: web.options });
  });

  it.each(['db', '10.0.0.2'])('is that of the mapping that %s means', (to) => {
    expect(asked([web, database], { to })).toMatchObject({
      name: 'db',
      in: database.in,
      options: { waitMs: 1 },
    });
  });

  it('has to be said, where they lead to several targets', () => {
    expect(thrownBy(() => asked([web, database]))).toMatchObject({
      code: 'SLUICE_BAD_REQUEST',
      message: 'edge leads to 2 targets: say which one with --to (docker:web, 10.0.0.2)',
    });
  });

  it('is the defaults for a target that is new, which is listened for where all are', () => {
    const fresh = { name: '10.0.0.9', options: defaultFlowOptions };
    expect(asked([web], { to: '10.0.0.9' })).toMatchObject({ ...fresh, in: undefined });
    expect(asked([database], { to: '10.0.0.9' })).toMatchObject({ ...fresh, in: database.in });
    expect(asked([web, database], { to: '10.0.0.9' })).toMatchObject({ ...fresh, in: undefined });
  });

  it('is that of the mapping on the network asked for, where there is one', () => {
    expect(asked([web, webOnFront], { network: 'front' })).toMatchObject({ name: 'front' });
    expect(asked([webOnFront, web], { to: 'docker:web' })).toMatchObject({ name: 'web' });
  });
});

describe('a network', () => {
  it.each(['docker:web', 'web', undefined])('is by which the container is reached: %s', (to) => {
    expect(asked([web], { to, network: 'back' })).toMatchObject({
      name: 'web',
      target: { kind: 'docker', container: 'web', network: 'back' },
    });
  });

  it('makes a bare word a container', () => {
    const target = { kind: 'docker', container: 'cache', network: 'back' };
    expect(asked([database], { to: 'cache', network: 'back' })).toMatchObject({ name: 'cache', target });
  });

  it('is refused where there is no container', () => {
    expect(thrownBy(() => asked([database], { network: 'back' }))).toMatchObject({
      code: 'SLUICE_BAD_TARGET',
      message: "a network is one of a container's, and 10.0.0.2 is no container",
    });
  });
});

describe('a namespace to listen in', () => {
  it('takes the place of that of the mappings there are', () => {
    expect(asked([database], { in: 'netns:pid:7' })).toMatchObject({
      name: 'db',
      in: { kind: 'pid', pid: 7 },
    });
    expect(asked([web], { in: 'cache' }).in).toEqual({ kind: 'container', container: 'cache' });
  });

  it('is refused where it is none', () => {
    expect(thrownBy(() => asked([web], { in: 'netns:blue' }))).toMatchObject({
      code: 'SLUICE_BAD_TARGET',
      message: expect.stringMatching(/^invalid namespace "netns:blue"/),
    });
  });
});
