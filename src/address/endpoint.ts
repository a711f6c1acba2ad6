import type { IpAddress } from './ip.js';

/** An IP address with a port. */
export interface Endpoint {
  readonly ip: IpAddress;
  readonly port: number;
}

/** `10.0.0.1:80` or `[fd00::1]:80`; the port may be a text, such as a range. */
export function formatHostPort(ip: IpAddress, port: number | string): string {
  return ip.family === 6 ? `[${ip.text}]:${port}` : `${ip.text}:${port}`;
}

export function formatEndpoint(endpoint: Endpoint): string {
  return formatHostPort(endpoint.ip, endpoint.port);
}
