/** Messages that the user must see. They stay until dismissed or until the next run starts. */
import type { ReactElement } from 'react';
import { useActions } from './actions';
import type { Notice, ViewState } from './state';

export function Notices({ state }: { state: ViewState }): ReactElement {
  return (
    <div id="notices" className="notices" role="alert">
      {state.notices.map((notice) => (
        <NoticeBox key={notice.key} notice={notice} hostIsOff={state.host.phase === 'failed'} />
      ))}
    </div>
  );
}

function NoticeBox({ notice, hostIsOff }: { notice: Notice; hostIsOff: boolean }): ReactElement {
  const { dismiss, restartHost } = useActions();
  return (
    <div className={`notice ${notice.severity}`} data-key={notice.key}>
      <strong>{notice.severity === 'error' ? 'Error' : 'Warning'}</strong>
      <p>{notice.text + (notice.count > 1 ? ` (${notice.count} times)` : '')}</p>
      {notice.offerRestart && hostIsOff ? (
        <button type="button" onClick={restartHost}>
          Restart host
        </button>
      ) : null}
      <button
        type="button"
        className="quiet"
        aria-label={`Dismiss: ${notice.text}`}
        onClick={() => dismiss(notice.key)}
      >
        Dismiss
      </button>
    </div>
  );
}
