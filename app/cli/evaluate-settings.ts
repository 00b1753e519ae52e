/** Settings of `otabench evaluate --settings`: token lengths and SNRs of each user, from a JSON file. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { YamlFile } from '../config/yaml-file';
import { formatViolation, InvalidInputError } from '../config/violations';

const MOST_SETTINGS = 10_000;
const tokensText = 'an integer from 1 to 4096';
const tokens = z
  .number({ error: tokensText })
  .refine((value) => Number.isInteger(value) && value >= 1 && value <= 4096, { error: tokensText });
const snrText = 'a number from -40 to 60 dB, or null (noise-free)';
const snr = z
  .number({ error: snrText })
  .refine((value) => value >= -40 && value <= 60, { error: snrText })
  .nullable()
  .transform((value) => value ?? Infinity);

const setting = z.object(
  {
    visualTokens: tokens,
    audioTokens: tokens,
    visualSnrDb: snr,
    audioSnrDb: snr,
    textSnrDb: snr,
    /** Points that a fit must not see (scripts/surface). */
    heldOut: z.boolean({ error: 'true, false' }).optional(),
  },
  { error: 'a mapping with visualTokens, audioTokens, visualSnrDb, audioSnrDb, textSnrDb' },
);
export type Setting = z.output<typeof setting>;

const listText = `a list of 1 to ${MOST_SETTINGS} settings`;
const settings = z
  .array(setting, { error: listText })
  .min(1, { error: listText })
  .max(MOST_SETTINGS, { error: listText });

/** @throws InvalidInputError with one line for every violation */
export function readSettings(file: string): Setting[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidInputError([
      `evaluate --settings: value "${file}"; allowed a readable file (${(error as Error).message})`,
    ]);
  }
  const yaml = new YamlFile(file, text);
  const found = yaml.violations.length > 0 ? null : yaml.parse(settings, [], () => []);
  if (found === null || yaml.violations.length > 0)
    throw new InvalidInputError(yaml.violations.map((violation) => formatViolation(violation)));
  return found;
}
