/** The way to the host that forked this process (app/link/radio-process.ts). */
import { Socket } from 'node:net';
import { MessagePipe } from '../ipc/message-pipe';
import { MESSAGE_PIPE_FD } from '../ipc/radio-messages';

export interface HostChannel {
  /**
   * Resolves when the message is on its way; false when nobody can hear it any more. Whoever waits for it keeps pace
   * with a host that reads slowly.
   */
  send(message: unknown): Promise<boolean>;
  onMessage(listener: (message: unknown) => void): void;
  /** Once or twice. */
  onDisconnect(listener: () => void): void;
}

/** @throws Error when this process was started without a channel */
export function hostChannel(): HostChannel {
  if (process.send === undefined) throw new Error('a radio process is started by a host, over an IPC channel');
  const listeners: ((message: unknown) => void)[] = [];
  const deliver = (message: unknown): void => {
    for (const listener of listeners) listener(message);
  };
  const socket = new Socket({ fd: MESSAGE_PIPE_FD });
  // What is not of the protocol closes the pipe, and a pipe that is closed is as good as no host.
  const pipe = new MessagePipe(socket, { message: deliver, malformed: () => undefined });
  // Heartbeats come here, past whatever the pipe holds.
  process.on('message', deliver);
  return {
    send: (message) => pipe.send(message),
    onMessage: (listener) => listeners.push(listener),
    onDisconnect: (listener) => {
      process.once('disconnect', listener);
      socket.once('close', listener);
    },
  };
}
