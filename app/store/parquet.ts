/** Parquet copies of a run's lines, made by DuckDB. The lines stay the truth; trials.parquet carries their hash. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, rmSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { runFiles } from './layout';
import { makeFolder } from './make-folder';

const BURST = `STRUCT("user" VARCHAR, "sequence" INTEGER, tokens INTEGER, dimension INTEGER, detected BOOLEAN,
  headerOk BOOLEAN, outcome VARCHAR, subband STRUCT(centerBin INTEGER, size INTEGER, guardBins INTEGER, soundedCfoHz DOUBLE),
  channelUses INTEGER, digital STRUCT(bitsPerValue INTEGER, modulation VARCHAR, payloadOfdmSymbols INTEGER, codeRate DOUBLE,
    effectiveSnrDb DOUBLE, requiredSnrDb DOUBLE, meetsTarget BOOLEAN, codeBlocks INTEGER, codeBlocksLost INTEGER,
    decoderIterations INTEGER, erasedTokens INTEGER),
  effectiveSnrDb STRUCT(qpsk DOUBLE, "16qam" DOUBLE, "64qam" DOUBLE, "256qam" DOUBLE),
  snrDb DOUBLE, snrSdDb DOUBLE, snrLowDb DOUBLE, snrHighDb DOUBLE, bestEstimator VARCHAR,
  sndrDb DOUBLE, sndrLowDb DOUBLE, sndrHighDb DOUBLE, preambleSnrDb DOUBLE, emptyCarriersSnrDb DOUBLE,
  pilotEvmSnrDb DOUBLE, dataAidedSnrDb DOUBLE, genieSnrDb DOUBLE,
  preambleSdDb DOUBLE, preambleLowDb DOUBLE, preambleHighDb DOUBLE,
  emptyCarriersSdDb DOUBLE, emptyCarriersLowDb DOUBLE, emptyCarriersHighDb DOUBLE,
  pilotEvmSdDb DOUBLE, pilotEvmLowDb DOUBLE, pilotEvmHighDb DOUBLE,
  dataAidedSdDb DOUBLE, dataAidedLowDb DOUBLE, dataAidedHighDb DOUBLE, genieSdDb DOUBLE, genieLowDb DOUBLE, genieHighDb DOUBLE, disturbed BOOLEAN,
  tokenErrorDb DOUBLE, boundErrorDb DOUBLE,
  errorBudget STRUCT(measured DOUBLE, noise DOUBLE, nonlinearity DOUBLE, phase DOUBLE, channel DOUBLE,
    interference DOUBLE, unexplained DOUBLE), phaseDriftRad DOUBLE, saturatedSamples INTEGER,
  trueSnrDb DOUBLE, cfoHz DOUBLE, trueCfoHz DOUBLE, clockOffsetPpm DOUBLE, arrivalNs DOUBLE, requestedTxGainDb DOUBLE,
  txGainDb DOUBLE, paprDb DOUBLE, ccdfDb DOUBLE[], clippedFraction DOUBLE, limitedFraction DOUBLE, clipEvmDb DOUBLE,
  airTimeS DOUBLE)`;

const EVENT = `STRUCT(kind VARCHAR, direction VARCHAR, serial VARCHAR, hardwareTimeNs DOUBLE, count BIGINT, detail VARCHAR)`;

export const TRIAL_COLUMNS = `{kind: 'VARCHAR', id: 'VARCHAR', arm: 'VARCHAR', requestedSnrDb: 'DOUBLE', bandwidthHz: 'DOUBLE', powerDb: 'DOUBLE', "index": 'INTEGER',
  question: 'INTEGER', repeat: 'INTEGER', family: 'VARCHAR', valid: 'BOOLEAN', answer: 'VARCHAR', expected: 'VARCHAR',
  correct: 'BOOLEAN', logProbability: 'DOUBLE', bursts: '${BURST}[]', events: '${EVENT}[]', airTimeS: 'DOUBLE', allocation: 'VARCHAR',
  latencyS: 'DOUBLE', predictedLatencyS: 'DOUBLE', attempts: 'INTEGER',
  attempt: 'INTEGER', wallMs: 'BIGINT'}`;

export const CSI_COLUMNS = `{trial: 'VARCHAR', "user": 'VARCHAR', cfoHz: 'DOUBLE', clockOffsetPpm: 'DOUBLE', arrivalNs: 'DOUBLE', noiseVariance: 'DOUBLE',
  burstSnrDb: 'DOUBLE', burstSnrLowDb: 'DOUBLE', burstSnrHighDb: 'DOUBLE', bestEstimator: 'VARCHAR', disturbed: 'BOOLEAN', carriers: 'SMALLINT[]',
  re: 'FLOAT[]', im: 'FLOAT[]', snrDb: 'FLOAT[]'}`;

/** A path as an SQL string. */
export function literal(file: string): string {
  return `'${file.replaceAll("'", "''")}'`;
}

/** A file of lines as an SQL table. */
export function readLines(file: string, columns: string): string {
  // A line that a crash tore reads as nothing.
  return `read_json(${literal(file)}, format='newline_delimited', ignore_errors=true, columns=${columns}, maximum_object_size=67108864)`;
}

export function openDatabase(): Promise<DuckDBInstance> {
  // All that is used is linked in: nothing may be fetched.
  return DuckDBInstance.create(':memory:', {
    threads: '2',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
}

async function withDatabase<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const instance = await openDatabase();
  try {
    const connection = await instance.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** Writes what `select` gives to a file that is whole or not there. */
export async function copyTo(
  connection: DuckDBConnection,
  select: string,
  file: string,
  options: string,
): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await connection.run(`COPY (${select}) TO ${literal(draft)} (${options})`);
    await rename(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

export const PARQUET = 'FORMAT parquet, COMPRESSION zstd';

export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** sha256 of the columns as this version reads them: a copy made with others is made anew. */
const COLUMNS_SHA256 = createHash('sha256').update(TRIAL_COLUMNS).digest('hex');

/** The keys that trials.parquet carries, for a trials.jsonl with this sha256. */
export function trialsMetadata(trialsSha256: string): Readonly<Record<string, string>> {
  return { trials_jsonl_sha256: trialsSha256, columns_sha256: COLUMNS_SHA256 };
}

/** Makes trials.parquet: one row a line of trials.jsonl, whose sha256 it carries as `trials_jsonl_sha256`. */
export async function writeTrialsParquet(connection: DuckDBConnection, folder: string): Promise<void> {
  const files = runFiles(folder);
  const metadata = Object.entries(trialsMetadata(await sha256(files.trials))).map(
    ([key, value]) => `${key}: '${value}'`,
  );
  await copyTo(
    connection,
    `SELECT * FROM ${readLines(files.trials, TRIAL_COLUMNS)}`,
    files.trialsParquet,
    `${PARQUET}, KV_METADATA {${metadata.join(', ')}}`,
  );
}

/**
 * Makes trials.parquet and moves csi.ndjson into csi.parquet (one row a carrier of a burst). For the writer of the
 * folder, when a run stops.
 */
export async function writeParquet(folder: string): Promise<void> {
  const files = runFiles(folder);
  await withDatabase(async (connection) => {
    await writeTrialsParquet(connection, folder);
    if (!existsSync(files.csiLines) || statSync(files.csiLines).size === 0) {
      rmSync(files.csiLines, { force: true });
      return;
    }
    const fresh = `SELECT trial, "user", unnest(carriers) AS carrier, unnest(re) AS hRe, unnest(im) AS hIm,
      unnest(snrDb) AS snrDb, noiseVariance, cfoHz, clockOffsetPpm, arrivalNs,
      burstSnrDb, burstSnrLowDb, burstSnrHighDb, bestEstimator, disturbed FROM ${readLines(files.csiLines, CSI_COLUMNS)}`;
    // A resumed run adds to what it kept before. A burst that both hold (a crash between the two steps below) counts once.
    const all = existsSync(files.csiParquet)
      ? `SELECT DISTINCT ON (trial, "user", carrier) * FROM (FROM ${literal(files.csiParquet)} UNION ALL BY NAME ${fresh})`
      : `SELECT DISTINCT ON (trial, "user", carrier) * FROM (${fresh})`;
    await copyTo(connection, `SELECT * FROM (${all}) ORDER BY trial, "user", carrier`, files.csiParquet, PARQUET);
    rmSync(files.csiLines);
  });
}

export interface CsiRow {
  readonly trial: string;
  readonly user: string;
  readonly carrier: number;
  readonly hRe: number;
  readonly hIm: number;
  readonly snrDb: number;
}

/** All CSI of a run, from csi.parquet and from lines that are not in it yet; ordered by trial, user and carrier. */
export async function readCsi(folder: string): Promise<CsiRow[]> {
  const files = runFiles(folder);
  const sources: string[] = [];
  if (existsSync(files.csiParquet))
    sources.push(`SELECT trial, "user", carrier, hRe, hIm, snrDb FROM ${literal(files.csiParquet)}`);
  if (existsSync(files.csiLines) && statSync(files.csiLines).size > 0)
    sources.push(`SELECT trial, "user", unnest(carriers) AS carrier, unnest(re) AS hRe, unnest(im) AS hIm,
      unnest(snrDb) AS snrDb FROM ${readLines(files.csiLines, CSI_COLUMNS)}`);
  if (sources.length === 0) return [];
  return withDatabase(async (connection) => {
    const result = await connection.runAndReadAll(
      `SELECT * FROM (${sources.join(' UNION ALL ')}) ORDER BY trial, "user", carrier`,
    );
    return result.getRowObjectsJS() as unknown as CsiRow[];
  });
}

/**
 * Flat tables for other programs, in RUN/export: `trials` (one row a trial) and `bursts` (one row a burst).
 * @returns the files written
 */
export async function exportTables(folder: string, format: 'csv' | 'parquet'): Promise<string[]> {
  const files = runFiles(folder);
  const target = path.join(folder, 'export');
  makeFolder(target, 'export');
  const trials = readLines(files.trials, TRIAL_COLUMNS);
  const options = format === 'csv' ? 'FORMAT csv, HEADER' : PARQUET;
  const written: string[] = [];
  await withDatabase(async (connection) => {
    for (const [name, select] of [
      [
        'trials',
        `SELECT * EXCLUDE (bursts, events, attempt), len(events) AS events FROM ${trials} WHERE kind IN ('trial', 'sounding')`,
      ],
      [
        'bursts',
        `SELECT id, kind, arm, requestedSnrDb, bandwidthHz, powerDb, valid, unnest(bursts, recursive := true) FROM ${trials} WHERE kind IN ('trial', 'sounding')`,
      ],
    ] as const) {
      const file = path.join(target, `${name}.${format}`);
      await copyTo(connection, select, file, options);
      written.push(file);
    }
  });
  return written;
}
