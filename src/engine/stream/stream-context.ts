/** What the services of one stream engine need of it, and share. */
import type { Clock } from '../clock.js';
import type { FlowEnd } from '../engine.js';
import type { FlowBudget } from './flow-budget.js';

export interface StreamContext {
  readonly clock: Clock;
  readonly budget: FlowBudget;
  report(end: FlowEnd): void;
  trouble(message: string): void;
}
