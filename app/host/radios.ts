/** The radios of this machine, for the command line. */
import { findRadios, twinEnvironment, type FoundRadio } from '../../drivers/radio';

export { twinEnvironment };
export type { FoundRadio };

export interface RadioListing {
  readonly radios: readonly FoundRadio[];
  /** One line for every driver that could not be asked. */
  readonly faults: readonly string[];
}

/** Asks driver after driver: enumeration is serialised, and one that fails hides no other. */
export async function listRadios(drivers: readonly string[]): Promise<RadioListing> {
  const radios: FoundRadio[] = [];
  const faults: string[] = [];
  for (const driver of drivers) {
    try {
      radios.push(...(await findRadios(driver)));
    } catch (error) {
      faults.push(`${driver}: ${(error as Error).message}`);
    }
  }
  return { radios, faults };
}
