/** `sluice publish` and `sluice unpublish`: ports of an instance that runs. */
import type { PortDescription } from '../admin/client.js';
import { instanceNamed } from '../admin/instances.js';
import { messageOf, printable, SluiceError } from '../errors.js';
import { parsePublishSpec } from '../publish/publish-spec.js';
import { formatBound } from './port-texts.js';
import { printAnswer } from './print-answer.js';
import { durationText } from './time-option.js';

export interface PublishOptions {
  readonly name: string;
  readonly publish: readonly string[];
  readonly to?: string | undefined;
  readonly network?: string | undefined;
  readonly in?: string | undefined;
}

export async function publish(options: PublishOptions): Promise<void> {
  const { name, publish: ports, to, network, in: inside } = options;
  refuseBadSpecs(ports);
  const instance = await instanceNamed(name);
  printPorts((await instance.publish(ports, { to, network, in: inside })).published);
}

export interface UnpublishOptions {
  readonly name: string;
  readonly ports: readonly string[];
  readonly time?: string | undefined;
}

export async function unpublish({ name, ports, time }: UnpublishOptions): Promise<void> {
  const grace = durationText('--time', time);
  refuseBadSpecs(ports);
  const instance = await instanceNamed(name);
  printPorts((await instance.unpublish(ports, grace)).unpublished);
}

/** A slip of the pen is about the command line, and needs no instance to be seen. */
function refuseBadSpecs(ports: readonly string[]): void {
  for (const text of ports) {
    try {
      parsePublishSpec(text);
    } catch (error) {
      throw new SluiceError('SLUICE_USAGE', `${printable(text)}: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** As `docker port` prints them. */
function printPorts(ports: readonly PortDescription[]): void {
  printAnswer(ports.map((port) => `${port.target}/${port.protocol} -> ${formatBound(port)}\n`).join(''));
}
