/** A radio process that also says what its twins have on the air. */
import { loadNative } from '../../drivers/radio';
import { hostChannel } from '../../app/radio/channel';
import { RadioServer } from '../../app/radio/server';

const channel = hostChannel();
new RadioServer(channel).start();
process.on('message', (message) => {
  if ((message as { type: string }).type !== 'probe') return;
  const native = loadNative();
  // What the medium still held of transmissions is what it would have sent.
  void channel.send({
    type: 'probed',
    onAirSamples: native.medium.silence(),
    watchdog: native.watchdogState().state,
  });
});
