/** The section `allocation` against the rest of the file and the bundle. */
import { ANALOG_METHODS, binsTaken } from '../allocation';
import type { YamlFile } from '../config/yaml-file';
import { SMALLEST_SIZE } from '../units/subbands';
import type { BundleFacts } from './model';
import { scheduleOf } from './partition';
import { LINK_RANGE_DB, ROLES, USERS, type Sections } from './schema';

/** Sections that read well by themselves; null where one did not. */
type ReadableSections = { readonly [K in keyof Sections]: Sections[K] | null };
type Allocation = NonNullable<Sections['allocation']>;

const SAMPLE_RATE_HZ = 5e6;
const GRID_BINS = 2048;
const BINS_PER_CARRIER = 32;

/** Every user in the smallest sub-band, with the guards between them, Hz. */
export function leastBandwidthHz(guardCarriers: number): number {
  const bins = binsTaken(
    USERS.map(() => SMALLEST_SIZE),
    Math.round(guardCarriers * BINS_PER_CARRIER),
  );
  return Math.ceil((bins * SAMPLE_RATE_HZ) / GRID_BINS);
}

export function checkAllocation(yaml: YamlFile, sections: ReadableSections): void {
  const { allocation, sweep, schedule, radios, transport, air } = sections;
  // Of a section that did not read its own lines tell.
  if (allocation === null) return;
  if (sweep !== null) checkSwept(yaml, allocation, sweep);
  if (air?.channel !== undefined && allocation === undefined)
    yaml.add(
      ['air', 'channel'],
      'belongs to allocation; allowed nothing: without it every trial draws its own channel',
    );
  if (allocation === undefined) return;
  if (schedule !== null && radios !== null && scheduleOf({ schedule, radios }) !== 'fdma')
    yaml.refuse(['schedule'], 'fdma beside allocation, which divides the band among users at once');
  if (yaml.valueAt(['partition']) !== undefined)
    yaml.add(['partition'], 'beside allocation, which decides the sub-bands; allowed nothing: leave the section out');
  if (transport?.mapping === 'digital')
    yaml.refuse(['transport', 'mapping'], 'analog beside allocation, which decides for analog bursts alone');
  const draws = yaml.valueAt(['questions', 'awgnDraws']);
  if (draws !== undefined && draws !== 0)
    yaml.refuse(['questions', 'awgnDraws'], '0 beside allocation: SNR and token lengths differ from trial to trial');
  if (allocation.method !== undefined && !(ANALOG_METHODS as readonly string[]).includes(allocation.method))
    yaml.refuse(['allocation', 'method'], `${ANALOG_METHODS.join(', ')}, for analog transport`);
  const bandwidths = sweep?.bandwidthHz?.map((hz, i) => ({ hz, at: ['sweep', 'bandwidthHz', i] as const })) ?? [
    { hz: allocation.bandwidthHz, at: ['allocation', 'bandwidthHz'] as const },
  ];
  const least = leastBandwidthHz(allocation.guardCarriers);
  for (const { hz, at } of bandwidths)
    if (hz < least)
      yaml.refuse(
        at,
        `from ${least} Hz for ${USERS.length} users with guards of ${allocation.guardCarriers} grid carriers`,
      );
  if (radios === null) return;
  const twins = ROLES.every((role) => radios[role].driver === 'twin');
  if (!twins && allocation.referencePowerDbm === undefined)
    yaml.refuse(['allocation', 'referencePowerDbm'], 'the power that real radios send at referenceGainDb, dBm');
  if (!twins && allocation.csi === 'simulated' && allocation.simulated.pathLossDb === undefined)
    yaml.refuse(['allocation', 'simulated', 'pathLossDb'], 'text, visual and audio, dB, since the radios are real');
}

/** An SNR without allocation; with it one of the two budgets. */
function checkSwept(yaml: YamlFile, allocation: Allocation | undefined, sweep: Sections['sweep']): void {
  const budgets = (['bandwidthHz', 'powerDb'] as const).filter((name) => sweep[name] !== undefined);
  if (allocation === undefined) {
    for (const name of budgets) yaml.add(['sweep', name], 'belongs to allocation; allowed snrDb without that section');
    if (sweep.snrDb.length === 0)
      yaml.refuse(
        ['sweep', 'snrDb'],
        `a list of 1 to 50 different numbers from ${LINK_RANGE_DB.min} to ${LINK_RANGE_DB.max} dB`,
      );
    return;
  }
  if (sweep.snrDb.length > 0)
    yaml.refuse(['sweep', 'snrDb'], 'nothing beside allocation, which sets the powers: bandwidthHz or powerDb');
  if (sweep.by !== 'snr') yaml.refuse(['sweep', 'by'], 'snr beside allocation');
  if (budgets.length !== 1)
    yaml.add(
      ['sweep'],
      budgets.length === 0
        ? 'no budget; allowed bandwidthHz or powerDb beside allocation'
        : 'both budgets; allowed one of bandwidthHz and powerDb',
    );
}

export function checkAllocationAgainstBundle(yaml: YamlFile, allocation: Allocation, bundle: BundleFacts): void {
  if (!bundle.surface)
    yaml.refuse(
      ['task', 'bundle'],
      `a bundle with a measured loss surface beside allocation (${bundle.name} has none)`,
    );
  for (const user of ['visual', 'audio'] as const) {
    const allowed = bundle.tokenLengths[user];
    allocation.lengths[user]?.forEach((length, i) => {
      if (!allowed.includes(length))
        yaml.refuse(['allocation', 'lengths', user, i], `${allowed.join(', ')} (bundle ${bundle.name})`);
    });
  }
}
