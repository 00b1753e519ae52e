import assert from 'node:assert/strict';
import { allocate } from '../../app/allocation';
import { randomProblem, type RandomKind } from '../../app/allocation/random-problem';
import { judge, NO_SCIPY, pythonWithScipy } from '../../app/cli/scipy-judge';

/** Relative; the searches stop at 1e-11, the judge at 1e-13. */
const NEVER_WORSE = 1e-9;

describe('exact against scaled SLSQP (scipy)', function () {
  this.timeout(300_000);
  let python = '';
  before(function () {
    const found = pythonWithScipy();
    if (found === null) {
      console.log(`      skipped: ${NO_SCIPY}`);
      this.skip();
    } else python = found;
  });

  /** The judge's objective over exact's, minus 1. */
  function excess(kind: RandomKind, count: number, starts: number): number[] {
    const problems = Array.from({ length: count }, (_, i) => randomProblem(i, 3 + (i % 5), kind));
    const judged = judge(python, problems, starts) ?? [];
    return problems.map((problem, i) => {
      const ours = allocate(problem).objective;
      const theirs = judged[i]?.objective;
      assert.ok(typeof theirs === 'number', `problem ${i}: the judge found nothing`);
      return theirs / ours - 1;
    });
  }

  for (const power of ['budget', 'caps', 'both'] as const)
    it(`max form, ${power}: never worse, and the judge comes within 1e-6`, () => {
      for (const [i, above] of excess({ power }, power === 'budget' ? 60 : 30, 2).entries()) {
        assert.ok(above > -NEVER_WORSE, `problem ${i}: exact is ${-above} above the judge`);
        assert.ok(above < 1e-6, `problem ${i}: the judge ended ${above} above exact`);
      }
    });

  for (const power of ['budget', 'both'] as const)
    it(`sum form, ${power}: never worse; the judge finds the same point, or a worse stationary one`, () => {
      const above = excess({ latency: 'sum', power }, 30, 2);
      for (const [i, one] of above.entries())
        assert.ok(one > -NEVER_WORSE, `problem ${i}: exact is ${-one} above the judge`);
      assert.ok(above.filter((one) => one < 1e-6).length >= 25, above.join(' '));
    });
});
