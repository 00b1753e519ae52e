/** Starts the host as an Electron utility process. */
import { utilityProcess, type MessagePortMain } from 'electron';
import type { HostLauncher } from './host-supervisor';

/**
 * @param hostFile entry of the host, a CommonJS file.
 * @param workFolder the host's working directory, under which it puts run folders.
 */
export function utilityHostLauncher(hostFile: string, workFolder: string): HostLauncher<MessagePortMain> {
  return (listener) => {
    const child = utilityProcess.fork(hostFile, [], {
      serviceName: 'otabench host',
      stdio: 'inherit',
      cwd: workFolder,
    });
    child.on('spawn', () => {
      listener.onSpawn();
    });
    child.on('message', (message: unknown) => {
      listener.onMessage(message);
    });
    child.on('exit', (code) => {
      listener.onExit(code);
    });
    return {
      get pid() {
        return child.pid;
      },
      post: (command, ports) => {
        child.postMessage(command, ports);
      },
      kill: () => {
        // child.kill() asks with SIGTERM, which a stopped or endlessly looping host does not hear.
        if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
        else child.kill();
      },
    };
  };
}
