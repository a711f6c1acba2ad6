import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { toJsonSchema } from '@valibot/to-json-schema';
import { jsonSchemaConfig, mappingFileSchema } from '../../src/publish/mapping-file-schema.js';

const published: unknown = JSON.parse(readFileSync('mapping-file.schema.json', 'utf8'));

interface ObjectSchema {
  readonly properties: Readonly<Record<string, { readonly description?: string }>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
}

/** The object schemas of a JSON Schema, outermost first. */
function* objectSchemas(schema: unknown): Generator<ObjectSchema> {
  if (typeof schema !== 'object' || schema === null) return;
  if ('properties' in schema && 'type' in schema) yield schema as ObjectSchema;
  for (const part of Object.values(schema)) yield* objectSchemas(part);
}

describe('the published JSON Schema', () => {
  const objects = [...objectSchemas(published)];

  it('is the one that validates: sluice schema > mapping-file.schema.json', () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(toJsonSchema(mappingFileSchema, jsonSchemaConfig))));
  });

  it('has a file, a mapping and a port', () => {
    expect(objects.map(({ properties }) => Object.keys(properties))).toEqual([
      ['$schema', 'name', 'mappings'],
      [
        'name',
        'to',
        'network',
        'ports',
        'connect_timeout',
        'wait',
        'idle_timeout',
        'udp_timeout',
        'max_flows',
      ],
      ['target', 'published', 'host_ip', 'protocol'],
    ]);
  });

  it('says which keys must be there', () => {
    expect(objects.map(({ required }) => required)).toEqual([['mappings'], ['to', 'ports'], ['target']]);
  });

  it('lets an editor mark unknown keys', () => {
    expect(objects.map(({ additionalProperties }) => additionalProperties)).toEqual([false, false, false]);
  });

  it('describes every key', () => {
    const bare = objects
      .flatMap(({ properties }) => Object.entries(properties))
      .filter(([, { description }]) => description === undefined);
    expect(bare).toEqual([]);
  });
});
