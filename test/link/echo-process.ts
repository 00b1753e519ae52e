/** A child of tests that answers over the channel of a radio process. What it does is its first argument. */
import { hostChannel } from '../../app/radio/channel';

interface Message {
  readonly type: string;
  readonly number?: number;
}

const channel = hostChannel();
let payloads = 0;
channel.onDisconnect(() => process.exit(0));
channel.onMessage((message) => {
  const { type } = message as Message;
  if (type === 'heartbeat') void channel.send({ type: 'heard', payloadsBefore: payloads });
  else if (type === 'echo') void channel.send(message);
  else payloads++;
});
