/** The way to the host: a forked child's IPC channel, or a utility process's port in Electron. */

export interface HostChannel {
  /** Resolves when the message is on its way; false when nobody can hear it any more. */
  send(message: unknown): Promise<boolean>;
  onMessage(listener: (message: unknown) => void): void;
  /** The host is gone. Electron does not tell; there, the host's silence does. */
  onDisconnect(listener: () => void): void;
}

/** Electron's utility process: process.parentPort. Declared here so that nothing depends on electron. */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
}

/** @throws Error when this process was started without a channel */
export function hostChannel(): HostChannel {
  const { parentPort } = process as NodeJS.Process & { parentPort?: ParentPort };
  if (parentPort)
    return {
      send: (message) => {
        parentPort.postMessage(message);
        return Promise.resolve(true);
      },
      onMessage: (listener) => parentPort.on('message', ({ data }) => listener(data)),
      onDisconnect: () => undefined,
    };
  if (process.send === undefined) throw new Error('a radio process is started by a host, over an IPC channel');
  return {
    send: async (message) =>
      new Promise<boolean>((resolve) => {
        if (!process.connected || process.send === undefined) resolve(false);
        else process.send(message, undefined, undefined, (error) => resolve(error === null));
      }),
    onMessage: (listener) => process.on('message', listener),
    onDisconnect: (listener) => process.once('disconnect', listener),
  };
}
