/**
 * The host as a supervised process: started with Electron's utilityProcess, or with child_process.fork. Speaks
 * app/ipc/host-messages.ts. When whoever started it is gone it stops its run, closes its run folder and ends.
 */
import { otabenchVersion } from './provenance';
import { HostService, type HostChannel } from './service';

/** What a utility process has for a parent, and for a window; see Electron's ParentPort and MessagePortMain. */
interface MessageEventLike {
  readonly data: unknown;
  readonly ports?: readonly WindowPort[];
}
interface WindowPort {
  on(event: 'message', listener: (event: MessageEventLike) => void): void;
  on(event: 'close', listener: () => void): void;
  start(): void;
  postMessage(message: unknown): void;
}
interface ParentPort {
  on(event: 'message', listener: (event: MessageEventLike) => void): void;
  postMessage(message: unknown): void;
}

const PARENT_CHECK_MS = 500;

const loadParts = async (): Promise<import('./run').HostParts> => (await import('./composition.js')).hostParts();

function serve(control: HostChannel): HostService {
  const service = new HostService(otabenchVersion(), control, loadParts, (code) => process.exit(code));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void service.shutdown());
  // A parent that is killed says nothing; its child then has another parent.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) void service.shutdown();
  }, PARENT_CHECK_MS).unref();
  return service;
}

function attachWindow(service: HostService, port: WindowPort): void {
  const window: HostChannel = { post: (event) => port.postMessage(event) };
  port.on('message', ({ data }) => service.obey(data, window));
  port.on('close', () => service.detach(window));
  port.start();
  service.attach(window);
}

function main(): void {
  const { parentPort } = process as unknown as { parentPort?: ParentPort };
  if (parentPort !== undefined) {
    const service = serve({ post: (event) => parentPort.postMessage(event) });
    parentPort.on('message', ({ data, ports }) => {
      for (const port of ports ?? []) attachWindow(service, port);
      service.obey(data);
    });
  } else if (process.send !== undefined) {
    const service = serve({
      post: (event) => {
        if (process.connected) process.send?.(event);
      },
    });
    process.on('message', (message) => service.obey(message));
    process.on('disconnect', () => void service.shutdown());
  } else {
    process.stderr.write(
      'otabench host: started by hand; allowed: scripts/otabench for a terminal, npm start for the window\n',
    );
    process.exit(2);
  }
}

main();
