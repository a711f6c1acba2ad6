import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findDocker, isDockerThere } from '../../src/docker/endpoint.js';
import { temporaryFolder } from '../support/folder.js';
import { useScope } from '../support/scope.js';
import { thrownBy } from '../support/thrown.js';

const scope = useScope();
const usual = { kind: 'unix', path: '/var/run/docker.sock' };

/** A home with these files in its .docker. */
function homeWith(files: Readonly<Record<string, string>>): string {
  const home = temporaryFolder(scope);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(home, '.docker', path, '..'), { recursive: true });
    writeFileSync(join(home, '.docker', path), text);
  }
  return home;
}

const idOf = (context: string) => createHash('sha256').update(context).digest('hex');
const metaOf = (context: string, docker: object) => ({
  [`contexts/meta/${idOf(context)}/meta.json`]: JSON.stringify({ Name: context, Endpoints: { docker } }),
});

describe('which Docker is meant', () => {
  it('is the usual socket where nothing says otherwise, which nobody asked for', () => {
    expect(findDocker({}, homeWith({}))).toEqual({
      address: usual,
      name: 'unix:///var/run/docker.sock',
      asked: false,
    });
  });

  it.each([
    ['unix:///run/user/1000/docker.sock', { kind: 'unix', path: '/run/user/1000/docker.sock' }],
    ['tcp://10.0.0.1', { kind: 'tcp', host: '10.0.0.1', port: 2375, tls: undefined }],
    ['tcp://[fd00::1]:99', { kind: 'tcp', host: 'fd00::1', port: 99, tls: undefined }],
    ['http://docker.internal:2375', { kind: 'tcp', host: 'docker.internal', port: 2375, tls: undefined }],
  ])('is DOCKER_HOST=%s', (host, address) => {
    const env = { DOCKER_HOST: host, DOCKER_CONTEXT: 'passed-over' };
    expect(findDocker(env, homeWith({}))).toEqual({ address, name: host, asked: true });
  });

  it('is reached by TLS with the files of DOCKER_CERT_PATH, which is verified where DOCKER_TLS_VERIFY says so', () => {
    const home = homeWith({ 'ca.pem': 'ca', 'cert.pem': 'cert', 'key.pem': 'key' });
    const certs = join(home, '.docker');
    const env = { DOCKER_HOST: 'tcp://docker.internal', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certs };
    const tls = { verify: true, ca: Buffer.from('ca'), cert: Buffer.from('cert'), key: Buffer.from('key') };
    const address = { kind: 'tcp', host: 'docker.internal', port: 2376, tls };
    expect(findDocker(env).address).toEqual(address);
    const unverified = { DOCKER_HOST: 'tcp://docker.internal', DOCKER_TLS: '1' };
    expect(findDocker(unverified, home).address).toEqual({ ...address, tls: { ...tls, verify: false } });
  });

  it('is the context that DOCKER_CONTEXT names, with its TLS files', () => {
    const home = homeWith({
      ...metaOf('far', { Host: 'tcp://far:2376', SkipTLSVerify: true }),
      [`contexts/tls/${idOf('far')}/docker/ca.pem`]: 'far-ca',
    });
    expect(findDocker({ DOCKER_CONTEXT: 'far' }, home).address).toEqual({
      ...{ kind: 'tcp', host: 'far', port: 2376 },
      tls: { verify: false, ca: Buffer.from('far-ca'), cert: undefined, key: undefined },
    });
  });

  it('is the current context of config.json, in DOCKER_CONFIG where that is given', () => {
    const home = homeWith({
      'config.json': '{"currentContext": "near", "auths": {}}',
      ...metaOf('near', { Host: 'unix:///run/near.sock' }),
    });
    const near = {
      address: { kind: 'unix', path: '/run/near.sock' },
      name: 'unix:///run/near.sock',
      asked: true,
    };
    expect(findDocker({}, home)).toEqual(near);
    expect(findDocker({ DOCKER_CONFIG: join(home, '.docker') }, '/nowhere')).toEqual(near);
    expect(findDocker({ DOCKER_CONTEXT: 'default' }, home).address).toEqual(usual);
  });
});

describe('what cannot be used is refused in words', () => {
  const messageWith = (env: Readonly<Record<string, string>>, home: string) => {
    const error = thrownBy(() => findDocker(env, home));
    expect(error.code).toBe('SLUICE_DOCKER_UNAVAILABLE');
    return error.message;
  };

  it.each([
    'ssh://docker@far',
    'npipe:////./pipe/docker',
    'unix://',
    'unix://relative.sock',
    'tcp://',
    'far:2375',
    '\n',
  ])('DOCKER_HOST=%j', (host) => {
    expect(messageWith({ DOCKER_HOST: host }, homeWith({}))).toContain(
      'cannot be used: sluice speaks to unix:///path and tcp://host:port',
    );
  });

  it('a context that is not there', () => {
    expect(messageWith({ DOCKER_CONTEXT: 'far' }, homeWith({}))).toBe(
      "Docker's context far is not there: docker context ls shows those that are",
    );
  });

  it('a configuration that cannot be understood', () => {
    const home = homeWith({ 'config.json': '{' });
    expect(messageWith({}, home)).toContain(`Docker's ${home}/.docker/config.json cannot be understood: `);
    const wrong = homeWith(metaOf('far', { Host: 7 }));
    expect(messageWith({ DOCKER_CONTEXT: 'far' }, wrong)).toContain('meta.json cannot be understood: ');
  });

  it('a configuration that cannot be read', () => {
    const home = homeWith({ 'config.json/a': '' });
    expect(messageWith({}, home)).toBe(`Docker's ${home}/.docker/config.json cannot be read: EISDIR`);
  });
});

describe('Docker is there', () => {
  it('where its usual socket is, or where somebody asked for it', () => {
    const path = join(temporaryFolder(scope), 'docker.sock');
    const endpoint = { address: { kind: 'unix', path } as const, name: path, asked: false };
    expect(isDockerThere(endpoint)).toBe(false);
    expect(isDockerThere({ ...endpoint, asked: true })).toBe(true);
    writeFileSync(path, '');
    expect(isDockerThere(endpoint)).toBe(true);
  });
});
