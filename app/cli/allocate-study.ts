/** `otabench bench allocate-methods`: how far each method ends above the best known, over 1,000 random problems. */
import { studyMethods, type Study } from '../allocation/study';
import { columns } from './table';

const PROBLEMS = 1000;
const LISTED = 6;
/** The remedy's; the others have none, they are what they are. */
const REMEDY = { method: 'alternating-prices', form: 'max', lengths: 'continuous', goalPercent: 1e-4 } as const;

export function benchAllocateMethods(json: boolean): void {
  const studies = [
    studyMethods(PROBLEMS),
    studyMethods(PROBLEMS, { listed: LISTED, methods: ['alternating', 'alternating-prices'] }),
  ];
  process.stdout.write(`${(json ? [jsonLine(studies)] : tables(studies)).join('\n')}\n`);
}

function jsonLine(studies: readonly Study[]): string {
  const rows = studies.flatMap((study) =>
    study.rows.flatMap((row) =>
      (['median', 'p95', 'most'] as const).map((statistic) => {
        const isRemedy = row.method === REMEDY.method && row.form === REMEDY.form && row.lengths === REMEDY.lengths;
        const goal = isRemedy ? REMEDY.goalPercent : null;
        const value = 100 * row[statistic];
        return {
          figure: `${row.method} above the best known, ${row.form} form, ${row.lengths} lengths, ${row.problems} problems, ${statistic}`,
          value,
          unit: '%',
          goal,
          peer: null,
          peerValue: null,
          met: goal === null || value <= goal,
        };
      }),
    ),
  );
  return JSON.stringify({ bench: 'allocate-methods', rows });
}

function tables(studies: readonly Study[]): string[] {
  const figure = (value: number): string => (100 * value).toPrecision(3);
  return studies.flatMap((study) => {
    const methods = [...new Set(study.rows.map(({ method }) => method))];
    const lines = methods.map((method) => {
      const cells = (['max', 'sum'] as const).flatMap((form) => {
        const row = study.rows.find((one) => one.method === method && one.form === form)!;
        return [figure(row.median), figure(row.p95), figure(row.most)];
      });
      return [method, ...cells];
    });
    const lengths = study.rows[0]!.lengths;
    return [
      `above the best known, %, ${lengths} lengths, ${study.problems / 2} problems of 3 to 20 users; optimum proved in ${study.proved} of ${study.problems}`,
      ...columns([['method', 'median, max form', '95th', 'most', 'median, sum form', '95th', 'most'], ...lines]),
    ];
  });
}
