/** `sluice check`: what a mapping file would publish. */
import { formatHostPort } from '../address/endpoint.js';
import { printable, SluiceError } from '../errors.js';
import { listenAddresses } from '../publish/conflicts.js';
import { formatListenNamespace } from '../publish/listen-namespace.js';
import { formatInside, formatPublished, formatTargetPort, type Mapping } from '../publish/mapping.js';
import { formatTarget } from '../publish/target-spec.js';
import { printAnswer } from './print-answer.js';
import { readMappingFile } from './read-mapping-file.js';

/**
 * Prints one port a line, or an array with a record a port.
 *
 * @throws SluiceError SLUICE_USAGE without a file, or what is wrong with it
 */
export function check(file: string | undefined, format: 'text' | 'json'): void {
  if (file === undefined || file === '') {
    throw new SluiceError('SLUICE_USAGE', 'which mapping file? Give one, as in sluice check mappings.json');
  }
  const { mappings } = readMappingFile(file);
  const text =
    format === 'json'
      ? JSON.stringify(mappings.map(checkRecord), null, 2)
      : mappings.map(checkLine).join('\n');
  printAnswer(`${text}\n`);
}

/** In the mapping file's key names. */
function checkRecord(mapping: Mapping) {
  return {
    mapping: mapping.name,
    to: formatTarget(mapping.target),
    ...(mapping.target.kind === 'docker' && { network: mapping.target.network }),
    ...(mapping.in !== undefined && { in: formatListenNamespace(mapping.in) }),
    protocol: mapping.protocol,
    /** "" is every address. */
    host_ip: mapping.hostIp?.text ?? '',
    /** "" is a free port, "8000-8010" a pool. */
    published: formatPublished(mapping.hostPort),
    target: mapping.targetPort,
  };
}

function checkLine(mapping: Mapping): string {
  const port = formatPublished(mapping.hostPort) || '(free port)';
  const hosts = listenAddresses(mapping.hostIp).map((ip) => formatHostPort(ip, port));
  return printable(
    `${mapping.name}: ${formatTargetPort(mapping)} of ${formatTarget(mapping.target)} -> ${hosts.join(', ')}${formatInside(mapping)}`,
  );
}
