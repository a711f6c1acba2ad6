import { parsePublishSpec } from '../../src/publish/publish-spec.js';
import { functionPart } from './part.js';

export const publishSpec = functionPart('parsing a publish spec', () => {
  const texts = ['8080:80', '127.0.0.1:8000-8010:80-90/udp', '[fd00::1]:443:443/tcp'];
  let next = 0;
  return () => {
    parsePublishSpec(texts[next++ % texts.length] ?? '');
  };
});
