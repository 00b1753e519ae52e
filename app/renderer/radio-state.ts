/** What the window knows of opened radios: identity, faults, sensors. Pure functions. */
import type { HostEvent } from '../ipc/host-messages';
import type { RadioDetails, RadioEventMessage, RadioHealth } from '../ipc/live-messages';

type HealthEvent = Extract<HostEvent, { type: 'health' }>;

/** By `radioKey`. */
export interface RadiosView {
  readonly details: Readonly<Record<string, RadioDetails>>;
  readonly health: Readonly<Record<string, RadioHealth>>;
}

export const NO_RADIOS: RadiosView = { details: {}, health: {} };

export function radioKey({ driver, serial }: { readonly driver: string; readonly serial: string }): string {
  return `${driver} ${serial}`;
}

const byKey = <T extends { driver: string; serial: string }>(radios: readonly T[]): Record<string, T> =>
  Object.fromEntries(radios.map((radio) => [radioKey(radio), radio]));

export function withDetails(before: RadiosView, radios: readonly RadioDetails[]): RadiosView {
  return { ...before, details: { ...before.details, ...byKey(radios) } };
}

export function withHealth(before: RadiosView, { radios }: HealthEvent): RadiosView {
  return { ...before, health: { ...before.health, ...byKey(radios) } };
}

export function eventLines({ events, eventsLeftOut }: HealthEvent): string[] {
  const lines = events.map(eventLine);
  return eventsLeftOut > 0 ? [...lines, `${eventsLeftOut} more radio events, left out here`] : lines;
}

function eventLine({ kind, direction, serial, count, detail, hardwareTimeNs }: RadioEventMessage): string {
  const times = count > 1 ? ` (${count} times)` : '';
  const when = hardwareTimeNs === null ? '' : ` at ${(hardwareTimeNs / 1e9).toFixed(6)} s of its clock`;
  return `${serial} ${direction}: ${kind}${times}${when}${detail === '' ? '' : `: ${detail}`}`;
}

/** How a light stands; its words say what it means. */
export interface Light {
  readonly name: string;
  readonly level: 'ok' | 'warning' | 'bad' | 'unknown';
  readonly text: string;
  /** For the tooltip. */
  readonly detail: string;
}

/** Faults by the light that they belong to. */
const FAULT_LIGHTS = [
  { name: 'Overflow', kinds: ['overflow', 'time-gap'], what: 'samples lost because nobody read them in time' },
  { name: 'Underflow', kinds: ['underflow'], what: 'the transmitter ran dry within a burst' },
  { name: 'Late', kinds: ['late'], what: 'bursts that came to the radio after their time' },
  {
    name: 'Stream',
    kinds: ['stream-error', 'dropped-burst', 'device-lost'],
    what: 'errors of the stream or the device',
  },
] as const;

const LOCK_SENSORS = /(^|:)(ref_locked|gps_locked)$/;
const LO_SENSORS = /(^|:)lo_locked$/;
const TEMPERATURE_SENSORS = /(^|:)(temp|.*temperature)$/;
/** Board temperatures beyond this are worth a look; makers specify 0 to 40..55 °C of ambient air. */
const WARM_C = 70;

/** @param health null: nothing is known of this radio */
export function lightsOf(health: RadioHealth | null): Light[] {
  return [...FAULT_LIGHTS.map((light) => faultLight(light, health)), referenceLight(health), temperatureLight(health)];
}

function faultLight({ name, kinds, what }: (typeof FAULT_LIGHTS)[number], health: RadioHealth | null): Light {
  if (health === null) return { name, level: 'unknown', text: 'not known', detail: `${what}; the radio is not open` };
  const happened = kinds.reduce((sum, kind) => sum + (health.faults[kind] ?? 0), 0);
  const lost = name === 'Stream' && (health.faults['device-lost'] ?? 0) > 0;
  if (lost) return { name, level: 'bad', text: 'lost', detail: 'the device no longer answers' };
  return happened === 0
    ? { name, level: 'ok', text: 'none', detail: `${what}: none since the radio was opened` }
    : { name, level: 'warning', text: `${happened} ×`, detail: `${what}: ${happened} times since it was opened` };
}

function referenceLight(health: RadioHealth | null): Light {
  const name = 'Reference';
  const locks = (health?.sensors ?? []).filter(
    (sensor) => LOCK_SENSORS.test(sensor.name) || LO_SENSORS.test(sensor.name),
  );
  const detail = locks.map((sensor) => `${sensor.name}: ${sensor.value ?? 'unreadable'}`).join(', ');
  if (locks.length === 0) {
    const why = (health?.sensors ?? null) === null ? 'not read' : 'this radio has no such sensor';
    return { name, level: 'unknown', text: 'not known', detail: why };
  }
  const open = locks.filter(({ value }) => !isTrue(value));
  return open.length === 0
    ? { name, level: 'ok', text: 'locked', detail }
    : { name, level: 'bad', text: `not locked: ${open.map((sensor) => sensor.name).join(', ')}`, detail };
}

const isTrue = (value: string | null): boolean => value !== null && /^(true|1|locked)\b/i.test(value.trim());

function temperatureLight(health: RadioHealth | null): Light {
  const name = 'Temperature';
  const read = (health?.sensors ?? []).filter((sensor) => TEMPERATURE_SENSORS.test(sensor.name));
  const valuesC = read.map(({ value }) => Number.parseFloat(value ?? '')).filter(Number.isFinite);
  if (valuesC.length === 0)
    return {
      name,
      level: 'unknown',
      text: 'not known',
      detail: (health?.sensors ?? null) === null ? 'not read' : 'this radio has no such sensor',
    };
  const hottestC = Math.max(...valuesC);
  const detail = read.map((sensor) => `${sensor.name}: ${sensor.value ?? 'unreadable'} °C`).join(', ');
  return { name, level: hottestC > WARM_C ? 'warning' : 'ok', text: `${hottestC.toFixed(0)} °C`, detail };
}
