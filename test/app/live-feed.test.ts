import assert from 'node:assert/strict';
import { LiveFeed } from '../../app/host/live-feed';
import { hostEventSchema, type HostEvent } from '../../app/ipc/host-messages';
import { liveBurstSchema, type Health, type LiveView } from '../../app/ipc/live-messages';
import type { Bench, BenchObserver } from '../../app/link/types';
import { bentPhase } from '../../app/units/channel-phase';
import { fakeDetails, fakeView } from '../desktop/fake-views';

interface HandBench {
  readonly bench: Bench;
  readonly wanted: string[];
  observer: BenchObserver | null;
}

function handBench(): HandBench {
  const own: HandBench = {
    observer: null,
    wanted: [],
    bench: {
      radios: [],
      mcs: [],
      details: [fakeDetails('TWIN-BASE')],
      runTrial: () => Promise.reject(new Error('none')),
      close: () => Promise.resolve(),
      onLost: () => undefined,
      observe: (observer) => (own.observer = observer),
      watch: ({ views, sensors }) => own.wanted.push(`${views ? 'views' : '-'} ${sensors ? 'sensors' : '-'}`),
    },
  };
  return own;
}

class HandWindow {
  readonly events: HostEvent[] = [];
  post(event: HostEvent): void {
    this.events.push(hostEventSchema.parse(event));
  }
  live(): Extract<HostEvent, { type: 'live' }>[] {
    return this.events.flatMap((event) => (event.type === 'live' ? [event] : []));
  }
}

const health = (overflow: number): Health => ({
  radios: [{ driver: 'twin', serial: 'TWIN-BASE', faults: overflow > 0 ? { overflow } : {}, sensors: null }],
  events: [],
  eventsLeftOut: 0,
});

describe('the live feed', () => {
  it('asks radios for views while a window shows them, and for sensors while one is there', () => {
    const feed = new LiveFeed(() => undefined);
    const hand = handBench();
    const [first, second] = [new HandWindow(), new HandWindow()];
    feed.add(hand.bench);
    feed.attach(first);
    feed.watch(first, true);
    feed.attach(second);
    feed.watch(second, true);
    feed.watch(first, false);
    feed.detach(second);
    feed.detach(first);
    assert.deepEqual(hand.wanted, ['- -', '- sensors', 'views sensors', '- sensors', '- -']);
    const late = handBench();
    feed.attach(first);
    feed.watch(first, true);
    feed.add(late.bench);
    assert.deepEqual(late.wanted, ['views sensors']);
  });

  it('sends the newest view once the last one is drawn, to those who want them', () => {
    const feed = new LiveFeed(
      () => undefined,
      () => 1000,
    );
    const hand = handBench();
    const [slow, idle] = [new HandWindow(), new HandWindow()];
    feed.add(hand.bench);
    feed.attach(slow);
    feed.attach(idle);
    feed.watch(slow, true);
    const views = Array.from({ length: 5 }, (_, i): LiveView => fakeView(i + 1));
    for (const view of views) hand.observer?.view(view);
    assert.equal(slow.live().length, 1);
    feed.drawn(slow);
    feed.drawn(slow);
    assert.deepEqual(
      slow.live().map(({ view }) => view.users[0]?.burst?.trialId),
      ['pooled/1', 'pooled/5'],
    );
    assert.deepEqual(idle.live(), []);
    // Shown anew: what was outstanding before does not hold anything up.
    hand.observer?.view(fakeView(6));
    feed.watch(slow, false);
    feed.watch(slow, true);
    hand.observer?.view(fakeView(7));
    assert.equal(slow.live().at(-1)?.view.users[0]?.burst?.trialId, 'pooled/7');
  });

  it('counts the faults of a radio over the processes that have one of its name, and tells late windows', () => {
    const told: HostEvent[] = [];
    const feed = new LiveFeed((event) => told.push(event));
    const [one, other] = [handBench(), handBench()];
    feed.add(one.bench);
    feed.add(other.bench);
    one.observer?.health(health(2));
    other.observer?.health(health(3));
    const late = new HandWindow();
    feed.attach(late);
    for (const events of [told, late.events]) {
      const last = events.filter((event) => event.type === 'health').at(-1);
      assert.equal(last?.radios.length, 1);
      assert.equal(last.radios[0]?.faults.overflow, 5);
    }
    assert.ok(late.events.some((event) => event.type === 'radio-details' && event.radios[0]?.serial === 'TWIN-BASE'));
    feed.begin();
    one.observer?.health(health(9));
    const fresh = handBench();
    feed.add(fresh.bench);
    fresh.observer?.health(health(0));
    const last = told.filter((event) => event.type === 'health').at(-1);
    assert.deepEqual(last?.radios[0]?.faults, {}, 'a run before does not count');
  });

  it('refuses views whose arrays do not fit', () => {
    const burst = fakeView(1).users[0]?.burst;
    assert.ok(liveBurstSchema.safeParse(burst).success);
    for (const [field, wrong] of Object.entries({
      channel: new Float32Array(3),
      carriers: [1, 2],
      equalised: new Float32Array(4096),
      snrDb: NaN,
    })) {
      const refused = liveBurstSchema.safeParse({ ...burst, [field]: wrong });
      assert.equal(refused.success, false, field);
    }
  });
});

describe('phase of a channel', () => {
  it('is what a delay and a constant leave', () => {
    const carriers = Int16Array.from({ length: 52 }, (_, i) => (i < 26 ? i - 26 : i - 25));
    const spacingHz = 78125;
    const delayS = 430e-9;
    const phase = (carrier: number): number => 2.1 - 2 * Math.PI * carrier * spacingHz * delayS;
    const channel = Float32Array.from({ length: 104 }, (_, i) => {
      const angle = phase(carriers[i >> 1] ?? 0);
      return 0.02 * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
    });
    const seen = bentPhase(channel, carriers, spacingHz);
    assert.ok(Math.abs(seen.delayS - delayS) < 1e-12);
    assert.ok(seen.phaseDeg.every((deg) => Math.abs(deg) < 1e-3));
    // A bend stays, though a full turn lies under it.
    carriers.forEach((carrier, i) => {
      const angle = phase(carrier) + 0.3 * Math.cos((2 * Math.PI * carrier) / 26);
      channel[2 * i] = Math.cos(angle);
      channel[2 * i + 1] = Math.sin(angle);
    });
    const bent = bentPhase(channel, carriers, spacingHz);
    assert.ok(Math.abs(Math.max(...bent.phaseDeg) - (0.3 * 180) / Math.PI) < 1);
    assert.deepEqual(bentPhase(new Float32Array(), new Int16Array(), spacingHz), { phaseDeg: [], delayS: 0 });
  });
});
