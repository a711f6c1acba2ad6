import { toJsonSchema } from '@valibot/to-json-schema';
import { jsonSchemaConfig, mappingFileSchema } from '../publish/mapping-file-schema.js';
import { printAnswer } from './print-answer.js';

/** `sluice schema`: the JSON Schema of the mapping file, made from the schema that validates it. */
export function printSchema(): void {
  printAnswer(`${JSON.stringify(toJsonSchema(mappingFileSchema, jsonSchemaConfig), null, 2)}\n`);
}
