import type { Clock } from '../clock.js';
import type { FlowEnd } from '../engine.js';
import type { FlowBudget } from './flow-budget.js';

/** What a service needs of its engine. */
export interface StreamContext {
  readonly clock: Clock;
  readonly budget: FlowBudget;
  report(end: FlowEnd): void;
}
