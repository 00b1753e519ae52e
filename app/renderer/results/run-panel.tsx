/** One run: tags and note, provenance, report, its trials as a table. */
import { useState, type ReactElement } from 'react';
import type { RunReply } from '../../ipc/results-messages';
import { MOST_TAGS, NOTE_LENGTH, TAG_PATTERN } from '../../ipc/results-words';
import { accuracyText, STATE_TEXTS, sweptText, tagsOf, timeText } from './text';
import { useResults } from './use-results';

export function RunPanel(): ReactElement {
  const { state } = useResults();
  const { run, chosen } = state;
  if (chosen.length === 0) return <p className="placeholder">Choose a run on the left.</p>;
  if (run.value === null)
    return run.error === null ? (
      <p className="placeholder">The run is being read.</p>
    ) : (
      <p className="panel-error" role="alert">
        The run could not be read: {run.error}
      </p>
    );
  // A form of its own for each run: what is typed for one is not kept for another.
  return <Details key={run.value.summary.run} reply={run.value} error={run.error} />;
}

function Details({ reply: { summary, facts }, error }: { reply: RunReply; error: string | null }): ReactElement {
  const { model } = useResults();
  const { run, top } = summary;
  return (
    <div className="scroll details" tabIndex={0} role="group" aria-label="The run">
      <h3>{summary.name ?? run}</h3>
      <p className="muted">
        {STATE_TEXTS[summary.state]}, started {timeText(summary.startedAt)}
        {summary.simulated === null ? '' : summary.simulated ? ', simulated twins' : ', measured on radios'}
        {summary.message === null ? '' : `: ${summary.message}`}
      </p>
      {top === null ? null : (
        <p>
          {sweptText(top)}, {top.arm}: {accuracyText(top)}
        </p>
      )}
      <div className="row">
        <button type="button" id="open-run-report" onClick={() => model.openReport(run)}>
          Open report
        </button>
        {(['csv', 'parquet'] as const).map((format) => (
          <button key={format} type="button" onClick={() => model.export({ what: 'trials', run, format })}>
            Export trials, {format === 'csv' ? 'CSV' : 'Parquet'}
          </button>
        ))}
      </div>
      <Notes summary={summary} />
      {error === null ? null : (
        <p className="panel-error" role="alert">
          {error}
        </p>
      )}
      <dl className="facts">
        {facts.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function Notes({ summary: { run, tags, note } }: { summary: RunReply['summary'] }): ReactElement {
  const { model } = useResults();
  const [tagText, setTagText] = useState(tags.join(' '));
  const [noteText, setNoteText] = useState(note);
  const wanted = tagsOf(tagText);
  const bad = wanted.find((tag) => !TAG_PATTERN.test(tag)) ?? null;
  const problem =
    bad !== null
      ? `The tag "${bad}" is longer than 40 characters.`
      : wanted.length > MOST_TAGS
        ? `${wanted.length} tags; at most ${MOST_TAGS} are kept.`
        : null;
  const changed = wanted.join(' ') !== tags.join(' ') || noteText !== note;
  return (
    <form
      className="notes"
      onSubmit={(event) => {
        event.preventDefault();
        if (problem === null) void model.annotate(run, wanted, noteText);
      }}
    >
      <label>
        Tags, apart by spaces
        <input
          id="run-tags"
          value={tagText}
          aria-invalid={problem !== null}
          aria-describedby={problem === null ? undefined : 'tags-problem'}
          onChange={(event) => setTagText(event.target.value)}
        />
      </label>
      {problem === null ? null : (
        <p className="problem" id="tags-problem">
          {problem}
        </p>
      )}
      <label>
        Note
        <textarea
          id="run-note"
          rows={3}
          maxLength={NOTE_LENGTH}
          value={noteText}
          onChange={(event) => setNoteText(event.target.value)}
        />
      </label>
      <button type="submit" id="save-notes" disabled={!changed || problem !== null}>
        Save tags and note
      </button>
    </form>
  );
}
