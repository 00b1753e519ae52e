/** What no single field can tell: fields against each other and against the bundle. */
import type { YamlFile } from '../config/yaml-file';
import { checkAllocation, checkAllocationAgainstBundle } from './allocation-checks';
import type { BundleFacts } from './model';
import { checkPartition, scheduleOf } from './partition';
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

export function crossCheck(yaml: YamlFile, sections: ReadableSections): void {
  checkAllocation(yaml, sections);
  if (sections.radios !== null) checkRadios(yaml, sections.radios, sections.schedule ?? undefined);
  checkSharing(yaml, sections);
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
