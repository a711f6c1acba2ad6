/**
 * The process's Docker: one connection pool and one stream of events, shared by all that follow containers, opened for
 * the first of them and closed with the last.
 */
import leven from 'leven';
import { messageOf, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import type { Container, ContainerEvent, ExposedPort } from './answers.js';
import { type DockerEndpoint, findDocker } from './endpoint.js';
import { EngineApi, noSuchContainer } from './engine-api.js';
import { type EventListener, EventStream } from './event-stream.js';
import { type ContainerNews, FollowedContainer, inspect } from './followed-container.js';

/** A container that is followed until it is closed. */
export interface Following {
  /** As it was found. */
  readonly container: Container;
  close(): void;
}

/**
 * Follows a container from now on: everything that happens to it after it was found is told.
 *
 * @param reference its name, its id, or a prefix of its id that is no other's
 * @throws SluiceError where there is none (SLUICE_NO_SUCH_CONTAINER, with the nearest names), where the prefix is not
 *   one container's (SLUICE_AMBIGUOUS_CONTAINER), and where Docker cannot be asked (SLUICE_DOCKER_DENIED,
 *   SLUICE_DOCKER_UNAVAILABLE)
 */
export async function followContainer(
  reference: string,
  news: ContainerNews,
  endpoint = findDocker(),
): Promise<Following> {
  const docker = Docker.use(endpoint);
  try {
    return await docker.follow(reference, news);
  } catch (error) {
    docker.release();
    throw error;
  }
}

/**
 * The ports that a container exposes, by its image and by its owner, for `-P`.
 *
 * @throws SluiceError SLUICE_NOTHING_EXPOSED, or as `followContainer`
 */
export async function exposedPorts(
  reference: string,
  endpoint = findDocker(),
): Promise<readonly ExposedPort[]> {
  const docker = Docker.use(endpoint);
  try {
    const { exposedPorts: ports, name } = await docker.find(reference);
    if (ports.length > 0) return ports;
    throw new SluiceError(
      'SLUICE_NOTHING_EXPOSED',
      `container ${name} exposes no port: say which with -p, as in -p 8080:80`,
    );
  } finally {
    docker.release();
  }
}

class Docker implements EventListener {
  static readonly #shared = new Map<string, Docker>();

  readonly #name: string;
  readonly #api: EngineApi;
  readonly #stream: EventStream;
  readonly #followed = new Set<FollowedContainer>();
  #users = 0;
  #opening: Promise<void> | undefined;
  /** Told to its followers, and not over. */
  #away = false;

  constructor(endpoint: DockerEndpoint) {
    this.#name = endpoint.name;
    this.#api = new EngineApi(endpoint);
    this.#stream = new EventStream(this.#api, this);
  }

  /** Whoever uses it releases it once. */
  static use(endpoint: DockerEndpoint): Docker {
    const docker = Docker.#shared.get(endpoint.name) ?? new Docker(endpoint);
    Docker.#shared.set(endpoint.name, docker);
    docker.#users += 1;
    return docker;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    Docker.#shared.delete(this.#name);
    this.#stream.close();
    void this.#api.close();
  }

  /** The events are listened to before it is asked for, so that none is lost in between. */
  async follow(reference: string, news: ContainerNews): Promise<Following> {
    this.#opening ??= this.#stream.open();
    // Whoever comes next tries again.
    this.#opening.catch(() => (this.#opening = undefined));
    await this.#opening;
    const followed = new FollowedContainer(this.#api, reference, news);
    this.#followed.add(followed);
    try {
      const container = await followed.find().catch((error: unknown) => this.#withNearest(reference, error));
      return { container, close: () => this.#unfollow(followed) };
    } catch (error) {
      this.#followed.delete(followed);
      throw error;
    }
  }

  async find(reference: string): Promise<Container> {
    return inspect(this.#api, reference).catch((error: unknown) => this.#withNearest(reference, error));
  }

  opened(): void {
    const wasAway = this.#away;
    this.#away = false;
    for (const [index, followed] of [...this.#followed].entries()) {
      if (wasAway) followed.news.found(index === 0);
      followed.look();
    }
  }

  happened(event: ContainerEvent): void {
    for (const followed of this.#followed) followed.happened(event);
  }

  lost(reason: unknown): void {
    if (this.#away) return;
    this.#away = true;
    for (const [index, { news }] of [...this.#followed].entries())
      news.lost(index === 0 ? messageOf(reason) : undefined);
  }

  #unfollow(followed: FollowedContainer): void {
    followed.close();
    if (this.#followed.delete(followed)) this.release();
  }

  /** A slip of the pen is two letters, or a third of the name. */
  async #withNearest(reference: string, error: unknown): Promise<never> {
    if (!(error instanceof SluiceError) || error.code !== 'SLUICE_NO_SUCH_CONTAINER') throw error;
    const names = await this.#api.containerNames().catch(() => []);
    const near = names
      .map((name) => ({ name, distance: leven(reference.toLowerCase(), name.toLowerCase()) }))
      .filter(({ distance }) => distance < reference.length && distance <= Math.max(2, reference.length / 3))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, limits.nearestNames)
      .map(({ name }) => name);
    throw near.length === 0
      ? noSuchContainer(reference, ' (docker ps --all shows those that are)')
      : noSuchContainer(reference, `, did you mean ${near.join(' or ')}?`);
  }
}
