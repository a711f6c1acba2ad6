/** The bodies of answers, read with a bound. */

/** @throws Error where it is longer than `most` bytes; the rest is not read */
export async function wholeText(body: AsyncIterable<Uint8Array>, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) throw new Error(`its answer is longer than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/**
 * The JSON values of a body that has one a line, as they come.
 *
 * @throws Error where a line is longer than `most` bytes, or no JSON
 */
export async function* jsonLines(body: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<unknown> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    const lines = splitLines(Buffer.concat([rest, chunk]));
    rest = lines.pop() ?? rest;
    for (const line of lines) if (line.length > 0) yield JSON.parse(line.toString());
    if (rest.length > most) throw new Error(`it sent an event longer than ${most} bytes`);
  }
}

/** The last part is what has no line end yet. */
function splitLines(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let from = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
    parts.push(bytes.subarray(from, end));
    from = end + 1;
  }
  parts.push(bytes.subarray(from));
  return parts;
}
