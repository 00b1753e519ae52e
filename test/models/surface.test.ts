import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { allocate, checkProblem, surfaceLoss } from '../../app/allocation';
import type { AnalogProblem } from '../../app/allocation';
import { analogLoss } from '../../app/allocation/analog';
import { MANIFEST_FILE, parseManifest, type BundleManifest } from '../../models/runtime/manifest';
import type { LossSurface } from '../../models/runtime';
import { BUNDLE_FOLDER } from './bundle-copy';

const USERS = ['visual', 'audio', 'text'] as const;

describe("the bundle's loss surface", () => {
  let manifest: BundleManifest;
  let surface: LossSurface;
  before(() => {
    manifest = parseManifest(readFileSync(path.join(BUNDLE_FOLDER, MANIFEST_FILE), 'utf8'));
    assert.ok(manifest.surface);
    surface = manifest.surface;
  });

  function problem(more: Record<string, unknown> = {}): AnalogProblem {
    return checkProblem({
      transport: 'analog',
      bandwidthHz: 4e6,
      powerW: 0.1,
      noisePsdWPerHz: 4e-21,
      weight: 0.5,
      latencyRefS: 1e-3,
      users: USERS.map((id) => ({
        id,
        powerGain: 2e-13,
        symbolsPerToken: manifest.users[id].dimension / 2,
        lengths: id === 'text' ? [9] : manifest.users[id].allowedTokens,
        surface: surface.users[id]?.surface,
      })),
      interactions: surface.interactions ?? [],
      ...more,
    }) as AnalogProblem;
  }
  const lossAt = (at: AnalogProblem, point: LossSurface['points'][number]): number =>
    analogLoss(at, [
      surfaceLoss(at.users[0]!.surface, point.visualTokens, point.visualSnrDb),
      surfaceLoss(at.users[1]!.surface, point.audioTokens, point.audioSnrDb),
      surfaceLoss(at.users[2]!.surface, 9, point.textSnrDb),
    ]);

  it('is read by allocation as it stands in the manifest, and its error at held-out points is the one it states', () => {
    const held = surface.points.filter(({ heldOut }) => heldOut);
    assert.ok(held.length >= 40, `${held.length} held-out points`);
    const at = problem();
    const square = held.reduce((sum, point) => sum + (lossAt(at, point) - point.loss) ** 2, 0);
    const rms = Math.sqrt(square / held.length);
    assert.ok(Math.abs(rms - surface.rmsError.surface) < 5e-4, `${rms}, stated ${surface.rmsError.surface}`);
    // Nothing above says that the stated error is small.
    assert.ok(rms < 0.05 && rms < surface.rmsError.loss, `${rms}`);
  });

  it('never rises with SNR or length, with all interactions', () => {
    const at = problem();
    const levels = [-15, -10, -5, 0, 5, 10, 15, 20];
    const lengths = [2, 4, 8, 16, 32, 64];
    for (const visualTokens of lengths)
      for (const visualSnrDb of levels)
        for (const audioSnrDb of levels)
          for (const textSnrDb of levels) {
            const point = {
              visualTokens,
              audioTokens: 8,
              visualSnrDb,
              audioSnrDb,
              textSnrDb,
            } as LossSurface['points'][number];
            const loss = lossAt(at, point);
            for (const better of [
              { ...point, visualTokens: visualTokens * 2 },
              { ...point, audioTokens: 16 },
              { ...point, visualSnrDb: visualSnrDb + 5 },
              { ...point, audioSnrDb: audioSnrDb + 5 },
              { ...point, textSnrDb: textSnrDb + 5 },
            ])
              assert.ok(lossAt(at, better) <= loss + 1e-12, JSON.stringify([point, better]));
          }
  });

  it('makes a problem that allocation solves: better than equal shares, shorter bursts where time is dear', () => {
    const answer = allocate(problem());
    assert.equal(answer.method, 'analog-search');
    assert.ok(answer.users.every(({ outage, loss }) => !outage && Number.isFinite(loss)));
    assert.ok(answer.objective <= allocate(problem(), { method: 'equal' }).objective);
    const hasty = allocate(problem({ weight: 0.95 }));
    const patient = allocate(problem({ weight: 0.05 }));
    assert.ok(hasty.latencyS < patient.latencyS && hasty.loss > patient.loss, JSON.stringify([hasty, patient]));
  });
});
