import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
import { errnoOf, messageOf, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { type MappingFile, parseMappingFile } from '../publish/mapping-file.js';

/** @throws SluiceError SLUICE_FILE_UNREADABLE, or SLUICE_BAD_MAPPING_FILE with every fault */
export function readMappingFile(path: string): MappingFile {
  return parseMappingFile(readText(path), path);
}

/** Few mapping files have more. */
const usualBytes = 64 * 1024;

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};

function readText(path: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    return inUtf8(path, readBytes(path, descriptor));
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw unreadable(path, reasons[errnoOf(error) ?? ''] ?? messageOf(error), error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** A pipe does not say how much is to come, and need not end: what is past the bound is not waited for. */
function readBytes(path: string, descriptor: number): Buffer {
  let bytes = Buffer.allocUnsafe(usualBytes);
  let filled = 0;
  for (;;) {
    const read = readSync(descriptor, bytes, filled, bytes.length - filled, null);
    if (read === 0) return bytes.subarray(0, filled);
    filled += read;
    if (filled > limits.mappingFileBytes) {
      throw unreadable(path, `it has more than the ${limits.mappingFileBytes} bytes allowed`);
    }
    if (filled === bytes.length) bytes = Buffer.concat([bytes], 2 * filled);
  }
}

/** Anything else would be read as U+FFFD, and published so. */
function inUtf8(path: string, bytes: Buffer): string {
  if (!isUtf8(bytes)) throw unreadable(path, 'it is not UTF-8, which JSON is written in');
  return bytes.toString('utf8');
}

function unreadable(path: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_FILE_UNREADABLE', `cannot read the mapping file ${path}: ${why}`, { cause });
}
