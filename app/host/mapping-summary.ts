/** What `otabench check` says of mappings: formats, channel uses and energy of the arms beside each other. */
import {
  CHANNEL_USES_PER_SYMBOL,
  channelUsesOfTrial,
  isDigital,
  payloadOfdmSymbols,
  shapesOf,
} from '../experiment/mapping';
import type { BundleFacts, TaskModel } from '../experiment/model';
import type { Plan } from '../experiment/plan';
import { USERS } from '../experiment/schema';
import { mean } from '../units/statistics';

type Arm = Plan['experiment']['arms'][number];

function describeFormat({ transport }: Arm): string {
  if (transport.mapping === 'analog') return 'analog: two values a channel use';
  const { bitsPerValue, modulation, targetPer, marginDb } = transport.digital;
  if (bitsPerValue !== 'auto' && modulation !== 'auto') return `digital: ${bitsPerValue} bits per value, ${modulation}`;
  const fixed = [
    ...(bitsPerValue === 'auto' ? [] : [`${bitsPerValue} bits per value`]),
    ...(modulation === 'auto' ? [] : [modulation]),
  ];
  const open = [
    ...(bitsPerValue === 'auto' ? ['bits per value'] : []),
    ...(modulation === 'auto' ? ['modulation'] : []),
    'code rate',
  ];
  return `digital: ${[...fixed, ''].join(', ')}link adaptation of ${open.join(', ')} by each point's sounding, for a PER of ${targetPer} with ${marginDb} dB to spare`;
}

/** Mean over the plan's questions, whose texts differ in length. */
function meanUses(plan: Plan, model: TaskModel, { dimensions }: BundleFacts, arm: Arm): number {
  const { arms } = plan.experiment;
  const uses = plan.questions.map((question) =>
    channelUsesOfTrial(arm, arms, dimensions, model.questions[question]?.words.length ?? 1),
  );
  return mean(uses) ?? 0;
}

export function describeMappings(plan: Plan, model: TaskModel, bundle: BundleFacts): string[] {
  const { arms } = plan.experiment;
  const own = (arm: Arm): string => (arms.length > 1 ? `${arm.arm}: ` : '');
  const words = model.questions[plan.questions[0] as number]?.words.length ?? 1;
  const measure = arms.find((arm) => !isDigital(arm));
  return arms.flatMap((arm) => {
    const symbols = payloadOfdmSymbols(arm, arms, shapesOf(arm, bundle.dimensions, words));
    const uses = meanUses(plan, model, bundle, arm);
    const first = USERS.map((user) => `${user} ${CHANNEL_USES_PER_SYMBOL * symbols[user]}`).join(', ');
    return [
      `mapping   ${own(arm)}${describeFormat(arm)}`,
      `uses      ${own(arm)}${uses.toFixed(1)} channel uses a trial on average (first question: ${first})${measure === undefined || measure === arm ? '' : compared(arm, measure, uses, meanUses(plan, model, bundle, measure))}`,
    ];
  });
}

function compared(arm: Arm, measure: Arm, uses: number, others: number): string {
  const claimed = arm.transport.mapping === 'digital' && arm.transport.digital.channelUsesOf === measure.arm;
  const power = arm.transport.rmsDbfs === measure.transport.rmsDbfs;
  if (uses !== others) return `: ${(uses / others).toFixed(2)} times ${measure.arm}'s, UNEQUAL`;
  const energy = power ? 'equal channel uses and energy' : 'equal channel uses, UNEQUAL power at the transmitter';
  const split = arm.transport.digital.shares === undefined || !isDigital(arm) ? '' : ' in sum, divided by shares';
  return `: as ${measure.arm}, ${energy}${split}${claimed ? ' (claimed, checked for every question)' : ''}`;
}
