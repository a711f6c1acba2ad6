import { defaultFlowOptions, expandSpec, type Mapping } from '../../src/publish/mapping.js';
import { parsePublishSpec } from '../../src/publish/publish-spec.js';
import { parseTarget } from '../../src/publish/target-spec.js';

/** The mappings that publish specs give for one target. */
export function mappingsOf(...specs: string[]): Mapping[] {
  return specs.flatMap((spec) =>
    expandSpec(parsePublishSpec(spec), {
      name: 'web',
      in: undefined,
      target: parseTarget('10.0.0.1'),
      options: defaultFlowOptions,
    }),
  );
}
