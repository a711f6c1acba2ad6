/** Published ports as Docker prints them. */
import type { MappingDescription } from '../admin/describe.js';
import { limits } from '../limits.js';

interface BoundPort {
  readonly ip: string;
  readonly port: number;
  readonly target: number;
  readonly protocol: string;
  /** Where it listens, other than with sluice. */
  readonly in: string | undefined;
}

/** `0.0.0.0:8080`, `[::]:8080`. */
export function formatBound({ ip, port }: { readonly ip: string; readonly port: number | string }): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/**
 * `0.0.0.0:8080->80/tcp` for each listener, and `0.0.0.0:9000-9010->9000-9010/tcp` for ports in a row, as docker ps
 * has them; past a bound how many more there are.
 */
export function portsColumn(mappings: readonly MappingDescription[]): string[] {
  const bound = mappings.flatMap(({ listeners, target, protocol, in: inside }) =>
    listeners.map((listener): BoundPort => ({ ...listener, target, protocol, in: inside })),
  );
  const runs = inRuns(bound.toSorted(byAddressAndPort)).toSorted(
    ([a], [b]) => a.target - b.target || byAddressAndPort(a, b),
  );
  const texts = runs.slice(0, limits.portsShown).map(([first, last]) => {
    const host = formatBound({ ip: first.ip, port: range(first.port, last.port) });
    const inside = first.in === undefined ? '' : ` inside ${first.in}`;
    return `${host}->${range(first.target, last.target)}/${first.protocol}${inside}`;
  });
  return runs.length > texts.length ? [...texts, `and ${runs.length - texts.length} more`] : texts;
}

/** The first and the last of each row of ports whose targets are in a row, too. */
function inRuns(sorted: readonly BoundPort[]): (readonly [BoundPort, BoundPort])[] {
  const runs: [BoundPort, BoundPort][] = [];
  for (const port of sorted) {
    const run = runs.at(-1);
    if (run !== undefined && follows(run[1], port)) run[1] = port;
    else runs.push([port, port]);
  }
  return runs;
}

function follows(last: BoundPort, next: BoundPort): boolean {
  const sameSide = last.ip === next.ip && last.protocol === next.protocol && last.in === next.in;
  return sameSide && next.port === last.port + 1 && next.target === last.target + 1;
}

function byAddressAndPort(a: BoundPort, b: BoundPort): number {
  return byText(a.protocol, b.protocol) || byText(a.ip, b.ip) || a.port - b.port;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function range(first: number, last: number): string {
  return first === last ? `${first}` : `${first}-${last}`;
}
