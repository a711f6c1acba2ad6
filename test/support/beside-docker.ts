/** Containers that serve HTTP on a test's own dockerd, and the executable beside it, in its network. */
import { expect } from '@jest/globals';
import { busyboxImage, type Dockerd } from './dockerd.js';
import type { Scope } from './scope.js';
import { runSluice, type SluiceProcess, type StartOptions, spawnSluice } from './sluice-process.js';
import { until } from './until.js';

export interface BesideDocker {
  /** A container that answers HTTP on port 80 with its name, listening; removed with the test. Gives its id. */
  server(name: string, ...options: readonly string[]): Promise<string>;
  /** What `docker run` is given for such a container, behind its options. */
  serving(name: string): string[];
  /** Removes a container at the end of the test. */
  removedAtEnd(container: string): void;
  options(): StartOptions;
  /** `sluice run …` beside dockerd, done when it has printed `lines` published ports. */
  run(args: readonly string[], lines?: number): Promise<SluiceProcess>;
  /** `sluice run …`, which must end with 1, and what it says then. */
  refused(...args: readonly string[]): Promise<string>;
  /** What comes back from a published port. */
  get(sluice: SluiceProcess, line?: number): Promise<string>;
}

/** @param dockerd as it is when it is used: tests start it before they run */
export function besideDocker(scope: Scope, dockerd: () => Dockerd): BesideDocker {
  const options = (): StartOptions => ({
    within: (command, ...args) => dockerd().inside(command, ...args),
    env: { DOCKER_HOST: `unix://${dockerd().socketPath}` },
  });
  const removedAtEnd = (container: string) =>
    scope.onEnd(() =>
      dockerd()
        .docker('rm', '--force', container)
        .catch(() => undefined),
    );
  const serving = (name: string) => {
    const script = `mkdir -p /www; echo ${name} >/www/index.html; exec httpd -f -p 80 -h /www`;
    return [busyboxImage, 'sh', '-c', script];
  };
  return {
    options,
    removedAtEnd,
    serving,
    async server(name, ...given) {
      const id = await dockerd().docker('run', '-d', '--name', name, ...given, ...serving(name));
      removedAtEnd(id);
      await until(`${name} to listen`, () => answers(dockerd(), id));
      return id;
    },
    run: (args, lines = 2) => runSluice(scope, args, lines, options()),
    async refused(...args) {
      const sluice = spawnSluice(scope, ['run', ...args], options());
      expect(await sluice.ended()).toEqual({ code: 1, signal: null });
      const plain = sluice.stderr.split('\n').filter((line) => !line.startsWith('{'));
      return plain.join('\n').trim();
    },
    get: (sluice, line = 0) =>
      dockerd().run('curl', '-sS', '--max-time', '15', `http://127.0.0.1:${sluice.port(line)}/`),
  };
}

async function answers(dockerd: Dockerd, id: string): Promise<boolean> {
  const listening = dockerd.docker('exec', id, 'wget', '-qO-', 'http://127.0.0.1/');
  return listening.then(
    () => true,
    () => false,
  );
}
