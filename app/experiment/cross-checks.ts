/** What no single field can tell: fields against each other and against the bundle. */
import type { YamlFile } from '../config/yaml-file';
import { checkAllocation, checkAllocationAgainstBundle } from './allocation-checks';
import { channelUsesOfTrial, isDigital, misfits } from './mapping';
import type { BundleFacts } from './model';
import { checkPartition, scheduleOf, subbandsOf } from './partition';
import {
  CYCLIC_PREFIX_S,
  LAST_TAP_SPREADS,
  MAX_CARRIER_OFFSET_HZ,
  ROLES,
  TWIN_LIMITS,
  TWIN_SERIAL,
  TWIN_SERIAL_ALLOWED,
  USERS,
  type Sections,
} from './schema';

/** Sections that read well by themselves; null where one did not. */
export type ReadableSections = { readonly [K in keyof Sections]: Sections[K] | null };

type Air = NonNullable<Sections['air']>;
type ArmView = Omit<Sections, 'arms'>;

export function crossCheck(yaml: YamlFile, sections: ReadableSections): void {
  checkAllocation(yaml, sections);
  if (sections.radios !== null) checkRadios(yaml, sections.radios, sections.schedule ?? undefined);
  checkSharing(yaml, sections);
  if (sections.transport !== null) checkMapping(yaml, sections.transport);
  const airIsWritten = yaml.valueAt(['air']) !== undefined;
  if (sections.radios !== null) {
    const twins = ROLES.some((role) => sections.radios?.[role].driver === 'twin');
    if (twins && !airIsWritten)
      yaml.refuse(['air'], 'a mapping with pace, radios, paths: twins need their simulated air');
    if (!twins && airIsWritten)
      yaml.add(['air'], 'belongs to twins, and every radio is real; allowed nothing: leave the section out');
    if (sections.link !== null && radiosAreTwins(sections.radios)) checkTwinLimits(yaml, sections.link);
    if (sections.air) {
      checkAir(yaml, sections.air, sections.radios);
      if (sections.link !== null) checkClocks(yaml, sections.air, sections.radios, sections.link);
    }
  }
}

/** Token lengths and question counts against the bundle. */
export function checkAgainstBundle(yaml: YamlFile, sections: ReadableSections, bundle: BundleFacts): void {
  if (sections.users !== null)
    for (const user of ['visual', 'audio'] as const) {
      const lengths = bundle.tokenLengths[user];
      if (!lengths.includes(sections.users[user].tokens))
        yaml.refuse(['users', user, 'tokens'], `${lengths.join(', ')} (bundle ${bundle.name})`);
    }
  if (sections.allocation) checkAllocationAgainstBundle(yaml, sections.allocation, bundle);
  const distinct = sections.questions?.distinct;
  if (distinct !== undefined && distinct > bundle.questions)
    yaml.refuse(
      ['questions', 'distinct'],
      `an integer from 1 to ${bundle.questions}, the questions of bundle ${bundle.name}`,
    );
}

/** What of the analog mapping's options the digital one leaves open. */
function checkMapping(yaml: YamlFile, transport: Sections['transport']): void {
  if (!isDigital({ transport })) return;
  const { digital } = transport;
  const since = 'since transport.mapping is digital';
  if (transport.normalisation !== 'burst')
    yaml.refuse(['transport', 'normalisation'], `burst, ${since} (every token has a step of its own)`);
  if (!transport.scramble) yaml.refuse(['transport', 'scramble'], `true, ${since}`);
  if (transport.dftSpreading && (digital.bitsPerValue === 'auto' || digital.modulation === 'auto'))
    yaml.refuse(
      ['transport', 'dftSpreading'],
      'false where link adaptation chooses: its thresholds hold without; or bitsPerValue and modulation fixed',
    );
}

/**
 * Arms that claim another's channel uses, and formats that must fit into theirs.
 * @param views the file as each arm sees it
 */
export function checkChannelUses(
  views: readonly { readonly yaml: YamlFile; readonly arm: ArmView }[],
  bundle: BundleFacts,
): void {
  const arms = views.map(({ arm }) => arm);
  for (const { yaml, arm } of views) {
    if (!isDigital(arm)) continue;
    const at = ['transport', 'digital', 'channelUsesOf'] as const;
    const { channelUsesOf } = arm.transport.digital;
    const analog = arms.filter((other) => !isDigital(other)).map((other) => other.arm);
    if (channelUsesOf !== undefined) {
      const other = arms.find(({ arm: name }) => name === channelUsesOf);
      if (other === undefined || isDigital(other)) {
        yaml.refuse(at, `an arm whose mapping is analog: ${analog.join(', ') || '(there is none)'}`);
        continue;
      }
      const faults = [...unequal(arm, other), ...unequalUses(arm, other, arms, bundle)];
      for (const fault of faults) yaml.add(at, `value "${channelUsesOf}", ${fault}`);
    }
    for (const { detail } of misfits(arm, arms, bundle.dimensions, bundle.textTokens))
      yaml.add(
        ['transport', 'digital'],
        `${detail}; allowed a format that fits (fewer bits, tokens, more shares, or a higher modulation)`,
      );
  }
}

/** The claim itself, for every length that a question's text has. */
function unequalUses(arm: ArmView, other: ArmView, arms: readonly ArmView[], bundle: BundleFacts): string[] {
  for (const tokens of bundle.textTokens) {
    const [own, theirs] = [arm, other].map((one) => channelUsesOfTrial(one, arms, bundle.dimensions, tokens));
    if (own !== theirs)
      return [`with ${theirs} channel uses against ${own} for a text of ${tokens} tokens; allowed as many in both`];
  }
  return [];
}

/** What keeps equal channel uses from being equal energy. */
function unequal(arm: ArmView, other: ArmView): string[] {
  const faults: string[] = [];
  if (scheduleOf(arm) !== scheduleOf(other))
    faults.push(`whose schedule is ${scheduleOf(other)}; allowed that of this arm, ${scheduleOf(arm)}`);
  if (JSON.stringify(subbandsOf(arm)) !== JSON.stringify(subbandsOf(other)))
    faults.push('whose partition is another; allowed the same sub-bands');
  if (arm.transport.rmsDbfs !== other.transport.rmsDbfs)
    faults.push(`whose rmsDbfs is ${other.transport.rmsDbfs}; allowed that of this arm, ${arm.transport.rmsDbfs}`);
  if (arm.sweep.by !== other.sweep.by)
    faults.push(`whose sweep.by is ${other.sweep.by}; allowed that of this arm, ${arm.sweep.by}`);
  return faults;
}

/** With FDMA every user needs its sub-band; a partition that is written must fit also where no arm uses it. */
function checkSharing(yaml: YamlFile, { schedule, partition, radios }: ReadableSections): void {
  if (partition === null || schedule === null || radios === null) return;
  if (partition !== undefined) checkPartition(yaml, partition);
  else if (scheduleOf({ schedule, radios }) === 'fdma') checkPartition(yaml, 'equal');
}

function checkRadios(yaml: YamlFile, radios: Sections['radios'], schedule: Sections['schedule']): void {
  const owners = new Map<string, string>();
  const userSerials = new Set(USERS.map((user) => radios[user].serial));
  const oneForAll = userSerials.size === 1 && (schedule ?? 'one-transmitter') === 'one-transmitter';
  if (schedule === 'one-transmitter' && userSerials.size > 1)
    for (const user of USERS)
      if (radios[user].serial !== radios.text.serial)
        yaml.refuse(
          ['radios', user, 'serial'],
          `${radios.text.serial}, as radios.text has: schedule is one-transmitter`,
        );
  for (const role of ROLES) {
    const { serial } = radios[role];
    const owner = owners.get(serial);
    const shares = schedule === 'one-transmitter' || (oneForAll && owner !== 'base');
    if (owner !== undefined && !(shares && owner !== 'base'))
      yaml.refuse(['radios', role, 'serial'], `a serial of its own for every radio (radios.${owner} has this one)`);
    owners.set(serial, role);
  }
  const baseIsTwin = radios.base.driver === 'twin';
  for (const role of ROLES) {
    const isTwin = radios[role].driver === 'twin';
    if (isTwin !== baseIsTwin)
      yaml.refuse(
        ['radios', role, 'driver'],
        `${baseIsTwin ? 'twin' : 'a real driver'}, as radios.base has: a plan is all twins or all real radios`,
      );
    else if (isTwin && !TWIN_SERIAL.test(radios[role].serial))
      yaml.refuse(['radios', role, 'serial'], `${TWIN_SERIAL_ALLOWED}, since the driver is twin`);
    else if (!isTwin && radios[role].serial.startsWith('TWIN-'))
      yaml.refuse(['radios', role, 'serial'], 'a serial that does not start with TWIN-, since the radio is real');
  }
}

function radiosAreTwins(radios: Sections['radios']): boolean {
  return ROLES.every((role) => radios[role].driver === 'twin');
}

function checkTwinLimits(yaml: YamlFile, link: Sections['link']): void {
  for (const [field, unit] of [
    ['centerFrequencyHz', 'Hz'],
    ['rxGainDb', 'dB'],
  ] as const) {
    const { min, max } = TWIN_LIMITS[field];
    if (link[field] < min || link[field] > max)
      yaml.refuse(['link', field], `a number from ${min} to ${max} ${unit}, the range of a twin`);
  }
}

/** On the raw list, so that a bad entry beside it hides nothing. */
export function checkSweepOnce(yaml: YamlFile): void {
  const values = yaml.valueAt(['sweep', 'snrDb']);
  if (!Array.isArray(values)) return;
  values.forEach((value, index) => {
    if (values.indexOf(value) !== index)
      yaml.refuse(['sweep', 'snrDb', index], 'each SNR once (more trials: questions.trialsPerPoint)');
  });
}

function checkAir(yaml: YamlFile, air: Air, radios: Sections['radios']): void {
  const known = Object.keys(air.radios);
  for (const role of ROLES)
    if (radios[role].driver === 'twin' && !known.includes(radios[role].serial))
      yaml.refuse(['radios', role, 'serial'], `a serial of air.radios: ${known.join(', ') || '(none there)'}`);
  const seen = new Set<string>();
  air.paths.forEach((item, index) => {
    for (const end of ['from', 'to'] as const)
      if (!known.includes(item[end]))
        yaml.refuse(['air', 'paths', index, end], `a serial of air.radios: ${known.join(', ') || '(none there)'}`);
    if (item.from === item.to) yaml.refuse(['air', 'paths', index, 'to'], 'another radio than "from"');
    const key = `${item.from} ${item.to}`;
    if (seen.has(key)) yaml.add(['air', 'paths', index], `a second path from ${item.from} to ${item.to}; allowed one`);
    seen.add(key);
    checkFading(yaml, index, item);
  });
  air.interferers.forEach(({ serials, onS, periodS }, index) => {
    serials.forEach((value, place) => {
      if (!known.includes(value))
        yaml.refuse(
          ['air', 'interferers', index, 'serials', place],
          `a serial of air.radios: ${known.join(', ') || '(none there)'}`,
        );
    });
    if (periodS !== 0 && (onS === 0 || periodS <= onS))
      yaml.refuse(
        ['air', 'interferers', index, 'periodS'],
        `0 (once), or more than onS (${onS} s, which must not be 0)`,
      );
  });
  for (const user of USERS) {
    const [from, to] = [radios[user].serial, radios.base.serial];
    if (known.includes(from) && known.includes(to) && from !== to && !seen.has(`${from} ${to}`))
      yaml.add(['air', 'paths'], `no path from ${from} (${user}) to ${to} (base); allowed one for every user`);
  }
}

/** A tapped delay line stands for all of a path's taps, and its last one must stay within the cyclic prefix. */
function checkFading(yaml: YamlFile, index: number, { taps, fading }: Air['paths'][number]): void {
  const { kind, profile, delaySpreadS, ricianKDb } = fading;
  const at = ['air', 'paths', index, 'fading'] as const;
  if (profile === 'taps') return;
  if (kind === 'none') yaml.refuse([...at, 'profile'], 'taps while kind is none; block or continuous for a TDL');
  if (taps.length !== 1)
    yaml.refuse([...at, 'profile'], `taps beside ${taps.length} taps; a TDL beside one tap or none in the file`);
  if (ricianKDb !== null && profile !== 'tdl-d' && profile !== 'tdl-e')
    yaml.refuse([...at, 'ricianKDb'], `null with ${profile}, which has no line of sight`);
  const mostS = (CYCLIC_PREFIX_S - (taps[0]?.delayS ?? 0)) / LAST_TAP_SPREADS[profile];
  if (delaySpreadS > mostS)
    yaml.refuse(
      [...at, 'delaySpreadS'],
      `a number from 0 to ${mostS.toPrecision(3)} s: the last tap of ${profile} must lie within the cyclic prefix of ${CYCLIC_PREFIX_S} s`,
    );
}

/** The preamble resolves a limited carrier offset about the prior; a plan beyond it would lose every burst. */
function checkClocks(yaml: YamlFile, air: Air, radios: Sections['radios'], link: Sections['link']): void {
  const base = air.radios[radios.base.serial];
  if (base === undefined) return;
  const { centerFrequencyHz, cfoPriorHz } = link;
  const hzPerPpm = centerFrequencyHz / 1e6;
  const limitPpm = MAX_CARRIER_OFFSET_HZ / hzPerPpm;
  const middlePpm = base.clockErrorPpm + cfoPriorHz / hzPerPpm;
  const about =
    cfoPriorHz === 0
      ? `the base's ${base.clockErrorPpm}`
      : `${middlePpm.toFixed(1)}, the base's ${base.clockErrorPpm} and link.cfoPriorHz ${cfoPriorHz} Hz,`;
  for (const user of USERS) {
    const { serial } = radios[user];
    const radio = air.radios[serial];
    if (radio !== undefined && Math.abs(radio.clockErrorPpm - middlePpm) > limitPpm)
      yaml.refuse(
        ['air', 'radios', serial, 'clockErrorPpm'],
        `at most ${limitPpm.toFixed(1)} ppm from ${about} at this carrier (${MAX_CARRIER_OFFSET_HZ / 1e3} kHz)`,
      );
  }
}
