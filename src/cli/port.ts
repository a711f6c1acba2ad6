/** `sluice port`: what is published, as `docker port` prints it. */
import { findInstance } from '../admin/instances.js';
import { printable, SluiceError } from '../errors.js';
import { formatBound } from './port-texts.js';
import { printAnswer } from './print-answer.js';

export async function port(name: string, asked: string | undefined): Promise<void> {
  const instance = await findInstance(name);
  const { mappings } = await instance.describe();
  const wanted = asked === undefined ? undefined : targetPort(asked);
  const lines = mappings
    .filter(({ draining }) => !draining)
    .flatMap(({ listeners, target, protocol }) => {
      const from = `${target}/${protocol}`;
      if (wanted !== undefined && wanted !== from) return [];
      return listeners.map((bound) => (wanted === undefined ? `${from} -> ` : '') + formatBound(bound));
    });
  if (wanted !== undefined && lines.length === 0) {
    throw new SluiceError(
      'SLUICE_NOT_PUBLISHED',
      `No public port '${printable(asked ?? '')}' published for ${instance.name}`,
    );
  }
  printAnswer(
    lines
      .sort(inNaturalOrder)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

/** Docker's order: numbers by their value, all else by its bytes. */
function inNaturalOrder(a: string, b: string): number {
  const [parts, others] = [a, b].map((line) => line.match(/\d+|\D+/g) ?? []);
  for (const [index, part] of (parts ?? []).entries()) {
    const other = others?.[index] ?? '';
    if (part === other) continue;
    const difference = Number(part) - Number(other);
    return Number.isNaN(difference) || other === '' ? (part < other ? -1 : 1) : difference;
  }
  return a.length - b.length;
}

/** `80` and `80/tcp`, in any case. */
function targetPort(text: string): string {
  const [, port, protocol = 'tcp'] = /^(\d{1,5})(?:\/(\w+))?$/.exec(text) ?? [];
  if (port === undefined) {
    throw new SluiceError(
      'SLUICE_USAGE',
      `invalid port (${printable(text)}): it must be one such as 80 or 53/udp`,
    );
  }
  return `${Number(port)}/${protocol.toLowerCase()}`;
}
