/** Ports from `first` to `last`, both included, each 1 to 65535. One port is a range whose ends are equal. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export const highestPort = 65_535;

/**
 * Reads `80` or `8000-8010`. Zero is allowed here, as Docker's grammar does; whoever calls says what it means.
 *
 * @returns undefined where the text is no port or the range runs backwards
 */
export function parsePortRange(text: string): PortRange | undefined {
  const parts = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (parts === null) return undefined;
  const first = Number(parts[1]);
  const last = parts[2] === undefined ? first : Number(parts[2]);
  return first <= last && last <= highestPort ? { first, last } : undefined;
}

export function formatPortRange(range: PortRange): string {
  return range.first === range.last ? `${range.first}` : `${range.first}-${range.last}`;
}

export function portCount(range: PortRange): number {
  return range.last - range.first + 1;
}
