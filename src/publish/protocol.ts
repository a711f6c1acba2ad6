/** What sluice forwards. */
export const protocols = ['tcp', 'udp'] as const;
export type Protocol = (typeof protocols)[number];

/** What Docker's grammar knows: SCTP parses, so that its refusal can say what is wrong. */
export const dockerProtocols = [...protocols, 'sctp'] as const;
export type DockerProtocol = (typeof dockerProtocols)[number];

/** Reads a protocol in any case; undefined where Docker has none of that name. */
export function parseProtocol(text: string): DockerProtocol | undefined {
  const lower = text.toLowerCase();
  return dockerProtocols.find((protocol) => protocol === lower);
}
