import { acceptFlow } from './accept-flow.js';
import { accessLog } from './access-log.js';
import { ffiCall } from './ffi-call.js';
import type { Part } from './part.js';
import { publishSpec } from './publish-spec.js';
import { udpLookUp } from './udp-look-up.js';

export const allParts: readonly Part[] = [ffiCall, acceptFlow, udpLookUp, publishSpec, accessLog];
