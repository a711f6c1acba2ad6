import type { Logger } from 'pino';
import { messageOf } from '../errors.js';
import type { Claim } from './claim.js';
import type { Controlled } from './control-routes.js';
import type { ControlServer } from './control-server.js';

/** Few instances are ever asked anything: the server is loaded for the first who connects, who can wait for it. */
export function serveWhenAsked(
  claim: Claim,
  controlled: Omit<Controlled, 'name'>,
  log: Logger,
): ControlServer {
  let server: Promise<ControlServer> | undefined;
  const load = async () => {
    try {
      const { serveControl } = await import('./control-server.js');
      return serveControl(claim, controlled, log);
    } catch (error) {
      // The files of a sluice that was replaced meanwhile may be gone: forwarding needs none of them.
      log.error(`nobody can ask this instance anything, start it anew to change that: ${messageOf(error)}`);
      claim.serve((connection) => connection.destroy());
      return { stopped: () => Promise.resolve() };
    }
  };
  void claim.asked.then(() => {
    server = load();
  });
  return { stopped: async (flowsReset) => (await server)?.stopped(flowsReset) };
}
