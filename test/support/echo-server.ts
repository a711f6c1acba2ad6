/** `node echo-server.js FIRST LAST`: sends back what comes to any of these ports, over TCP and UDP. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const [first = 0, last = first] = process.argv.slice(2).map(Number);
for (let port = first; port <= last && port > 0; port += 1) {
  createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  }).listen(port, '0.0.0.0');
  const datagrams = createSocket('udp4');
  datagrams.on('message', (datagram, from) => datagrams.send(datagram, from.port, from.address));
  datagrams.bind(port, '0.0.0.0');
}
