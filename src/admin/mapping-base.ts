/** What mappings that are published later have in common: with those there are, as far as they lead to the same target. */
import { choices, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { parseListenNamespace } from '../publish/listen-namespace.js';
import { defaultFlowOptions, formatInside, type Mapping, type MappingBase } from '../publish/mapping.js';
import {
  formatTarget,
  type NamespaceSpec,
  onNetwork,
  parseTarget,
  type TargetSpec,
  targetName,
} from '../publish/target-spec.js';

/** Where new mappings lead and listen, as it was asked for. */
export interface Whereabouts {
  /** A target, or the name of a mapping that leads there; undefined: the instance's one target. */
  readonly to: string | undefined;
  /** Of a container's networks; undefined: that of the mappings there are, or Docker's choice. */
  readonly network: string | undefined;
  /** The namespace to listen in; undefined: as the mappings there are. */
  readonly in: string | undefined;
}

/**
 * Name and options are those of the mappings that lead to the same target. Another target's are listened for where all
 * the instance's are.
 *
 * @throws SluiceError SLUICE_BAD_REQUEST where a target has to be named, SLUICE_BAD_TARGET where what is named is none
 */
export function baseOf(
  instance: string,
  mappings: readonly Mapping[],
  { to, network, in: inside }: Whereabouts,
): MappingBase {
  const base =
    to === undefined ? baseOfOnly(instance, mappings, network) : baseOfNamed(mappings, to, network);
  return {
    ...base,
    target: network === undefined ? base.target : onNetwork(base.target, network),
    in: inside === undefined ? base.in : parseListenNamespace(inside),
  };
}

function baseOfNamed(mappings: readonly Mapping[], to: string, network: string | undefined): MappingBase {
  const known = mappings.filter(({ name, target }) => name === to || formatTarget(target) === to);
  const [first] = known;
  if (first !== undefined) return preferred(known, network) ?? first;
  const target = parseTarget(to);
  return { name: targetName(target), in: insideOf(mappings), target, options: defaultFlowOptions };
}

function baseOfOnly(
  instance: string,
  mappings: readonly Mapping[],
  network: string | undefined,
): MappingBase {
  const [first] = mappings;
  const targets = [...new Set(mappings.map(({ target }) => formatTarget(target)))];
  if (first !== undefined && targets.length === 1) return preferred(mappings, network) ?? first;
  throw new SluiceError(
    'SLUICE_BAD_REQUEST',
    `${instance} leads to ${targets.length} targets: say which one with --to (${choices(targets, limits.choicesTold)})`,
  );
}

/** Of those that lead to one container, one that reaches it by this network. */
function preferred(mappings: readonly Mapping[], network: string | undefined): Mapping | undefined {
  return mappings.find(({ target }) => networkOf(target) === network);
}

function networkOf(target: TargetSpec): string | undefined {
  return target.kind === 'docker' ? target.network : undefined;
}

/** The namespace that all of them are listened for in, if there is one. */
function insideOf(mappings: readonly Mapping[]): NamespaceSpec | undefined {
  const [first] = mappings;
  if (first === undefined) return undefined;
  return mappings.every((mapping) => formatInside(mapping) === formatInside(first)) ? first.in : undefined;
}
