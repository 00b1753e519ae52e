/** Composition root of a radio process: it owns the radios and does nothing else. Started by app/link/radio-process.ts. */
import { hostChannel } from './channel';
import { RadioServer } from './server';

const server = new RadioServer(hostChannel());
// Whatever goes wrong here must not leave a transmitter on.
process.on('uncaughtException', (error) => void server.stop(`${error.name}: ${error.message}`, 70));
// A terminal's Ctrl-C reaches the whole group; the host decides when the radios close.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => void server.stop('SIGTERM', 0));
server.start();
