/**
 * A container, followed by Docker's events. Where it stops, its addresses are gone at once and new flows wait for it;
 * where it comes, under the same name or again, they go to its new addresses, and for a while it is given time to
 * listen. A paused container keeps its flows and takes new ones: the kernel accepts for it, and it answers when it goes
 * on. Where Docker itself does not answer, the last addresses stay in use.
 */

import type { Container, ContainerNetwork } from '../docker/answers.js';
import { type Following, followContainer } from '../docker/docker.js';
import { type DockerEndpoint, findDocker } from '../docker/endpoint.js';
import type { ContainerNews } from '../docker/followed-container.js';
import { SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import type { TargetSpec } from '../publish/target-spec.js';
import type { Target, TargetEvents, TargetHost, TargetState } from './target.js';

export type DockerSpec = Extract<TargetSpec, { kind: 'docker' }>;

/**
 * @throws SluiceError where there is no such container, where it does not run, where it has no address that could be
 *   led to, and where Docker cannot be asked
 */
export async function openDockerTarget(
  spec: DockerSpec,
  events: TargetEvents,
  docker = findDocker(),
): Promise<Target> {
  const target = new DockerTarget(spec, events);
  await target.open(docker);
  return target;
}

class DockerTarget implements Target, ContainerNews {
  readonly #spec: DockerSpec;
  readonly #events: TargetEvents;
  #following: Following | undefined;
  #hosts: readonly TargetHost[] = [];
  /** Runs while it has only just come, or was sent a signal. */
  #settling: NodeJS.Timeout | undefined;
  /** Docker does not answer: the container may be gone, or elsewhere. */
  #unsure = false;
  /** The container that the addresses are of, and which run of it. */
  #id = '';
  #startedAtMs = 0;
  /** Why it has no address, as it was told. */
  #trouble: string | undefined;

  constructor(spec: DockerSpec, events: TargetEvents) {
    this.#spec = spec;
    this.#events = events;
  }

  async open(docker: DockerEndpoint): Promise<void> {
    this.#following = await followContainer(this.#spec.container, this, docker);
    const { container } = this.#following;
    const refusal = refusalOf(container, this.#spec.network);
    if (refusal !== undefined) {
      this.close();
      throw refusal;
    }
    this.#hosts = hostsOf(container, this.#spec.network);
    this.#take(container);
    const ageMs = Date.now() - container.startedAtMs;
    if (ageMs >= 0 && ageMs < limits.settlingMs) this.#settle();
  }

  state(): TargetState {
    const settling = this.#hosts.length === 0 || this.#settling !== undefined || this.#unsure;
    return { hosts: this.#hosts, settling, followed: true };
  }

  close(): void {
    this.#following?.close();
    clearTimeout(this.#settling);
  }

  changed(now: Container | undefined, ended: boolean): void {
    const before = this.#hosts;
    const refusal = now === undefined ? undefined : refusalOf(now, this.#spec.network);
    this.#hosts = now === undefined || refusal !== undefined ? [] : hostsOf(now, this.#spec.network);
    const isNew = now?.running === true && (now.id !== this.#id || now.startedAtMs !== this.#startedAtMs);
    const moved = !sameHosts(before, this.#hosts);
    // Where only the name went to another, the container goes on, and so do flows to it.
    const livesOn = !ended && now?.id !== this.#id;
    if (now?.running === true) this.#take(now);
    if (this.#hosts.length > 0 && (isNew || moved)) this.#settle();
    this.#tell(now, refusal);
    const gone = before.filter((host) => !includesHost(this.#hosts, host));
    if (gone.length > 0 && !livesOn) this.#events.gone(gone);
    if (moved || isNew) this.#events.changed();
  }

  /** What it refuses from now on may be because it is ending: that is known a moment later. */
  signalled(): void {
    this.#settle();
    this.#events.changed();
  }

  lost(reason: string | undefined): void {
    this.#unsure = true;
    if (reason !== undefined) {
      this.#events.trouble(
        `${reason}; the last addresses of its containers stay in use until it answers again`,
      );
    }
    this.#events.changed();
  }

  found(tell: boolean): void {
    this.#unsure = false;
    if (tell) this.#events.recovered('Docker answers again');
    this.#events.changed();
  }

  #take({ id, startedAtMs }: Container): void {
    this.#id = id;
    this.#startedAtMs = startedAtMs;
  }

  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      this.#events.changed();
    }, limits.settlingMs);
    this.#settling.unref();
  }

  #tell(now: Container | undefined, refusal: SluiceError | undefined): void {
    const name = this.#spec.container;
    const why = now === undefined ? `there is no container ${name} any more` : troubleOf(name, refusal);
    if (why === this.#trouble) return;
    if (why !== undefined) this.#events.trouble(`${why}; new flows wait for it`);
    else
      this.#events.recovered(`container ${name} is there again, at ${this.#hosts.map(hostText).join(', ')}`);
    this.#trouble = why;
  }
}

function troubleOf(name: string, refusal: SluiceError | undefined): string | undefined {
  return refusal?.code === 'SLUICE_CONTAINER_NOT_RUNNING'
    ? `container ${name} has stopped`
    : refusal?.message;
}

/** Why the container cannot be led to as it is; undefined where it can. */
function refusalOf(container: Container, network: string | undefined): SluiceError | undefined {
  const { name, running, status, networkMode, networks } = container;
  if (!running) {
    const how = status === '' ? '' : ` (${status})`;
    return new SluiceError(
      'SLUICE_CONTAINER_NOT_RUNNING',
      `container ${name} is not running${how}: docker start ${name} starts it`,
    );
  }
  const unreachable = (why: string) =>
    new SluiceError('SLUICE_CONTAINER_UNREACHABLE', `container ${name} ${why}`);
  if (networkMode === 'host') {
    return unreachable(
      "is in network host: its ports are this host's already; to have one on another port lead to 127.0.0.1",
    );
  }
  if (network !== undefined && networkNamed(networks, network) === undefined) {
    const names = networks.map((one) => one.name);
    return unreachable(`is not on network ${network}: it is on ${names.join(', ') || 'none'}`);
  }
  // A container that Docker is about to restart runs without addresses.
  if (hostsOf(container, network).length > 0 || status === 'restarting') return undefined;
  return unreachable(`has no address on any network: netns:docker:${name} leads to its own 127.0.0.1`);
}

function hostsOf({ networks }: Container, network: string | undefined): TargetHost[] {
  const withAddress = networks.filter(({ addresses }) => addresses.length > 0);
  const chosen = network === undefined ? withAddress[0] : networkNamed(withAddress, network);
  return (chosen?.addresses ?? []).map((ip) => ({ kind: 'ip', ip }));
}

/** By its name or its id. */
function networkNamed(networks: readonly ContainerNetwork[], network: string): ContainerNetwork | undefined {
  return (
    networks.find(({ name, id }) => name === network || id === network) ??
    networks.find(({ id }) => network.length >= 12 && id.startsWith(network))
  );
}

function hostText(host: TargetHost): string {
  return host.kind === 'ip' ? host.ip.text : host.path;
}

function includesHost(hosts: readonly TargetHost[], host: TargetHost): boolean {
  return hosts.some((other) => hostText(other) === hostText(host));
}

function sameHosts(a: readonly TargetHost[], b: readonly TargetHost[]): boolean {
  return a.map(hostText).join() === b.map(hostText).join();
}
