/** What the services of one stream engine need of it, and share. */
import type { Clock } from '../clock.js';
import type { FlowEnd, Service } from '../engine.js';
import type { FlowBudget } from './flow-budget.js';

export interface StreamContext {
  readonly clock: Clock;
  readonly budget: FlowBudget;
  report(end: FlowEnd): void;
  trouble(message: string): void;
  /** The service has nothing open any more. */
  gone(service: Service): void;
}
